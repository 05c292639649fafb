"""Normative. The inter-view prediction: what the DISPARITY section holds, and the view that it predicts.

The section starts with the unit of its displacements in quarter pixels (1, 2 or 4), the number of an interpolation
kernel (see `warping`), then for red, green and blue a gain and an offset (signed bytes, see `weighted_prediction`). The
coded displacement field, in that unit, follows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from snncodec.bitstream.displacement_field import DisplacementField, decode_field, encode_field
from snncodec.decoder.tiling import Tile
from snncodec.decoder.warping import KERNELS, warp
from snncodec.decoder.weighted_prediction import apply_weights
from snncodec.errors import FormatError
from snncodec.model.prediction import PredictedView

UNITS = (1, 2, 4)  # of displacements, in quarter pixels
HEAD_BYTES = 8  # in front of the field


@dataclass(frozen=True, eq=False)
class InterViewPrediction:
    """Where the left view is in the right one, how sharp, and how bright."""

    field: DisplacementField  # in quarter pixels
    kernel: int  # see `warping.KERNELS`
    weights: np.ndarray  # int8 [3, 2], see `weighted_prediction`

    def apply(self, left_reconstruction: Tensor, part: Tile | None = None) -> PredictedView:
        """The right view, or the blocks of `part`, as far as the decoded left one, uint8 [3, 16 h, 16 w], tells."""
        device = left_reconstruction.device
        displacements = torch.from_numpy(self.field.displacements).to(device)
        matched = torch.from_numpy(self.field.matched).to(device)
        pixels = apply_weights(warp(left_reconstruction, displacements, self.kernel, part), self.weights)
        return PredictedView(pixels[None], (matched[part] if part else matched)[None, None])


def unit_of(displacements: np.ndarray) -> int:
    """The coarsest of `UNITS` of which all displacements are multiples."""
    return next(unit for unit in reversed(UNITS) if not (displacements % unit).any())


def encode_inter_view(prediction: InterViewPrediction) -> tuple[bytes, InterViewPrediction]:
    """The DISPARITY section, and the prediction that `decode_inter_view` will make of it."""
    displacements, matched = prediction.field.displacements, prediction.field.matched
    unit = unit_of(displacements)
    coded, decoded = encode_field(DisplacementField(displacements // unit, matched))
    head = bytes([unit, prediction.kernel]) + prediction.weights.tobytes()
    return head + coded, replace(prediction, field=DisplacementField(decoded.displacements * unit, matched))


def decode_inter_view(section: bytes, shape: tuple[int, int]) -> InterViewPrediction:
    """The prediction of `shape` (h, w) blocks that `encode_inter_view` was given; `FormatError` for anything else."""
    if len(section) <= HEAD_BYTES or section[0] not in UNITS or section[1] >= len(KERNELS):
        raise FormatError("the DISPARITY section does not hold a unit, a kernel, weights and a field")
    field = decode_field(section[HEAD_BYTES:], shape)
    weights = np.frombuffer(section, np.int8, 6, 2).reshape(3, 2)
    return InterViewPrediction(DisplacementField(field.displacements * section[0], field.matched), section[1], weights)

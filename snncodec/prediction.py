"""What the right view is predicted to be: a field and an exposure of the left one, found, applied, and kept in bytes.

The DISPARITY section starts with the unit of its displacements in quarter pixels (1, 2 or 4), the kernel of the
interpolation (0 to 5, see `warp`), then for red, green and blue a gain and an offset (signed bytes, see `exposure`).
The coded field follows. Files whose header does not say `adjusted` lack these 8 bytes: their unit is 1, their kernel 0,
and both views are exposed alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from snncodec.disparity import LEAST_SHARE, UNITS, estimate
from snncodec.errors import FormatError
from snncodec.exposure import expose, match_exposure
from snncodec.field import decode_field, encode_field
from snncodec.views import as_picture
from snncodec.warp import KERNELS, warp

HEAD = 8  # bytes in front of the field


class Prediction(NamedTuple):
    """Where the left view is in the right one, how bright, and how sharp."""

    field: np.ndarray  # int64 [3, h, w], see `estimate`
    exposure: np.ndarray  # int8 [3, 2], see `match_exposure`
    kernel: int = 0  # see `warp.KERNELS`

    def apply(self, seen: Tensor) -> Tensor:
        """The right view, uint8 [4, 16 h, 16 w] as `warp` returns it, as far as the left one, uint8 [3, ...], tells."""
        return expose(warp(seen, torch.from_numpy(self.field).to(seen.device), self.kernel), self.exposure)


def predict(seen: Tensor, right: np.ndarray, step: float, kernel: int = 0, share: float = LEAST_SHARE) -> Prediction:
    """What is best for `right` (uint8 [H, W, 3]) coded with a quantisation `step`, given the decoded left view."""
    field = estimate(as_picture(seen, *right.shape[:2]), right, step, kernel, share)
    warped = warp(seen, torch.from_numpy(field).to(seen.device), kernel)
    return Prediction(field, match_exposure(warped, right), kernel)


def encode_prediction(prediction: Prediction) -> tuple[bytes, Prediction]:
    """The DISPARITY section, and the prediction that `decode_prediction` will make of it."""
    field = prediction.field
    unit = next(unit for unit in reversed(UNITS) if not (field[:2] % unit).any())
    scale = np.array([unit, unit, 1])[:, None, None]
    coded, decoded = encode_field(field // scale)
    head = bytes([unit, prediction.kernel]) + prediction.exposure.tobytes()
    return head + coded, prediction._replace(field=decoded * scale)


def decode_prediction(section: bytes, shape: tuple[int, int], adjusted: bool) -> Prediction:
    """The prediction of `shape` (h, w) blocks that `encode_prediction` was given; `FormatError` for anything else."""
    unit, kernel, exposure = 1, 0, np.zeros((3, 2), dtype=np.int8)
    if adjusted:
        if len(section) < HEAD or section[0] not in UNITS or section[1] >= len(KERNELS):
            raise FormatError("the DISPARITY section does not start with a unit, a kernel and an exposure")
        unit, kernel, exposure = section[0], section[1], np.frombuffer(section, np.int8, 6, 2).reshape(3, 2)
        section = section[HEAD:]
    field = decode_field(section, shape)
    field[:2] *= unit
    return Prediction(field, exposure, kernel)

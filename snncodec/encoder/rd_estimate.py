"""About what a pair costs, and how well it is kept, at any quality: pictures come in, and nothing is coded.

Coefficients of the linear transform of patches all over both views are counted. What prediction and entropy coding save
of them differs from pair to pair, but hardly from one quality to the next: one coded file tells where the others lie.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from snncodec.encoder.analysis import in_floats, padded, patches
from snncodec.errors import InputError
from snncodec.model.exact_codec import ExactCodec

RATE, CURVATURE = 1.45, 0.8  # a coefficient of c steps takes about 1.45 log2(1 + 0.8 c^2) bits
LEAST_BYTES = 60  # of any file
LEAST_ERROR = 1e-6  # of pixels that are rounded
ERROR = 0.12  # the mean squared error of large coefficients, in squared steps; all errors together are 1.3 dB more
OTHER_ERRORS = 1.3


class RDEstimate:
    """Size and PSNR of a pair as a function of quality, 1 to 100; `InputError` for any other."""

    def __init__(self, codec: ExactCodec, left: np.ndarray, right: np.ndarray) -> None:
        """`left`, `right`: uint8 [H, W, 3] of one size."""
        samples = [in_floats(patches(padded(view, codec.steps.device))).sub_(128) for view in (left, right)]
        self.coefficients = torch.cat([codec.transform.in_floats.analysis(part) for part in samples])
        self.samples = sum(part.numel() for part in samples)
        self.scale = 2 * left.size / self.samples  # of all there is to what is looked at
        self.steps = codec.steps.tolist()

    def size(self, quality: int) -> float:
        """Bytes of a file."""
        power = (self.coefficients / self._step(quality)).square_()
        bits = RATE * float(power.mul_(CURVATURE).add_(1).log2_().sum(dtype=torch.float64))
        return LEAST_BYTES + bits * self.scale / 8

    def psnr(self, quality: int) -> float:
        """PSNR of both views, in dB."""
        power, coarse = self.coefficients.square(), ERROR * self._step(quality) ** 2
        error = (power * coarse / (power + coarse)).sum(dtype=torch.float64) / self.samples
        return 10 * math.log10(255**2 / max(float(error), LEAST_ERROR)) - OTHER_ERRORS

    def _step(self, quality: int) -> float:
        if not 1 <= quality <= len(self.steps):
            raise InputError(f"quality must be from 1 to {len(self.steps)}, not {quality}")
        return float(self.steps[quality - 1])

"""Normative. Pixels less their local mean, in quantisation steps: what spiking networks see of a picture."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from snncodec.spiking.fixed_point import snap

MEAN_RADIUS = 8  # the local mean is taken over 17 x 17 pixels
MEAN_AREA = (2 * MEAN_RADIUS + 1) ** 2
INPUT_SCALE, INPUT_MAX = 16, 511  # networks see pixel differences in sixteenths of a step, clipped to +-511


def local_mean(x: Tensor) -> Tensor:
    """Mean over 17 x 17 pixels of x [N, C, H, W]; outside the image counts as the border pixel."""
    return local_sum(x) / MEAN_AREA


def local_sum(x: Tensor) -> Tensor:
    """Sums over 17 x 17 pixels, separably, as differences of running sums; exact for fixed-point numbers."""
    width = 2 * MEAN_RADIUS + 1
    x = F.pad(x.contiguous(), [MEAN_RADIUS] * 4, mode="replicate")
    for dim, before in ((2, (0, 0, 1, 0)), (3, (1, 0))):
        sums, size = F.pad(x.cumsum(dim), before), x.shape[dim] - width + 1
        x = sums.narrow(dim, width, size) - sums.narrow(dim, 0, size)
    return x


def scaled_contrast(pixels: Tensor, step: Tensor) -> Tensor:
    """(pixel - local mean) / step in units of 1/16, clipped, in ordinary floats; step [N, 1, 1, 1]."""
    return _in_steps(pixels - local_mean(pixels), step)


def scaled_difference(predicted: Tensor, pixels: Tensor, step: Tensor) -> Tensor:
    """(predicted pixel - pixel) / step in units of 1/16, clipped, in ordinary floats."""
    return _in_steps(predicted - pixels, step)


def exact_contrast(pixels: Tensor, step: Tensor) -> Tensor:
    """`scaled_contrast` as integers; every operation is exact or a single IEEE division."""
    pixels = snap(pixels, 2)
    contrast = (pixels * MEAN_AREA - local_sum(pixels)) * INPUT_SCALE / (step * MEAN_AREA)
    return contrast.round_().clamp_(-INPUT_MAX, INPUT_MAX)


def exact_difference(predicted: Tensor, pixels: Tensor, step: Tensor) -> Tensor:
    """`scaled_difference` as integers; a single IEEE division."""
    return ((predicted - snap(pixels, 2)) * INPUT_SCALE / step).round_().clamp_(-INPUT_MAX, INPUT_MAX)


def _in_steps(differences: Tensor, step: Tensor) -> Tensor:
    return (differences * (INPUT_SCALE / step)).clamp(-INPUT_MAX, INPUT_MAX)

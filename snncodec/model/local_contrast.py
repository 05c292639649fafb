"""Normative. Pixels less their local mean, in quantisation steps: what spiking networks see of a picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MEAN_RADIUS = 8  # the local mean is taken over 17 x 17 pixels
MEAN_AREA = (2 * MEAN_RADIUS + 1) ** 2
ROWS = 64  # of sums that are computed at once
QUARTERS, PIXEL_MAX = 4, 1024  # pixels count in quarters of a grey level; decoded ones may leave -128..127
INPUT_SCALE, INPUT_MAX = 16, 511  # networks see pixel differences in sixteenths of a step, clipped to +-511


def local_mean(x: Tensor) -> Tensor:
    """Mean over 17 x 17 pixels of x [N, C, H, W]; outside the image counts as the border pixel."""
    return local_sum(x).div_(MEAN_AREA)


def local_sum(x: Tensor) -> Tensor:
    """Sums over 17 x 17 pixels, separably; some rows at a time, which stay in the processor's cache."""
    height, width = x.shape[2:]
    bordered = F.pad(x.contiguous(), [MEAN_RADIUS] * 4, mode="replicate")
    sums = torch.empty_like(x, memory_format=torch.contiguous_format)
    for row in range(0, height, ROWS):
        strip = bordered[:, :, row : row + ROWS + 2 * MEAN_RADIUS]
        sums[:, :, row : row + ROWS] = _sums(_sums(strip, 2, strip.shape[2] - 2 * MEAN_RADIUS), 3, width)
    return sums


def _sums(x: Tensor, dim: int, size: int) -> Tensor:
    """Sums of 17 in a row, by doubling: of 2, 4, 8 and 16, and one more."""
    sums = x
    for reach in (1, 2, 4, 8):
        length = sums.shape[dim] - reach
        sums = sums.narrow(dim, 0, length) + sums.narrow(dim, reach, length)
    return sums.narrow(dim, 0, size) + x.narrow(dim, 2 * MEAN_RADIUS, size)


def scaled_contrast(pixels: Tensor, step: Tensor) -> Tensor:
    """(pixel - local mean) / step in units of 1/16, clipped, in ordinary floats; step [N, 1, 1, 1]."""
    return _in_steps(pixels - local_mean(pixels), step)


def scaled_difference(predicted: Tensor, pixels: Tensor, step: Tensor) -> Tensor:
    """(predicted pixel - pixel) / step in units of 1/16, clipped, in ordinary floats."""
    return _in_steps(predicted - pixels, step)


def exact_contrast(pixels: Tensor, step: Tensor) -> Tensor:
    """`scaled_contrast` as integers, float32: exact but for a single IEEE division, as `exact_difference`."""
    quarters = in_quarters(pixels)
    sums = local_sum(quarters)
    return _divided(quarters.mul_(MEAN_AREA).sub_(sums), step * MEAN_AREA)


def exact_difference(predicted: Tensor, pixels: Tensor, step: Tensor) -> Tensor:
    """`scaled_difference` as integers, float32; `predicted` are whole numbers."""
    return _divided((predicted.float() * QUARTERS).sub_(in_quarters(pixels)), step)


def in_quarters(pixels: Tensor) -> Tensor:
    """Pixels as integers in quarters of a grey level, float32, bounded so that sums over 17 x 17 are below 2**24.

    Pixels that are not beyond that bound are multiples of 1/256, which float32 holds.
    """
    return pixels.float().mul_(QUARTERS).round_().clamp_(-PIXEL_MAX * QUARTERS, PIXEL_MAX * QUARTERS)


def _divided(quarters: Tensor, step: Tensor) -> Tensor:
    return quarters.mul_(INPUT_SCALE // QUARTERS).div_(step.float()).round_().clamp_(-INPUT_MAX, INPUT_MAX)


def _in_steps(differences: Tensor, step: Tensor) -> Tensor:
    return (differences * (INPUT_SCALE / step)).clamp(-INPUT_MAX, INPUT_MAX)

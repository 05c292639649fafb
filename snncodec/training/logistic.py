"""What training takes the frequency tables to be: zero-mean logistic densities, differentiable in their scale."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from snncodec.bitstream.dependent_quantisation import FINE_STEP
from snncodec.bitstream.frequency_tables import SCALES

LOWEST_SCALE, SCALE_RATIO = 0.03, 0.117  # table i stands for scales around 0.03 exp(0.117 i) quantisation steps


def logistic_bits(levels: Tensor, index: Tensor, below: Tensor | float = 0.5, above: Tensor | float = 0.5) -> Tensor:
    """Bits of (real-valued) levels under a zero-mean logistic of the scale that the real table index names.

    A level stands for all residuals from `below` below it to `above` above it, in quantisation steps.
    """
    index = index + (index.clamp(0, SCALES - 1) - index).detach()
    precision = torch.exp(-SCALE_RATIO * index) / LOWEST_SCALE
    upper, lower = F.logsigmoid((above + levels) * precision), F.logsigmoid((below - levels) * precision)
    return -(upper + lower + torch.log(-torch.expm1(-(below + above) * precision))) / math.log(2)


def cell_of(levels: Tensor, quantiser: Tensor) -> tuple[Tensor, Tensor]:
    """How far below and above levels of the quantisers 0 and 1, or of rounding (-1), residuals have them."""
    widest = torch.where(quantiser < 0, 0.5, FINE_STEP)
    narrow = quantiser == 1  # around zero
    below = torch.where(narrow & ((levels == 0) | (levels == FINE_STEP)), FINE_STEP / 2, widest)
    above = torch.where(narrow & ((levels == 0) | (levels == -FINE_STEP)), FINE_STEP / 2, widest)
    return below, above


def best_tables(symbols: Tensor) -> Tensor:
    """For each column of symbols [P, C], the index of the table that codes it in the fewest bits [C]."""
    magnitudes = torch.arange(256.0)
    bits = logistic_bits(magnitudes, torch.arange(float(SCALES))[:, None])
    columns = symbols.abs().clamp(max=255).long()
    histogram = torch.stack([torch.bincount(column, minlength=256) for column in columns.T])
    return (histogram.float() @ bits.T).argmin(1).float()

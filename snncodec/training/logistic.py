"""What training takes the frequency tables to be: zero-mean logistic densities, differentiable in their scale."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from snncodec.bitstream.frequency_tables import TABLES

LOWEST_SCALE, SCALE_RATIO = 0.03, 0.117  # table i stands for scales around 0.03 exp(0.117 i) quantisation steps


def logistic_bits(symbols: Tensor, index: Tensor) -> Tensor:
    """Bits of (real-valued) symbols under a zero-mean logistic of the scale that the real table index names."""
    index = index + (index.clamp(0, TABLES - 1) - index).detach()
    precision = torch.exp(-SCALE_RATIO * index) / LOWEST_SCALE
    above, below = F.logsigmoid((0.5 + symbols) * precision), F.logsigmoid((0.5 - symbols) * precision)
    return -(above + below + torch.log(-torch.expm1(-precision))) / math.log(2)


def best_tables(symbols: Tensor) -> Tensor:
    """For each column of symbols [P, C], the index of the table that codes it in the fewest bits [C]."""
    magnitudes = torch.arange(256.0)
    bits = logistic_bits(magnitudes, torch.arange(float(TABLES))[:, None])
    columns = symbols.abs().clamp(max=255).long()
    histogram = torch.stack([torch.bincount(column, minlength=256) for column in columns.T])
    return (histogram.float() @ bits.T).argmin(1).float()

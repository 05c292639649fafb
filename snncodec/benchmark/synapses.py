"""How many weights the inputs of one convolution meet: the operations of hardware that takes inputs as they come."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from snncodec.spiking.fixed_point import FRACTION_BITS
from snncodec.spiking.layers import ExactConv2d


def over_time(x: Tensor, time_steps: int) -> Tensor:
    """[T * N, ...] -> sums over time [N, ...]."""
    return x if time_steps == 1 else x.unflatten(0, (time_steps, len(x) // time_steps)).sum(0)


def operations(layer: ExactConv2d, sums: Tensor) -> int:
    """How many weights all inputs meet, of sums over input channels [N, 1, H, W] (or [P, 1] of tokens).

    Each input counts with its number: 1 for what merely takes part, or how many spikes it has.
    """
    if sums.dim() == 2:
        return int(sums.sum(dtype=torch.float64)) * len(layer.weight)
    rows, columns = layer.border
    sums = F.pad(sums.float(), (columns, columns, rows, rows), mode="replicate")
    window = sums.new_ones((1, 1, *layer.weight.shape[2:]))
    met = F.conv2d(sums, window, None, layer.stride, layer.padding)
    return int(met.sum(dtype=torch.float64)) * len(layer.weight)


def outputs_of(layer: ExactConv2d, x: Tensor) -> int:
    """How many numbers the convolution makes of an input [N, C, H, W] or [P, C]."""
    places = [
        (size + 2 * (border + padding) - kernel) // stride + 1
        for size, border, padding, kernel, stride in zip(
            x.shape[2:], layer.border, layer.padding, layer.weight.shape[2:], layer.stride, strict=False
        )
    ]
    return len(x) * len(layer.weight) * math.prod(places)


def weight_bits(layer: ExactConv2d) -> int:
    """Bits of the widest weight on the fixed-point grid, with its sign."""
    return int(layer.weight.abs().max() * 2**FRACTION_BITS).bit_length() + 1

"""Convolutions of spike counts and other small numbers in bytes: the sums of floats, two to four times as fast.

A weight of up to 14 bits is 128 times a high byte plus a low one, and counts are bytes as they are. oneDNN multiplies
bytes and adds in 32-bit integers. The sums of high bytes, and those of low ones with the bias, are exact in float32,
and adding the two rounds at most once: as if all had been summed in float64. Only CPUs with instructions for that
(VNNI) are asked; on others floats are as fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from snncodec.spiking.fixed_point import FRACTION_BITS

LOW_BITS = 7
LARGEST = 127 * 2**LOW_BITS + 2 ** (LOW_BITS - 1) - 1  # of a weight on the grid


def bytes_are_fast(device: torch.device) -> bool:
    """Whether this is a CPU that multiplies bytes faster than floats, without saturating."""
    return device.type == "cpu" and torch.backends.mkldnn.is_available() and torch.cpu._is_vnni_supported()


def fits_bytes(weight: Tensor, bias: Tensor | None, input_max: float) -> bool:
    """Whether inputs are bytes, weights [O, I, kh, kw] two of them, and float32 holds the sums of either, with bias."""
    sums = input_max * weight[0].numel() * 2**LOW_BITS
    if bias is not None:
        sums += float(bias.abs().max()) * 2**FRACTION_BITS
    return input_max < 2**8 and sums < 2**24 and bool(weight.abs().max() * 2**FRACTION_BITS <= LARGEST)


class ByteConvolution:
    """A convolution whose weights [O, I, kh, kw] and biases [O] are float32 multiples of 2**-12."""

    def __init__(self, weight: Tensor, bias: Tensor | None, stride: Sequence[int], padding: Sequence[int]) -> None:
        whole = (weight * 2**FRACTION_BITS).to(torch.int32)
        low = (whole + 2 ** (LOW_BITS - 1)) % 2**LOW_BITS - 2 ** (LOW_BITS - 1)
        self.stride, self.padding, self.bias = list(stride), list(padding), bias
        self.zeros = torch.zeros(len(weight), dtype=torch.int64, device="cpu")
        self.high = self._packed((whole - low) >> LOW_BITS, LOW_BITS - FRACTION_BITS)
        self.low = self._packed(low, -FRACTION_BITS)

    def _packed(self, weight: Tensor, exponent: int) -> tuple[Tensor, Tensor]:
        """Bytes as oneDNN wants them, and what they count: powers of two."""
        unit = torch.full((len(weight),), 2.0**exponent, dtype=torch.float32, device="cpu")
        layout: tuple[Any, ...] = self.stride, self.padding, [1, 1], 1, None
        return torch.ops.onednn.qconv_prepack(weight.to(torch.int8), unit, 1.0, 0, *layout), unit

    def __call__(self, counts: Tensor) -> Tensor:
        """Of counts uint8 [N, I, H, W], float32 [N, O, H', W']; both best channels-last."""
        geometry = self.stride, self.padding, [1, 1], 1
        output: tuple[Any, ...] = 1.0, 0, torch.float32
        plain: tuple[Any, ...] = "none", [], ""
        adding: tuple[Any, ...] = 1.0, 0, "sum", 1.0, "none", [], ""
        sums = torch.ops.onednn.qconv2d_pointwise(
            counts, 1.0, 0, *self.high, self.zeros, None, *geometry, *output, *plain
        )
        return torch.ops.onednn.qconv2d_pointwise.binary(
            counts, 1.0, 0, *self.low, self.zeros, sums, self.bias, *geometry, *output, *adding
        )

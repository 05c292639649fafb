"""Convolutions of spike counts with bytes: the same sums as in floats, at about twice the speed where the CPU can.

A weight of up to 14 bits is 128 times a high byte plus a low one, and counts are bytes as they are. oneDNN multiplies
bytes and adds in 32-bit integers, which hold all sums that `proof.py` lets float32 hold, so the result is the same bit
for bit. Only CPUs with instructions for that (VNNI) are asked; on others floats are as fast.
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


class ByteConvolution:
    """A convolution whose weights [O, I, kh, kw] and biases [O] are float32 multiples of 2**-12."""

    def __init__(self, weight: Tensor, bias: Tensor | None, stride: Sequence[int], padding: Sequence[int]) -> None:
        whole = (weight.double() * 2**FRACTION_BITS).round().to(torch.int32)
        low = (whole + 2 ** (LOW_BITS - 1)) % 2**LOW_BITS - 2 ** (LOW_BITS - 1)
        parts = torch.cat([(whole - low) >> LOW_BITS, low]).to(torch.int8)
        self.outputs, self.stride, self.padding = len(weight), list(stride), list(padding)
        units = torch.tensor(
            [2.0 ** (LOW_BITS - FRACTION_BITS), 2.0**-FRACTION_BITS], dtype=torch.float32, device="cpu"
        )
        self.units = units.repeat_interleave(self.outputs)
        self.zeros = torch.zeros(len(parts), dtype=torch.int64, device="cpu")
        self.bias = None if bias is None else torch.cat([bias, torch.zeros_like(bias)])
        self.weight = torch.ops.onednn.qconv_prepack(
            parts, self.units, 1.0, 0, self.stride, self.padding, [1, 1], 1, None
        )

    def __call__(self, counts: Tensor) -> Tensor:
        """Of counts uint8 [N, I, H, W], float32 [N, O, H', W']; both best channels-last."""
        settings: tuple[Any, ...] = self.stride, self.padding, [1, 1], 1, 1.0, 0, torch.float32, "none", [], ""
        both = torch.ops.onednn.qconv2d_pointwise(
            counts, 1.0, 0, self.weight, self.units, self.zeros, self.bias, *settings
        )
        return both[:, : self.outputs] + both[:, self.outputs :]

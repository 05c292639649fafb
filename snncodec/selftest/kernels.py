"""Layers that compute in bytes against the same in floats, on maps of many sizes.

Sums are proved not to round, but a kernel may be wrong all the same: oneDNN's byte kernels for AMX made garbage of maps
with one or two columns at stride 2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snncodec.spiking.arithmetic import exact_arithmetic
from snncodec.spiking.layers import ExactConv2d

HEIGHTS, WIDTHS = (1, 2, 3, 7, 8, 9, 10, 16, 17, 33, 65), (1, 2, 3, 4, 5, 8, 17)
LARGEST_COUNT = 4


def differing_maps(network: nn.Module) -> list[str]:
    """A word on each kind of layer, and size of a map, of which bytes and floats have different sums."""
    layers = [layer for layer in network.modules() if isinstance(layer, ExactConv2d) and layer.in_bytes is not None]
    kinds = {(layer.weight.shape, layer.stride, layer.padding, layer.border): layer for layer in layers}
    random = torch.Generator().manual_seed(0)
    different = []
    for (shape, *_), layer in kinds.items():
        for height, width in ((height, width) for height in HEIGHTS for width in WIDTHS):
            if not _is_alike(layer, _inputs(layer, height, width, random)):
                different.append(f"{shape[1]} to {shape[0]} channels on {width}x{height}")
    return different


def _inputs(layer: ExactConv2d, height: int, width: int, random: torch.Generator) -> Tensor:
    """Counts, or small numbers and their magnitudes: float32 [1, inputs of the layer, height, width]."""
    inputs, least = layer.weight.shape[1], -LARGEST_COUNT if layer.magnitudes else 0
    size = (1, inputs // 2 if layer.magnitudes else inputs, height, width)
    numbers = torch.randint(least, LARGEST_COUNT + 1, size, generator=random, device="cpu").to(torch.float32)
    numbers = torch.cat([numbers, numbers.abs()], dim=1) if layer.magnitudes else numbers
    return numbers.contiguous(memory_format=torch.channels_last)


def _is_alike(layer: ExactConv2d, inputs: Tensor) -> bool:
    with exact_arithmetic():
        in_bytes = layer(inputs)
        kernel, layer.in_bytes = layer.in_bytes, None
        try:
            return torch.equal(in_bytes, layer(inputs))
        finally:
            layer.in_bytes = kernel

"""Promises of byte_convolution.py: the sums of floats, for maps of any size, with whatever kernels oneDNN has."""

import pytest
import torch

from snncodec.model.shipped_weights import load_weights
from snncodec.spiking.arithmetic import exact_arithmetic
from snncodec.spiking.byte_convolution import bytes_are_fast
from snncodec.spiking.layers import ExactConv2d

CPU = torch.device("cpu")
HEIGHTS, WIDTHS = (1, 2, 3, 7, 8, 9, 10, 16, 17, 33, 65), (1, 2, 3, 4, 5, 8, 17)


@pytest.mark.skipif(not bytes_are_fast(CPU), reason="this CPU has no instructions for bytes")
@pytest.mark.parametrize("name", ["base", "sketch"])
def test_layers_of_the_shipped_weights_have_the_sums_of_floats_on_maps_of_any_size(name):
    layers = [layer for layer in load_weights(name, CPU).codec.modules() if isinstance(layer, ExactConv2d)]
    shapes = {(tuple(layer.weight.shape), layer.stride, layer.padding, layer.border): layer for layer in layers}
    random = torch.Generator().manual_seed(0)
    for layer in shapes.values():
        if layer.in_bytes is None:
            continue
        for height in HEIGHTS:
            for width in WIDTHS:
                size = (1, layer.weight.shape[1] // (2 if layer.magnitudes else 1), height, width)
                counts = torch.randint(-4 if layer.magnitudes else 0, 5, size, generator=random).float()
                inputs = torch.cat([counts, counts.abs()], 1) if layer.magnitudes else counts
                inputs = inputs.contiguous(memory_format=torch.channels_last)
                with exact_arithmetic():
                    in_bytes = layer(inputs)
                    kernel, layer.in_bytes = layer.in_bytes, None
                    in_floats = layer(inputs)
                    layer.in_bytes = kernel
                assert torch.equal(in_bytes, in_floats), (layer.weight.shape, height, width)

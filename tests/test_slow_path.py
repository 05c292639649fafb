"""The fast way to decode gives the pixels of the slow one: convolutions in 64-bit floats, none in bytes or in parts."""

import numpy as np
import pytest
import torch
from conftest import CPU

from snncodec import Codec
from snncodec.model.shipped_weights import load_weights
from snncodec.model.weights import read_weights
from snncodec.spiking import proof
from snncodec.spiking.layers import ExactConv2d


@pytest.fixture(scope="module")
def slow():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof, "float32_is_exact", lambda device: False)
        read_weights.cache_clear()
        codec = Codec("base", "cpu")
    read_weights.cache_clear()  # no other test is to find these
    return codec


def test_the_slow_path_is_slow_and_the_fast_one_is_not(slow):
    slow_layers, fast_layers = (
        [layer for layer in loaded.codec.modules() if isinstance(layer, ExactConv2d)]
        for loaded in (slow.loaded, load_weights("base", CPU))
    )
    assert all(layer.weight.dtype == torch.float64 and not layer.in_bytes for layer in slow_layers)
    assert sum(layer.weight.dtype == torch.float32 for layer in fast_layers) > 0.8 * len(fast_layers)


@pytest.mark.parametrize("quality", [5, 30, 50, 75, 95])
def test_every_file_decodes_to_the_same_pixels_on_both_paths(slow, crop, quality):
    data = Codec("base", "cpu").encode(*crop, quality)
    one, other = Codec("base", "cpu").decode(data), slow.decode(data)
    assert np.array_equal(one.left, other.left) and np.array_equal(one.right, other.right)

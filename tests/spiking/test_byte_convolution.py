"""Promises of byte_convolution.py: the sums of floats, for maps of any size, with whatever kernels oneDNN has."""

import pytest
import torch

from snncodec.model.shipped_weights import load_weights
from snncodec.selftest.kernels import HEIGHTS, differing_maps
from snncodec.spiking.byte_convolution import ByteConvolution, bytes_are_fast

CPU = torch.device("cpu")
pytestmark = pytest.mark.skipif(not bytes_are_fast(CPU), reason="this CPU has no instructions for bytes")


@pytest.mark.parametrize("name", ["base", "sketch"])
def test_layers_of_the_shipped_weights_have_the_sums_of_floats_on_maps_of_any_size(name):
    assert differing_maps(load_weights(name, CPU).codec) == []


def test_a_kernel_that_is_wrong_is_noticed(monkeypatch):
    call = ByteConvolution.__call__

    def wrong_in_narrow_maps(self, counts):
        return call(self, counts) + (counts.shape[3] == 1)

    monkeypatch.setattr(ByteConvolution, "__call__", wrong_in_narrow_maps)
    found = differing_maps(load_weights("base", CPU).codec)
    assert found and len(found) % len(HEIGHTS) == 0 and all("on 1x" in words for words in found)

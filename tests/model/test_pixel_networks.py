"""Promises of model/pixel_networks.py: shapes are what they should be, and a new network changes nothing."""

from functools import partial

import pytest
import torch
from conftest import CONFIGS, TINY

from snncodec.constants import BLOCK
from snncodec.model.config import PRESETS
from snncodec.model.pixel_networks import PixelNetwork, PredictionConditioning


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("blocks", "outputs", "stride"), [(2, 5, 1), (0, 7, 0)], ids=["decoder", "encoder"])
def test_pixel_networks_keep_what_they_promise_about_shapes(preset, blocks, outputs, stride):
    config = PRESETS[preset]
    stride = stride or BLOCK // config.patch
    network = PixelNetwork(config, blocks, outputs, stride)
    out = network(torch.zeros(2, 3, 48, 32), torch.zeros(2, config.M))
    assert out.shape == (2, outputs, 48 // (config.patch * stride), 32 // (config.patch * stride))
    assert torch.equal(out, torch.zeros_like(out))  # no spikes, no correction


def membranes(config, seed):
    return torch.randn(config.T * 2, config.M, 6, 4, generator=torch.Generator().manual_seed(seed)) * 3


@pytest.mark.parametrize("blocks", [0, 1])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_new_conditioning_says_nothing(name, blocks):
    config = CONFIGS[name]
    conditioning, matched = PredictionConditioning(config, blocks), torch.ones(2, 1, 3, 2, dtype=torch.bool)
    difference = torch.full((2, 3, 48, 32), 300.0)
    assert torch.equal(conditioning(membranes(config, 0), difference, matched), membranes(config, 0))


@pytest.mark.parametrize("blocks", [0, 1])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_prediction_moves_membranes_where_it_matches_and_nowhere_else(name, blocks):
    torch.manual_seed(0)
    config, conditioning = CONFIGS[name], PredictionConditioning(CONFIGS[name], blocks)
    for parameter in conditioning.parameters():
        torch.nn.init.normal_(parameter)
    matched = torch.tensor([[True, False, True, False, False, True]] * 2).view(2, 1, 3, 2)
    difference = torch.randn(2, 3, 48, 32) * 100
    moved = conditioning(membranes(config, 1), difference=difference, matched=matched) != membranes(config, 1)
    expected = matched.repeat_interleave(2, 2).repeat_interleave(2, 3).repeat(config.T, 1, 1, 1)
    assert torch.equal(moved.any(1, keepdim=True), expected)


def test_a_network_asks_its_condition_for_the_membrane():
    torch.manual_seed(0)
    network = PixelNetwork(TINY, 1, 5, 1)
    torch.nn.init.ones_(network.read_out.weight)
    pixels, offsets = torch.randn(1, 3, 16, 16) * 50, torch.zeros(1, TINY.M)
    silent = network(pixels, offsets, partial(torch.mul, other=0))
    assert silent.abs().max() == 0 and network(pixels, offsets).abs().max() > 0

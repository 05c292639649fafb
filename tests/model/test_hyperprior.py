"""Promises of model/hyperprior.py: hyper-latents cover every map, in training as in coding."""

import pytest
import torch
from conftest import CONFIGS, random_model

from snncodec.model.config import PRESETS
from snncodec.model.hyperprior import HYPER_MAX, HyperDecoder, HyperEncoder, hyper_shape, pad_to_hyper_cells
from snncodec.spiking.layers import exact_copy, set_on_grid


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (5, 8), (3, 13)])
@pytest.mark.parametrize("preset", ["tiny", "sketch"])
def test_a_cell_of_hyper_latents_covers_four_by_four_blocks(size, preset):
    config = PRESETS[preset]
    hyper = HyperEncoder(config)(torch.zeros(2, config.N2, *size), torch.zeros(2, config.prior_width))
    assert hyper.shape == (2, config.hyper_channels, *hyper_shape(*size))
    membrane = HyperDecoder(config)(hyper)
    assert membrane.shape[:2] == (2 * config.T, config.prior_width)
    assert membrane.shape[2:] == pad_to_hyper_cells(torch.zeros(1, 1, *size)).shape[2:]


def test_maps_are_continued_by_their_border():
    x = torch.arange(6.0).view(1, 1, 2, 3)
    padded = pad_to_hyper_cells(x)
    assert padded.shape[2:] == (4, 4) and torch.equal(padded[..., :2, :3], x)
    assert padded[0, 0, 3].tolist() == [3, 4, 5, 5] and torch.equal(pad_to_hyper_cells(padded), padded)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_networks_that_code_are_the_ones_that_were_trained(name):
    model = random_model(CONFIGS[name])
    generator = torch.Generator().manual_seed(0)
    hyper = torch.randint(-5, 6, (1, CONFIGS[name].hyper_channels, 2, 3), generator=generator).float()
    set_on_grid(model)
    trained, exact = model.hyper_decoder(hyper).detach(), exact_copy(model.hyper_decoder)(hyper.double())
    # Training neither snaps thresholds nor offsets, so some spikes may fall the other way.
    assert (trained - exact).square().mean() < 0.01 * exact.var()


def test_hyper_latents_beyond_what_the_network_takes_count_as_the_largest():
    decoder = exact_copy(random_model(CONFIGS["ilif"]).hyper_decoder)
    hyper = torch.tensor([HYPER_MAX + 0.0, -HYPER_MAX, HYPER_MAX, 3]).view(1, 4, 1, 1).double()
    beyond = torch.tensor([2.0**31, -(2.0**31), HYPER_MAX + 1, 3]).view(1, 4, 1, 1).double()
    assert torch.equal(decoder(beyond), decoder(hyper))

"""Promises of model/coding_passes.py: every latent is coded once, in passes over a checkerboard."""

import math

import pytest
import torch
from conftest import CONFIGS, CPU, random_model

from snncodec.model.config import PRESETS
from snncodec.model.context_model import ContextModel, as_map, as_tokens


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 2), (5, 8)])
@pytest.mark.parametrize("preset", ["tiny", "sketch"])
def test_every_latent_is_visited_exactly_once(size, preset):
    context = ContextModel(PRESETS[preset])
    visits = torch.zeros(2 * math.prod(size), PRESETS[preset].N2, dtype=torch.int64)
    for coding_pass in context.passes:
        visits[coding_pass.cells(2, *size, CPU), coding_pass.channels] += 1
    assert torch.equal(visits, torch.ones_like(visits))


@pytest.mark.parametrize("preset", ["tiny", "sketch"])
def test_groups_are_coded_one_after_another(preset):
    starts = [coding_pass.channels.start for coding_pass in ContextModel(PRESETS[preset]).passes]
    assert starts == sorted(starts)


def test_the_membranes_of_a_pass_are_those_of_its_cells_in_every_time_step():
    config = PRESETS["sketch"]
    coding_pass, count, height, width = ContextModel(config).passes[1], 2, 3, 4
    membrane = torch.arange(float(config.T * count * 5 * height * width)).view(-1, 5, height, width)
    cells = coding_pass.cells(count, height, width, CPU)
    tokens = coding_pass.tokens(membrane, cells).unflatten(0, (config.T, -1))
    for time_step, maps in enumerate(membrane.unflatten(0, (config.T, count))):
        assert torch.equal(tokens[time_step], as_tokens(maps)[cells])


def test_maps_become_tokens_and_maps_again():
    x = torch.arange(2 * 5 * 3 * 4.0).view(2, 5, 3, 4)
    assert torch.equal(as_map(as_tokens(x), 2, 3, 4), x)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_flat_picture_is_expected_to_be_flat_by_the_linear_predictors(name):
    codec = random_model(CONFIGS[name]).prepare(CPU)
    means, height, width = codec.transform.means, 6, 8
    flat = (means * torch.linspace(40, -30, len(means)).round()).double().view(1, -1, 1, 1).expand(1, -1, height, width)
    known = torch.zeros_like(flat)
    for coding_pass in codec.context_model.passes:
        channels, cells = coding_pass.channels, coding_pass.cells(1, height, width, CPU)
        if coding_pass.predictor is not None:
            expected = as_tokens(coding_pass.predict(known[:, : channels.stop]))[cells].view(-1, len(means[channels]))
            rows, columns = cells // width, cells % width
            inner = (rows > 0) & (rows < height - 1) & (columns > 0) & (columns < width - 1)
            assert not expected[inner][:, ~means[channels]].any()
        tokens, values = as_tokens(known), as_tokens(flat)
        tokens[cells, channels] = values[cells, channels]
        known = as_map(tokens, 1, height, width).contiguous()


def test_levelling_in_training_takes_the_same_from_all_places_that_it_adds_up():
    """What one place alone had to take back would grow with every step that all of them are moved by."""
    model = random_model(CONFIGS["ilif"])
    for coding_pass in model.context_model.passes:
        if coding_pass.predictor is None:
            continue
        weight, start = coding_pass.predictor.weight, coding_pass.channels.start
        places = [3 * row + column for row, column in coding_pass.known_places]
        before = weight.detach().clone()
        coding_pass.level_predictor(model.transform.means, evenly=True)
        change = (weight.detach() - before).flatten(2)
        assert torch.allclose(change[:, :start], change[:, :start, :1].expand(-1, -1, 9), atol=1e-7)
        assert torch.allclose(change[:, start:][..., places], change[:, start:][..., places[:1]], atol=1e-7)
        unknown = [place for place in range(9) if place not in places]
        assert not change[:, start:][..., unknown].any()
        once = weight.detach().clone()
        coding_pass.level_predictor(model.transform.means, evenly=True)
        assert torch.allclose(weight, once, atol=1e-6)

"""Promises of prior.py: the decoder sees what the encoder saw, each latent is coded once, and nothing looks ahead."""

import math

import pytest
import torch
from conftest import CONFIGS, CPU, TINY, random_model, synthetic_pair
from hypothesis import given, settings, strategies
from snncodec.config import PRESETS
from snncodec.entropy import Tables, make_frequencies
from snncodec.exact import exact_arithmetic
from snncodec.prior import COMPAND_MAX, COMPAND_STEPS, COMPAND_THRESHOLDS, ContextModel, compand
from snncodec.warp import warp
from snncodec.weights import Weights, load_weights

from snncodec import views

TABLES = Tables(make_frequencies())


def predict(model, targets, code, quality=50, **given):
    """Run the entropy model from hyper-latents that depend on nothing."""
    height, width = targets.shape[2:]
    shape = (1, TINY.hyper_channels, -(-height // 4), -(-width // 4))
    hyper = torch.randint(-3, 4, shape, generator=torch.Generator().manual_seed(0)).double()
    with exact_arithmetic():
        return model.predict(hyper, quality, targets, code, (height, width), **given)


def random_targets(height, width, seed=0):
    scale = torch.logspace(1, -1, TINY.N2, dtype=torch.float64).view(1, -1, 1, 1)
    noise = torch.randn(1, TINY.N2, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return noise * scale


@settings(max_examples=12)
@given(
    strategies.integers(0, 5), strategies.integers(1, 150), strategies.integers(1, 150), strategies.integers(1, 100),
    strategies.sampled_from(sorted(CONFIGS)),
)  # fmt: skip
def test_decoded_latents_are_the_encoded_ones(weights_files, seed, height, width, quality, name):
    loaded = load_weights(weights_files[name], CPU)
    if seed % 2:  # weights nobody has seen before
        loaded = Weights(random_model(CONFIGS[name], seed).prepare(CPU), TABLES, bytes(8))
    left, right = synthetic_pair(height, width, seed)
    shape = views.block_shape(height, width)
    with exact_arithmetic():
        section, values = views.encode_view(loaded, left, quality)
        seen = views.render(loaded, values, quality)
        matched = torch.rand(1, *shape, generator=torch.Generator().manual_seed(seed)) < 0.7
        warped = warp(seen, torch.cat([torch.zeros(2, *shape), matched]).long())
        coupled, expected = views.encode_view(loaded, right, quality, warped)
        assert torch.equal(views.decode_view(loaded, section, shape, quality), values)
        assert torch.equal(views.decode_view(loaded, coupled, shape, quality, warped), expected)
    assert values.unique().numel() > 1


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 2), (5, 8)])
@pytest.mark.parametrize("preset", ["tiny", "sketch"])
def test_every_latent_is_visited_exactly_once(size, preset):
    context = ContextModel(PRESETS[preset])
    visits = torch.zeros(2 * math.prod(size), PRESETS[preset].N2, dtype=torch.int64)
    for step in context.passes:
        visits[step.cells(2, *size, CPU), step.channels] += 1
    assert torch.equal(visits, torch.ones_like(visits))


def test_each_pass_gets_the_targets_of_its_own_cells_and_puts_the_values_back(loaded):
    targets = random_targets(5, 7)
    assert torch.equal(predict(loaded.model, targets, lambda channels, wanted, mean, index: wanted), targets)


def run_passes(model, targets, **given):
    """Means and indexes of all passes while symbols are coded as usual."""
    seen = []

    def code(channels, wanted, mean, index):
        seen.append((mean.clone(), index.clone()))
        return views.choose_symbols(wanted, mean, views.table_indexes(index), TABLES)[1]

    predict(model, targets, code, **given)
    return seen


def first_difference(one, other):
    same = [all(torch.equal(a, b) for a, b in zip(x, y, strict=True)) for x, y in zip(one, other, strict=True)]
    return same.index(False) if False in same else len(same)


@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize("name", CONFIGS)
def test_no_pass_depends_on_targets_of_itself_or_of_later_passes(name, coupled, weights_files):
    model = load_weights(weights_files[name], CPU).model
    targets, passes = random_targets(4, 6), model.context_model.passes
    matched = torch.ones(1, 1, 4, 6)
    matched[..., 4:] = 0
    given = {"expected": torch.cat([(random_targets(4, 6, 1) * 64).round() / 64, matched], 1)} if coupled else {}
    before = run_passes(model, targets, **given)
    for number, step in enumerate(passes):
        changed = targets.permute(0, 2, 3, 1).reshape(24, -1).clone()
        cells = step.cells(1, 4, 6, CPU)
        changed[cells[:, None], torch.arange(TINY.N2)[step.channels]] += 9
        changed = changed.view(1, 4, 6, -1).permute(0, 3, 1, 2)
        difference = first_difference(before, run_passes(model, changed, **given))
        assert difference > number
        if number < len(passes) - 1:
            assert difference <= number + 2  # and what was decoded is used: the dependence tested for exists


def test_compand_thresholds_are_the_formula():
    eighths = torch.arange(-9000.0, 9001.0, dtype=torch.float64)
    expected = (4 * (1 + eighths.abs() / COMPAND_STEPS).log2()).round().clamp(max=COMPAND_MAX) * eighths.sign()
    assert torch.equal(compand(eighths / COMPAND_STEPS), expected)
    assert len(COMPAND_THRESHOLDS) == COMPAND_MAX
    steps = [COMPAND_STEPS * (2 ** ((k - 0.5) / 4) - 1) for k in range(1, COMPAND_MAX + 1)]
    assert tuple(math.ceil(s) for s in steps) == COMPAND_THRESHOLDS


def test_companded_values_are_odd_small_integers_whatever_comes_in():
    values = torch.tensor([0.0, 0.05, -0.0626, 1.0, -3.0, 2.0**31, -(2.0**40)], dtype=torch.float64)
    assert compand(values).tolist() == [0.0, 0.0, -1.0, 4.0, -8.0, 40.0, -40.0]


def test_indexes_and_means_lie_on_the_grid(loaded):
    for mean, index in run_passes(loaded.model, random_targets(4, 4)):
        for value in (mean, index):
            assert torch.equal(value * 2**12, (value * 2**12).round())

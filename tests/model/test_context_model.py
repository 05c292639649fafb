"""Promises of model/context_model.py: the decoder sees what the encoder saw, and nothing looks ahead."""

import numpy as np
import pytest
import torch
from conftest import CONFIGS, CPU, TINY, random_model, synthetic_pair
from hypothesis import given, settings, strategies

from snncodec.bitstream.frequency_tables import FrequencyTables
from snncodec.bitstream.range_coder import SymbolEncoder
from snncodec.constants import block_shape
from snncodec.decoder.view import ViewCode, decode_view, render
from snncodec.encoder.analysis import analyse_view
from snncodec.encoder.quantiser import code_residuals
from snncodec.encoder.symbol_sinks import NullSink
from snncodec.encoder.view import code_view
from snncodec.model.latent_grid import reconstruct_latents, snap_latents, table_indexes
from snncodec.model.prediction import PredictedLatents, PredictedView
from snncodec.model.shipped_weights import load_weights
from snncodec.model.view_decoder import FULL_GAIN, GAINS
from snncodec.model.weights import LoadedWeights
from snncodec.spiking.arithmetic import exact_arithmetic
from snncodec.training.fit_tables import logistic_frequencies

TABLES = FrequencyTables(logistic_frequencies())


def run_context_model(codec, targets, code, quality=50, **given):
    """Run the entropy model from hyper-latents that depend on nothing."""
    height, width = targets.shape[2:]
    shape = (1, TINY.hyper_channels, -(-height // 4), -(-width // 4))
    hyper = torch.randint(-3, 4, shape, generator=torch.Generator().manual_seed(0)).double()
    with exact_arithmetic():
        return codec.run_context_model(hyper, quality, (height, width), code, targets, **given)


def random_targets(height, width, seed=0):
    scale = torch.logspace(1, -1, TINY.N2, dtype=torch.float64).view(1, -1, 1, 1)
    noise = torch.randn(1, TINY.N2, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return noise * scale


def encode_view(loaded, view, quality, *given):
    """The section of a view, and what it decodes to."""
    coder = SymbolEncoder(loaded.tables)
    code = code_view(loaded, analyse_view(loaded.codec, view, quality, *given[:1]), quality, coder, *given)
    coder.encode_bypass(np.array([FULL_GAIN]), GAINS)
    return coder.finish(), ViewCode(code.latents, FULL_GAIN)


@settings(max_examples=12)
@given(
    strategies.integers(0, 5), strategies.integers(1, 150), strategies.integers(1, 150), strategies.integers(1, 100),
    strategies.sampled_from(sorted(CONFIGS)),
)  # fmt: skip
def test_decoded_latents_are_the_encoded_ones(weights_files, seed, height, width, quality, name):
    loaded = load_weights(weights_files[name], CPU)
    if seed % 2:  # weights nobody has seen before
        loaded = LoadedWeights(random_model(CONFIGS[name], seed).prepare(CPU), TABLES, bytes(8))
    left, right = synthetic_pair(height, width, seed)
    shape = block_shape(height, width)
    matched, skipped = torch.rand(2, 1, 1, *shape, generator=torch.Generator().manual_seed(seed)) < 0.7
    with exact_arithmetic():
        section, code = encode_view(loaded, left, quality)
        predicted = PredictedView(render(loaded.codec, code, quality)[None], matched)
        skips = (matched & skipped)[0, 0].numpy()
        right_section, right_code = encode_view(loaded, right, quality, predicted, skips)
        assert torch.equal(decode_view(loaded, section, shape, quality).latents, code.latents)
        right = decode_view(loaded, right_section, shape, quality, predicted)
        assert torch.equal(right.latents, right_code.latents)
    assert code.latents.unique().numel() > 1


def test_each_pass_gets_the_targets_of_its_own_cells_and_puts_the_values_back(loaded):
    targets = random_targets(5, 7)
    assert torch.equal(run_context_model(loaded.codec, targets, lambda given: given.targets), targets)


def run_passes(codec, targets, **given):
    """Means and indexes of all passes while symbols are coded as usual."""
    seen = []

    def code(given):
        seen.append((given.mean.clone(), given.index.clone()))
        mean = snap_latents(given.mean)
        coded = code_residuals(given.targets - mean, table_indexes(given.index), TABLES, NullSink())
        return reconstruct_latents(coded.levels, mean)

    run_context_model(codec, targets, code, **given)
    return seen


def first_difference(one, other):
    same = [all(torch.equal(a, b) for a, b in zip(x, y, strict=True)) for x, y in zip(one, other, strict=True)]
    return same.index(False) if False in same else len(same)


@pytest.mark.parametrize("inter_view", [False, True])
@pytest.mark.parametrize("name", CONFIGS)
def test_no_pass_depends_on_targets_of_itself_or_of_later_passes(name, inter_view, weights_files):
    codec = load_weights(weights_files[name], CPU).codec
    targets, passes = random_targets(4, 6), codec.context_model.passes
    matched = torch.ones(1, 1, 4, 6, dtype=torch.bool)
    matched[..., 4:] = False
    predicted = PredictedLatents((random_targets(4, 6, 1) * 64).round() / 64, matched) if inter_view else None
    before = run_passes(codec, targets, predicted=predicted)
    for number, coding_pass in enumerate(passes):
        changed = targets.permute(0, 2, 3, 1).reshape(24, -1).clone()
        cells = coding_pass.cells(1, 4, 6, CPU)
        changed[cells[:, None], torch.arange(TINY.N2)[coding_pass.channels]] += 9
        changed = changed.view(1, 4, 6, -1).permute(0, 3, 1, 2)
        difference = first_difference(before, run_passes(codec, changed, predicted=predicted))
        assert difference > number
        if number < len(passes) - 1:
            assert difference <= number + 2  # and what was decoded is used: the dependence tested for exists


def test_indexes_and_means_lie_on_the_grid(loaded):
    for mean, index in run_passes(loaded.codec, random_targets(4, 4)):
        for value in (mean, index):
            assert torch.equal(value * 2**12, (value * 2**12).round())

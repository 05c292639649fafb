"""Promises of model/fusion.py: the left view is believed where it counts, skipped blocks are copied, all exactly."""

import pytest
import torch
from conftest import CONFIGS, CPU, TINY, random_model

from snncodec.model.attention import CrossAttention
from snncodec.model.config import ModelConfig
from snncodec.model.latent_grid import snap_latents
from snncodec.model.prediction import PredictedLatents
from snncodec.model.shipped_weights import load_weights
from snncodec.spiking.arithmetic import exact_arithmetic


def latents(seed):
    """Random latents of 6 x 7 blocks, on their grid."""
    scale = torch.logspace(1, -1, TINY.N2, dtype=torch.float64).view(1, -1, 1, 1)
    return (torch.randn(1, TINY.N2, 6, 7, generator=torch.Generator().manual_seed(seed)) * scale * 64).round() / 64


def predicted(seed, matched=True):
    """Random predicted latents of 6 x 7 blocks."""
    return PredictedLatents(latents(seed), torch.full((1, 1, 6, 7), matched))


def run(codec, code, *given):
    """Latents of 6 x 7 blocks, as `code` makes them of random ones."""
    hyper = torch.zeros(1, TINY.hyper_channels, 2, 2, dtype=torch.float64)
    with exact_arithmetic():
        return codec.run_context_model(hyper, 50, (6, 7), code, latents(0), *given)


def passes_of(codec, *given):
    """Means and indexes of all passes."""
    seen = []

    def code(given):
        mean = snap_latents(given.mean)  # as in a file
        seen.append((mean.clone(), given.index.clone()))
        return (given.targets - mean).round() + mean

    run(codec, code, *given)
    return seen


def assert_alike(passes, others):
    for one, other in zip(passes, others, strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_a_believed_prediction_is_the_mean_and_a_distrusted_one_is_not_seen(trust):
    codec = random_model(TINY).prepare(CPU)
    for gate in codec.fusion.gates:
        gate.read_out.weight[: gate.size] = 0
        gate.read_out.bias[: gate.size] = trust
    for coding_pass, (mean, _) in zip(codec.context_model.passes, passes_of(codec, predicted(1)), strict=True):
        cells = coding_pass.cells(1, 6, 7, CPU)
        expected = latents(1)[0, coding_pass.channels].permute(1, 2, 0).flatten(0, 1)[cells]
        assert torch.equal(mean, expected) == bool(trust)


def test_blocks_that_are_not_matched_are_coded_as_if_there_were_no_prediction(loaded):
    assert_alike(passes_of(loaded.codec, predicted(1, matched=False)), passes_of(loaded.codec))


def test_skipped_blocks_have_the_predicted_latents_and_are_not_coded(loaded):
    skipped, coded = torch.zeros(1, 6, 7, dtype=torch.bool), 0
    skipped[:, 1:4, 2:6] = True

    def code(given):
        nonlocal coded
        coded += given.mean.numel()
        return (given.targets - given.mean).round() + given.mean

    values = run(loaded.codec, code, predicted(1), skipped)
    inside = skipped[:, None].expand_as(values)
    assert torch.equal(values[inside], latents(1)[inside]) and coded == (~inside).sum()
    assert (values - latents(0))[~inside].abs().max() <= 0.5


@pytest.mark.parametrize("name", CONFIGS)
def test_a_picture_of_skipped_blocks_only_has_the_predicted_latents(name, weights_files):
    codec = load_weights(weights_files[name], CPU).codec
    values = run(codec, lambda given: given.mean, predicted(1), torch.ones(1, 6, 7, dtype=torch.bool))
    assert torch.equal(values, latents(1))


def test_means_and_indexes_that_mix_both_views_are_exact(loaded, threads):
    results = []
    for number in (1, 2, 3):
        threads(number)
        results.append(passes_of(loaded.codec, predicted(1)))
    for others in results[1:]:
        assert_alike(results[0], others)


def test_attention_looks_along_the_row_only(loaded):
    attention = loaded.codec.fusion.attention
    with exact_arithmetic():
        random = torch.Generator().manual_seed(0)
        membrane, features = torch.randint(0, 5, (2, 1, TINY.prior_width, 6, 9), generator=random).double()
        changed = features.clone()
        changed[:, :, 2, 4] = 4 - changed[:, :, 2, 4]
        difference = attention(membrane, features) - attention(membrane, changed)
    touched = difference.abs().sum(1)[0] > 0
    assert touched[2, 2:7].any() and not touched[[0, 1, 3, 4, 5]].any() and not touched[2, [0, 1, 7, 8]].any()


def test_untrained_attention_opens_its_gate_and_can_learn():
    torch.manual_seed(0)
    attention = CrossAttention(ModelConfig())
    membrane, features = torch.randn(2, 2, ModelConfig().prior_width, 8, 8) * 4
    features = features.clamp(0, 4).round()
    attention(membrane, features).sum().backward()
    assert attention.read_out.weight.grad.any()  # the read-out starts at zero and learns first
    torch.nn.init.normal_(attention.read_out.weight)
    attention(membrane, features).sum().backward()
    for layer in (attention.read_out, attention.query, attention.key, attention.gate):
        assert all(parameter.grad.any() for parameter in layer.parameters())

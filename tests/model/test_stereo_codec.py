"""Promises of model/stereo_codec.py: `prepare` makes a codec of files, and the trained model stays as it is."""

import pytest
import torch
from conftest import CONFIGS, CPU, random_model

from snncodec.model.exact_codec import ExactCodec
from snncodec.model.quality import QUALITIES, ExactOffsets, QualityOffsets
from snncodec.model.stereo_codec import ENCODER_PARTS
from snncodec.model.view_decoder import ExactDecoder
from snncodec.spiking.exact_neurons import ExactSpike
from snncodec.spiking.fixed_point import snap
from snncodec.spiking.layers import ExactConv2d, FixedPointConv2d, set_on_grid
from snncodec.spiking.neurons import Spike


def condition(model):
    """All that training may notice of a model: numbers, gradients, modes and flags, by their names."""
    numbers = {
        name: (value.detach().numpy().tobytes(), value.dtype, value.requires_grad, value.grad is None)
        for name, value in (*model.named_parameters(), *model.named_buffers())
    }
    return numbers, {name: (part.training, getattr(part, "quantised", None)) for name, part in model.named_modules()}


@pytest.mark.parametrize("name", CONFIGS)
def test_preparing_leaves_the_trained_model_as_it_was(name):
    model = random_model(CONFIGS[name])
    set_on_grid(model.decoder)
    model.hyper_encoder.eval()
    model.hyper_encoder.stem.weight.requires_grad_(False)
    before = condition(model)
    codec = model.prepare(CPU)
    assert condition(model) == before
    for part in codec.children():
        for value in part.buffers():
            value.add_(1)  # networks share no numbers with those that were trained
    assert condition(model) == before


@pytest.mark.parametrize("name", CONFIGS)
def test_a_prepared_codec_is_exact_throughout_and_learns_nothing(name):
    codec = random_model(CONFIGS[name]).prepare(CPU)
    assert type(codec) is ExactCodec and type(codec.decoder) is ExactDecoder and not list(codec.parameters())
    trained = FixedPointConv2d, Spike, QualityOffsets
    assert not [part for part in codec.modules() if isinstance(part, trained)]
    for kind in (ExactConv2d, ExactSpike, ExactOffsets):
        assert any(isinstance(part, kind) for part in codec.modules())
    for key, value in codec.state_dict().items():
        if not key.startswith((*ENCODER_PARTS, "transform.", "steps")):
            assert torch.equal(value.double(), snap(value.double()))


def test_models_are_prepared_alike_every_time_and_from_quantised_ones():
    model = random_model(CONFIGS["ilif"])
    first = model.prepare(CPU).state_dict()
    set_on_grid(model)
    again = model.eval().prepare(CPU).state_dict()
    assert first.keys() == again.keys() and all(torch.equal(first[key], again[key]) for key in first)


def test_a_model_still_learns_after_it_was_prepared():
    model = random_model(CONFIGS["ilif"])
    model.prepare(CPU)
    latents = torch.randn(1, model.config.N2, 4, 4)
    model.hyper_analysis(latents, torch.tensor([50])).sum().backward()
    assert model.hyper_encoder.stem.weight.grad.abs().sum() > 0 and model.hyper_offsets.nodes.grad.abs().sum() > 0


def test_every_quality_has_the_offsets_of_training():
    offsets = random_model(CONFIGS["ilif"]).prior_offsets
    quality = torch.arange(1, QUALITIES + 1)
    assert (offsets.exact()(quality) - offsets(quality)).abs().max() <= 2.0**-13 + 1e-7
    assert torch.equal(offsets.exact()(torch.tensor([100, 1])), snap(offsets.nodes.detach()[[-1, 0]].double()))

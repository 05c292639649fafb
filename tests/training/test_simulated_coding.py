"""Promises of snncodec.training.simulated_coding: what training sees is what files will cost and look like."""

import numpy as np
import pytest
import torch
from conftest import CONFIGS, TINY, random_model, textured
from training_helpers import fresh_model, views

from snncodec.bitstream.container import Tag, unpack
from snncodec.codec import Codec
from snncodec.encoder import encode, rd_trial
from snncodec.model import fusion
from snncodec.model.prediction import PredictedView
from snncodec.model.weights import save_weights, trainable
from snncodec.spiking.layers import set_on_grid
from snncodec.training.fit_tables import logistic_frequencies
from snncodec.training.simulated_coding import analyse, simulate_coding

QUALITY = torch.tensor([50])


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("quality", [10, 80])
def test_bits_and_pixels_are_those_of_the_file(name, quality, tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "fit_chroma_angle", lambda *_: 0)  # training turns no axes
    monkeypatch.setattr(rd_trial, "analyse_by_synthesis", lambda *given: given[3])  # or latents
    view = textured(96, 128, 3)
    codec = Codec(save_weights(fresh_model(name), logistic_frequencies(), tmp_path / "w.safetensors"), "cpu")
    data = codec.encode(view, view, quality, independent=True)
    model = trainable(codec.loaded)
    set_on_grid(model)
    with torch.no_grad():
        coded = simulate_coding(model, views(3, shape=(96, 128)), torch.tensor([quality]))
    assert coded.bits.item() == pytest.approx(8 * len(unpack(data)[1][Tag.LEFT]), rel=0.05)
    pixels = coded.pixels[0].permute(1, 2, 0).numpy() + 128
    decoded = codec.decode(data).left.astype(float)  # other symbols of like cost may have been chosen
    assert np.square(view - pixels).mean() == pytest.approx(np.square(view - decoded).mean(), rel=0.05)
    assert np.square(pixels - decoded).mean() < 0.5 * np.square(view - decoded).mean()


@torch.no_grad()
def test_a_picture_costs_the_same_alone_and_in_a_batch():
    model, quality = fresh_model("ilif"), torch.tensor([20, 80])
    both = simulate_coding(model, views(0, 1), quality)
    for number in range(2):
        alone = simulate_coding(model, views(number), quality[number : number + 1])
        assert torch.allclose(alone.bits, both.bits[number : number + 1], rtol=0.06)
        assert torch.allclose(alone.squared_error, both.squared_error[number : number + 1], rtol=0.15)


def test_rounding_passes_gradients_on_to_the_encoder():
    model = random_model(TINY)
    coded = simulate_coding(model, views(0), QUALITY)
    (coded.bits.sum() + coded.pixels.square().mean()).backward()
    for part in (model.left_encoder, model.hyper_encoder, model.hyper_decoder, model.context_model, model.decoder):
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())


def test_early_stages_train_on_the_linear_transform_alone():
    model = random_model(TINY)
    coded = simulate_coding(model, views(0), QUALITY, encode=False, decode=False)
    assert coded.pixels is None
    coded.bits.sum().backward()
    assert all(p.grad is None for part in (model.left_encoder, model.decoder) for p in part.parameters())
    latents = analyse(model, views(0), model.steps[49:50].float(), QUALITY, encode=False, predicted=None)
    assert torch.equal(latents, model.transform.analysis(views(0)))


@torch.no_grad()
def test_a_right_view_that_is_predicted_well_costs_less():
    model, right = fresh_model("ilif"), views(0)
    alone = simulate_coding(model, right, QUALITY).bits.item()
    predicted = PredictedView(right, torch.ones(1, 1, 4, 4, dtype=torch.bool))
    assert simulate_coding(model, right, QUALITY, predicted=predicted).bits.item() < 0.9 * alone


@torch.no_grad()
def test_a_right_view_that_is_not_matched_costs_what_it_costs_alone(monkeypatch):
    monkeypatch.setattr(fusion, "snap_latents", lambda mean: mean)  # else single symbols change where means mix
    model, right = fresh_model("ilif"), views(0)
    alone = simulate_coding(model, right, QUALITY)
    unmatched = PredictedView(views(1), torch.zeros(1, 1, 4, 4, dtype=torch.bool))
    coded = simulate_coding(model, right, QUALITY, predicted=unmatched)
    assert coded.bits.item() == pytest.approx(alone.bits.item(), rel=1e-4)
    assert (coded.pixels - alone.pixels).square().mean() < 1e-4 * (alone.pixels - right).square().mean()


@torch.no_grad()
def test_no_membrane_outlives_a_call():
    model = random_model(CONFIGS["lif"])
    first, _, again = (simulate_coding(model, views(seed), QUALITY) for seed in (0, 1, 0))
    assert torch.equal(first.pixels, again.pixels) and torch.equal(first.bits, again.bits)

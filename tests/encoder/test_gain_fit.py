"""The gain of the decoder network: a view gets as much of it as leaves the least error."""

import numpy as np
import pytest
import torch
from conftest import CONFIGS, CPU, random_model, textured

from snncodec.decoder import tiling
from snncodec.decoder.view import ViewCode, render
from snncodec.encoder.analysis import analyse_view
from snncodec.encoder.gain_fit import render_and_fit_gain
from snncodec.model.view_decoder import FULL_GAIN, GAINS

QUALITY = 40


@pytest.fixture(scope="module")
def codec():
    return random_model(CONFIGS["ilif"]).prepare(CPU)


@pytest.fixture(scope="module")
def latents(codec):
    return analyse_view(codec, textured(64, 96, 2), QUALITY).round()


def picture(codec, latents, gain):
    return render(codec, ViewCode(latents, gain), QUALITY).permute(1, 2, 0).numpy()


@pytest.mark.parametrize("gain", [0, 3, FULL_GAIN, 13, GAINS - 1])
def test_a_view_made_with_some_gain_gets_it_back(codec, latents, gain):
    made = picture(codec, latents, gain)
    assert render_and_fit_gain(codec, latents, made, QUALITY, None)[1] == gain


@pytest.mark.parametrize("tile", [1, 4])
def test_pixels_are_those_of_full_gain_in_tiles_of_any_size(codec, latents, tile, monkeypatch):
    expected = picture(codec, latents, FULL_GAIN)
    monkeypatch.setattr(tiling, "PIXEL_TILE", tile)
    pixels, _ = render_and_fit_gain(codec, latents, textured(64, 96, 2), QUALITY, None)
    assert np.array_equal(pixels.permute(1, 2, 0).numpy(), expected)


def test_gain_0_is_the_linear_transform_alone(codec, latents):
    with torch.no_grad():
        linear, correction = codec.synthesise(latents, QUALITY)
    assert correction.abs().max() * codec.steps[QUALITY - 1] > 1
    assert np.array_equal(picture(codec, latents, 0), (linear + 128).round().clamp(0, 255)[0].permute(1, 2, 0).numpy())


def test_a_flat_view_to_which_nothing_is_added_has_the_full_gain(codec):
    flat = np.full((32, 48, 3), 128, dtype=np.uint8)
    assert render_and_fit_gain(codec, torch.zeros(1, codec.config.N2, 2, 3), flat, QUALITY, None)[1] == FULL_GAIN

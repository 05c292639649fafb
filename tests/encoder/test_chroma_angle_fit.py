"""The chroma angle: colours that vary along a turned axis get the axis turned to where they are; no others do."""

import numpy as np
import pytest
import torch
from conftest import CONFIGS, random_model, textured

from snncodec.codec import Codec
from snncodec.constants import CHROMA_ANGLES
from snncodec.encoder import encode
from snncodec.encoder.chroma_angle_fit import fit_chroma_angle
from snncodec.model.shipped_weights import load_weights

QUALITY = 50


@pytest.fixture(scope="module")
def base():
    return load_weights("base", torch.device("cpu")).codec


def coloured(axis: torch.Tensor, height: int = 96, width: int = 160) -> np.ndarray:
    """A view whose colours vary along one direction of red, green and blue."""
    pattern = textured(height, width, 0)[..., 1] / 255.0 - 0.5
    return np.clip(128 + 160 * pattern[..., None] * axis.numpy(), 0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("angle", range(CHROMA_ANGLES))
def test_colours_along_a_turned_axis_get_their_angle_back(base, angle):
    view = coloured(base.turned(angle).transform.colours[1])
    found = fit_chroma_angle(base, view, QUALITY)
    assert min((found - angle) % CHROMA_ANGLES, (angle - found) % CHROMA_ANGLES) <= 1


@pytest.mark.parametrize("value", [0, 77, 255])
@pytest.mark.parametrize("size", [(1, 1), (16, 16), (40, 700)])
def test_views_without_colours_that_vary_are_not_turned(base, size, value):
    assert fit_chroma_angle(base, np.full((*size, 3), value, dtype=np.uint8), QUALITY) == 0


def test_weights_without_pairs_of_chroma_channels_are_not_turned():
    codec = random_model(CONFIGS["ilif"]).prepare(torch.device("cpu"))
    codec.transform.order = torch.arange(codec.config.N2, dtype=torch.int32)  # of luma only
    assert fit_chroma_angle(codec, textured(32, 48, 0), QUALITY) == 0


@pytest.mark.parametrize("angle", [5, 11])
@pytest.mark.parametrize("independent", [False, True])
def test_a_turned_file_decodes_to_what_the_encoder_saw(angle, independent, tiny, monkeypatch):
    monkeypatch.setattr(encode, "fit_chroma_angle", lambda *_: angle)
    view = textured(40, 64, 1)
    encoded = Codec(tiny).encode_pair(view, np.roll(view, 3, axis=1), QUALITY, independent=independent)
    decoded = Codec(tiny).decode(encoded.data)
    for one, other in zip(decoded.views(), encoded.reconstruction().views(), strict=True):
        assert np.array_equal(one, other)
    monkeypatch.setattr(encode, "fit_chroma_angle", lambda *_: 0)
    assert Codec(tiny).encode(view, np.roll(view, 3, axis=1), QUALITY, independent=independent) != encoded.data

"""Promises of snncodec.benchmark.web_report: what was coded, in colours that mean what they say."""

import io

import numpy as np
import pytest
import torch
from conftest import field_of, moved
from PIL import Image

from snncodec.benchmark.web_report import colours, pictures
from snncodec.benchmark.web_report.maps import INTER, INTRA, SKIPPED, inspect_file
from snncodec.codec import Codec
from snncodec.decoder import tiling


@pytest.fixture(scope="module")
def codec(tiny):
    return Codec(tiny, "cpu")


@pytest.mark.parametrize("size", [96, 4])
def test_modes_are_those_that_the_encoder_chose(size, crop, monkeypatch):
    monkeypatch.setattr(tiling, "CODING_TILE", size)
    codec = Codec("base", "cpu")  # random weights skip hardly anything
    coded = codec.encode_pair(*crop, 10)
    found = inspect_file(codec, coded.data)
    matched = coded.modes.predicted.matched[0, 0].numpy()
    assert np.array_equal(found.modes == SKIPPED, coded.modes.skipped) and found.modes.shape == (6, 8)
    assert np.array_equal(found.modes == INTRA, ~matched) and np.array_equal(found.field.matched, matched)
    assert set(found.modes.flat) == {INTRA, INTER, SKIPPED}
    assert sum(found.shares()) == pytest.approx(1)


def test_the_field_is_in_quarter_pixels(codec):
    field = inspect_file(codec, codec.encode(*moved(12), 50)).field
    assert np.median(field.displacements[0][field.matched]) == 4 * 12


def test_pixels_are_those_of_the_decoder(codec, crop):
    data = codec.encode(*crop, 40)
    expected, found = codec.decode(data), inspect_file(codec, data).pair
    assert all(np.array_equal(a, b) for a, b in zip(expected.views(), found.views(), strict=True))


def test_independent_views_are_intra_and_have_no_field(codec, crop):
    found = inspect_file(codec, codec.encode(*crop, 40, independent=True))
    assert found.field is None and (found.modes == INTRA).all() and found.modes.shape == (6, 8)


def test_looking_at_a_file_leaves_the_codec_as_it_was(codec, crop):
    before = codec.loaded
    inspect_file(codec, codec.encode(*crop, 40))
    assert codec.loaded is before and "noted" not in vars(codec.loaded.codec)
    assert torch.is_tensor(codec.loaded.codec.steps)


def test_scales_run_from_their_first_colour_to_their_last():
    found = colours.on_scale(np.array([[-9.0, 0.0, 32.0, 99.0]]), 0, 32, colours.INFERNO)
    ends = colours.INFERNO[0], colours.INFERNO[-1]
    assert [tuple(colour) for colour in found[0].tolist()] == [ends[0], ends[0], ends[1], ends[1]]


def test_blocks_that_are_not_found_are_grey_in_the_field():
    found = colours.colour_field(field_of([[0, 40]], 0, (1, 2), [[True, False]]), 0, 10)
    assert found.tolist() == [[list(colours.VIRIDIS[0]), list(colours.UNMATCHED)]]


def test_modes_have_the_colours_of_their_legend():
    found = colours.colour_modes(np.array([[INTRA, INTER, SKIPPED]], dtype=np.uint8))
    assert [tuple(colour) for colour in found[0].tolist()] == [colours.MODE_COLOURS[mode] for mode in range(3)]


def test_the_error_map_amplifies_luma_eightfold():
    black, grey = (np.full((40, 60, 3), level, dtype=np.uint8) for level in (0, colours.ERROR_MAX))
    assert (pictures.error_map(black, black) == colours.INFERNO[0]).all()
    assert (pictures.error_map(black, grey) == colours.INFERNO[-1]).all()
    assert round(255 / colours.ERROR_MAX) == 8


def test_a_grey_pair_without_depth_stays_grey_in_an_anaglyph():
    view = np.full((8, 8, 3), 120, dtype=np.uint8)
    found = pictures.anaglyph(view, view).astype(int)
    assert abs(found - 120).max() <= 6


def test_each_eye_sees_its_view_in_an_anaglyph():
    white, black = (np.full((8, 8, 3), level, dtype=np.uint8) for level in (255, 0))
    red, green, blue = pictures.anaglyph(white, black)[0, 0]
    assert red > 240 and max(green, blue) < 20


@pytest.mark.parametrize(("shape", "size"), [((980, 1840), (341, 640)), ((90, 120), (90, 120)), ((5000, 1), (640, 1))])
def test_pictures_are_scaled_to_fit_and_never_enlarged(shape, size):
    assert pictures.scaled(np.zeros((*shape, 3), dtype=np.uint8)).shape[:2] == size


def test_maps_of_blocks_are_stored_without_loss():
    blocks = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    stored = pictures.webp(blocks, lossless=True)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(stored))), blocks)

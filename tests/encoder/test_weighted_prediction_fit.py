"""The fit of weights: another exposure is found and costs little, and views exposed alike are left as they are."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from conftest import moved, planes, textured

from snncodec import Codec
from snncodec.bitstream.container import Tag, unpack
from snncodec.encoder import mode_decision, weighted_prediction_fit
from snncodec.encoder.weighted_prediction_fit import fit_weights
from snncodec.model.prediction import PredictedView

NO_WEIGHTS = np.zeros((3, 2), dtype=np.int8)


def predicted(view, matched=True):
    """A prediction that equals a view, and counts everywhere or nowhere."""
    blocks = torch.full((1, 1, view.shape[0] // 16, view.shape[1] // 16), matched)
    return PredictedView(planes(view)[None], blocks)


def exposed(view, gains, offsets):
    """A view with other gains (around grey 128) and offsets per colour, rounded."""
    return np.rint((view.astype(float) - 128) * gains + 128 + offsets).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(("gains", "offsets"), [((1, 1, 1), (40, 40, 40)), ((0.8, 0.9, 1.1), (-30, 0, 7.5))])
def test_another_exposure_is_found_also_where_some_blocks_show_something_else(gains, offsets):
    view = textured(96, 160)
    right = exposed(view, gains, offsets)
    right[:48, :64] = textured(48, 64, seed=3)
    found = fit_weights(predicted(view), right)
    assert np.abs(found[:, 0] / 256 + 1 - gains).max() < 0.01 and np.abs(found[:, 1] / 2 - offsets).max() <= 0.5


@pytest.mark.parametrize("right", [textured(96, 160), np.full((96, 160, 3), 77, dtype=np.uint8)])
def test_views_exposed_alike_are_left_as_they_are(right):
    assert np.array_equal(fit_weights(predicted(right), right), NO_WEIGHTS)


def test_no_exposure_is_found_where_nothing_is_matched():
    assert np.array_equal(fit_weights(predicted(textured(32, 48), matched=False), textured(32, 48, 1)), NO_WEIGHTS)


def test_only_matched_blocks_count():
    view, given = textured(96, 160), predicted(textured(96, 160))
    right = exposed(view, (0.5, 0.5, 0.5), (20, 20, 20))
    right[:64] = exposed(view, (1, 1, 1), (10, 10, 10))[:64]
    given.matched[:, :, :4] = False
    found = fit_weights(given, right)
    assert np.abs(found[:, 0] / 256 + 0.5).max() < 0.01 and np.abs(found[:, 1] / 2 - 20).max() <= 0.5


def test_another_exposure_of_the_right_view_costs_little(tiny):
    left, right = moved(6)
    darker, codec = exposed(right, (0.9, 0.9, 0.9), (-12, -12, -12)), Codec(tiny)

    def size():
        return len(unpack(codec.encode(left, darker, 60, effort=9))[1][Tag.RIGHT])

    found = size()
    with patch.object(mode_decision, "fit_weights", lambda predicted, right: NO_WEIGHTS):
        assert found < 0.9 * size()


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_every_nth_pixel_is_that_of_the_whole_list(step, monkeypatch):
    monkeypatch.setattr(weighted_prediction_fit, "AT_ONCE", 10)
    mask = np.random.default_rng(step).random(193) < 0.4
    assert np.array_equal(weighted_prediction_fit.every(mask, step), np.flatnonzero(mask)[::step])
    assert not weighted_prediction_fit.every(np.zeros(20, bool), 1).size

"""Mode decision: blocks are predicted, copied or coded on their own as it pays, and unrelated views cost nothing."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from conftest import CPU, field_of, moved, planes, textured
from PIL import Image, ImageFilter
from skimage.data import stereo_motorcycle

import snncodec
from snncodec import Codec
from snncodec.bitstream.container import Tag, unpack
from snncodec.bitstream.skip_flags import decode_flags
from snncodec.decoder import view
from snncodec.decoder.inter_view import InterViewPrediction, decode_inter_view
from snncodec.decoder.view import as_picture
from snncodec.encoder import mode_decision
from snncodec.encoder.analysis import analyse_view
from snncodec.encoder.displacement_search import DisplacementSearch
from snncodec.encoder.effort import LEVELS
from snncodec.encoder.mode_decision import Gains, best_kernel, decide_inter_view, estimate_gains, kernel_cost
from snncodec.encoder.rdoq import SQUARED_STEP_BITS
from snncodec.model.shipped_weights import load_weights
from snncodec.spiking.arithmetic import exact_arithmetic


@pytest.mark.parametrize("kernel", [0, 1, 2, 6])
def test_kernels_that_differ_much_are_told_apart_by_estimates(kernel, monkeypatch):
    monkeypatch.setattr(mode_decision, "SAMPLE", 4)
    codec, left = load_weights("base", CPU).codec, planes(textured(96, 160))
    given = InterViewPrediction(field_of(23, 2, (6, 10)), kernel, np.zeros((3, 2), dtype=np.int8))
    right = as_picture(given.apply(left).pixels[0], 96, 160)
    right[:16], right[80:], right[:, :48], right[:, 112:] = 0, 0, 0, 0  # what is outside the sample does not count
    prediction = replace(given, kernel=0)
    with exact_arithmetic():
        assert best_kernel(prediction, kernel_cost(codec, left, right, 50, prediction)) == kernel


@pytest.mark.parametrize("radius", [1.5, 2])
def test_a_right_view_out_of_focus_is_predicted(radius):
    left, right = moved(6)
    soft = np.asarray(Image.fromarray(right).filter(ImageFilter.GaussianBlur(radius)))
    data, independent = (snncodec.encode(left, soft, 60, independent=choice) for choice in (False, True))
    assert decode_inter_view(unpack(data)[1][Tag.DISPARITY], (6, 10)).kernel in (3, 4, 5, 6)
    assert len(data) < 0.9 * len(independent)


def test_blocks_that_lose_by_the_prediction_are_coded_intra():
    loaded, (left, right) = load_weights("base", CPU), moved(6)
    matched = DisplacementSearch(left, right, float(loaded.codec.steps[59])).find().matched
    losing = np.zeros_like(matched)
    losing[:, 3:5] = True

    def spoilt(*given):
        gains = estimate_gains(*given)
        return replace(gains, enough=gains.enough & ~losing)

    with exact_arithmetic(), patch.object(mode_decision, "estimate_gains", spoilt):
        modes, _ = decide_inter_view(loaded, planes(left), right, 60, LEVELS[9])
    found = modes.predicted.matched[0, 0].numpy()
    assert matched[losing].any() and not found[losing].any()
    assert found.any() and not (modes.skipped & losing).any()


def test_a_block_is_estimated_to_gain_where_the_prediction_is_right_and_to_lose_where_it_is_not():
    codec, (left, right) = load_weights("base", CPU).codec, moved(6)
    prediction = InterViewPrediction(field_of(24, 0, (6, 10)), 0, np.zeros((3, 2), dtype=np.int8)).apply(planes(left))
    prediction.pixels[..., 80:] = planes(textured(96, 80, 7))
    with exact_arithmetic():
        gains = estimate_gains(codec, analyse_view(codec, right, 60), 60, prediction)
    assert gains.enough[:, 1:4].all() and not gains.enough[:, 6:].any()
    assert gains.bits[:, 1:4].min() > 100 and gains.bits[:, 6:].max() < 0


def test_views_are_coded_independently_if_prediction_gains_less_than_the_field_costs(loaded):
    left, right = moved(6)
    small = Gains(np.full((6, 10), 0.1), np.ones((6, 10), dtype=bool), np.zeros((6, 10), dtype=bool))
    with exact_arithmetic(), patch.object(mode_decision, "estimate_gains", lambda *_: small):
        assert decide_inter_view(loaded, planes(left), right, 60, LEVELS[9]) == (None, None)


@pytest.mark.parametrize("effort", LEVELS)
def test_all_efforts_decode_to_what_the_encoder_saw(tiny, effort):
    codec, pair = Codec(tiny), moved(6, height=40, width=72)
    for independent in (False, True):
        encoded = codec.encode_pair(*pair, 60, effort=effort, independent=independent)
        decoded = codec.decode(encoded.data)
        for one, other in zip(decoded.views(), encoded.reconstruction().views(), strict=True):
            assert np.array_equal(one, other)


@pytest.mark.slow
def test_the_most_effort_makes_smaller_files_than_the_least_of_the_same_views():
    pair, codec = [view[100:260, 200:440] for view in stereo_motorcycle()[:2]], Codec()

    def cost(quality, effort):
        encoded, step = codec.encode_pair(*pair, quality, effort=effort), float(codec.loaded.codec.steps[quality - 1])
        views = zip(pair, encoded.reconstruction().views(), strict=True)
        error = sum(np.square(a.astype(float) - b).sum() for a, b in views)
        return 8 * len(encoded.data) + SQUARED_STEP_BITS * error / step**2

    assert np.mean([cost(quality, 9) / cost(quality, 1) for quality in (40, 60)]) < 0.999


def test_blocks_of_equal_views_are_skipped_if_they_are_matched(tiny, monkeypatch):
    codec, left, flags = Codec(tiny), textured(96, 160), []

    def watched(coder, matched):
        flags.append((decode_flags(coder, matched), matched))
        return flags[-1][0]

    encoded = codec.encode_pair(left, left, 50, effort=9)
    monkeypatch.setattr(view, "decode_flags", watched)
    codec.decode(encoded.data)
    skipped, matched = flags[0]
    assert skipped.any() and not (skipped & ~matched).any()
    assert np.array_equal(skipped, encoded.modes.skipped)


@pytest.mark.parametrize("quality", [20, 50, 80])
def test_unrelated_views_are_coded_independently(quality):
    left, right = textured(96, 160, 1), textured(96, 160, 2)
    assert snncodec.encode(left, right, quality) == snncodec.encode(left, right, quality, independent=True)


@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("quality", [5, 50])
def test_unrelated_views_cost_no_more_than_independent_ones(seed, quality):
    pair = textured(96, 160, 1), textured(96, 160, seed)
    data, independent = (snncodec.encode(*pair, quality, independent=choice) for choice in (False, True))
    assert len(data) < 1.01 * len(independent)

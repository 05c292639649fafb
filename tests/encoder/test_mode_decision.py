"""Mode decision: blocks are predicted, copied or coded on their own as it pays, and unrelated views cost nothing."""

from dataclasses import replace
from itertools import product
from unittest.mock import patch

import numpy as np
import pytest
import torch
from conftest import field_of, moved, planes, textured
from PIL import Image, ImageFilter

import snncodec
from snncodec import Codec
from snncodec.bitstream.container import Tag, read_header, unpack
from snncodec.bitstream.skip_flags import decode_flags
from snncodec.decoder import tiling, view
from snncodec.decoder.inter_view import InterViewPrediction, decode_inter_view
from snncodec.decoder.view import as_picture
from snncodec.decoder.warping import KERNELS
from snncodec.encoder import encode, mode_decision
from snncodec.encoder.displacement_search import DisplacementSearch
from snncodec.encoder.mode_decision import best_kernel, decide_inter_view
from snncodec.encoder.rd_trial import Trial, try_view
from snncodec.spiking.arithmetic import exact_arithmetic


@pytest.mark.parametrize("kernel", range(len(KERNELS)))
def test_the_kernel_that_suits_the_middle_of_the_view_is_chosen(kernel, loaded, monkeypatch):
    def error_of(loaded, view, quality, predicted):
        error = (predicted.pixels[0].int() - planes(view).int()).abs().sum(0).double()
        return Trial(
            view,
            quality,
            None,
            None,
            None,
            None,
            error.unflatten(1, (-1, 16)).unflatten(0, (-1, 16)).sum((1, 3)).numpy(),
        )

    monkeypatch.setattr(mode_decision, "try_view", error_of)
    monkeypatch.setattr(mode_decision, "SAMPLE", 4)
    left = planes(textured(96, 160))
    given = InterViewPrediction(field_of(23, 2, (6, 10)), kernel, np.zeros((3, 2), dtype=np.int8))
    right = as_picture(given.apply(left).pixels[0], 96, 160)
    right[:16], right[80:], right[:, :48], right[:, 112:] = 0, 0, 0, 0
    assert best_kernel(loaded, left, right, 50, replace(given, kernel=0)) == kernel


@pytest.mark.parametrize("radius", [1.5, 2])
def test_a_right_view_out_of_focus_is_predicted(radius):
    left, right = moved(6)
    soft = np.asarray(Image.fromarray(right).filter(ImageFilter.GaussianBlur(radius)))
    data, independent = (snncodec.encode(left, soft, 60, independent=choice) for choice in (False, True))
    assert decode_inter_view(unpack(data)[1][Tag.DISPARITY], (6, 10)).kernel in (3, 4, 5, 6)
    assert len(data) < 0.9 * len(independent)


def test_blocks_that_lose_by_the_prediction_are_coded_intra(loaded):
    left, right = moved(6)
    matched = DisplacementSearch(left, right, float(loaded.codec.steps[59])).find().matched
    losing = np.zeros_like(matched)
    losing[:, 3:5] = True

    def spoilt(loaded, view, quality, predicted=None):
        trial = try_view(loaded, view, quality, predicted)
        coded = replace(trial.coded, bits=trial.coded.bits + 1e4 * torch.from_numpy(losing))
        return trial if predicted is None else replace(trial, coded=coded, cost=trial.cost + 1e4 * losing)

    with exact_arithmetic(), patch.object(mode_decision, "try_view", spoilt):
        modes = decide_inter_view(loaded, planes(left), right, 60).modes
    found = modes.predicted.matched[0, 0].numpy()
    assert matched[losing].any() and not found[losing].any()
    assert found.any() and not (modes.skipped & losing).any()


def no_gain(loaded, view, quality, predicted=None):
    """A trial in which a prediction helps nowhere."""
    return try_view(loaded, view, quality)


def test_views_are_coded_independently_if_prediction_gains_less_than_the_field_costs(loaded):
    left, right = moved(6)
    with exact_arithmetic(), patch.object(mode_decision, "try_view", no_gain):
        decision = decide_inter_view(loaded, planes(left), right, 60)
    assert decision.modes is None and decision.trial is not None


@pytest.mark.parametrize("tile", [4, 96])
def test_a_right_view_of_which_the_intra_trial_is_kept_is_coded_as_if_independent(tiny, tile, monkeypatch):
    monkeypatch.setattr(tiling, "CODING_TILE", tile)
    codec, pair = Codec(tiny), moved(6)
    independent = codec.encode_pair(*pair, 60, independent=True)
    monkeypatch.setattr(mode_decision, "try_view", no_gain)
    with patch.object(encode, "try_view", wraps=encode.try_view) as tried:
        found = codec.encode_pair(*pair, 60)
    assert tried.call_count == 1  # for the left view: the right one is not tried again
    assert found.data == independent.data
    assert np.array_equal(found.reconstruction().right, codec.decode(found.data).right)


def test_views_that_match_a_little_but_not_enough_are_coded_as_if_independent(tiny):
    codec, kept = Codec(tiny), 0
    for seed, share in product((4, 11, 23), (0.45, 0.5, 0.55, 0.6)):
        left, right = moved(6, height=40, width=40, seed=seed)
        right = (share * right + (1 - share) * textured(40, 40, seed=99)).astype(np.uint8)
        with patch.object(encode, "try_view", wraps=encode.try_view) as tried:
            data = codec.encode(left, right, 60)
        if (
            tried.call_count == 1 and not read_header(data)[0].inter_view
        ):  # there was a trial of the right view, and it was kept
            kept += 1
            assert data == codec.encode(left, right, 60, independent=True)
    assert kept > 0


def test_blocks_of_equal_views_are_skipped_if_they_are_matched(tiny, monkeypatch):
    codec, left, flags = Codec(tiny), textured(96, 160), []

    def watched(coder, matched):
        flags.append((decode_flags(coder, matched), matched))
        return flags[-1][0]

    encoded = codec.encode_pair(left, left, 50)
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

"""Trials: what they count is what the file holds and what its pixels miss, and they make the next coding better."""

import numpy as np
import pytest
import torch
from conftest import field_of, moved, planes

from snncodec.bitstream.range_coder import SymbolEncoder
from snncodec.decoder import tiling
from snncodec.decoder.inter_view import InterViewPrediction
from snncodec.decoder.view import as_picture, decode_view, render
from snncodec.encoder.analysis import analyse_by_synthesis, analyse_view
from snncodec.encoder.rd_trial import code_after_trial, code_at_once, try_view
from snncodec.encoder.view import code_view
from snncodec.model.view_decoder import FULL_GAIN, GAINS
from snncodec.spiking.arithmetic import exact_arithmetic


@pytest.fixture(params=["intra", "inter"])
def predicted(request):
    """No prediction, or one of the right view of `moved(6)` from its left one."""
    prediction = InterViewPrediction(field_of(24, 0, (6, 10)), 0, np.zeros((3, 2), dtype=np.int8))
    return None if request.param == "intra" else prediction.apply(planes(moved(6)[0]))


def test_a_trial_counts_the_bits_of_the_file_and_sees_its_pixels(loaded, predicted):
    view, coder = moved(6)[1], SymbolEncoder(loaded.tables)
    with exact_arithmetic():
        code_view(loaded, analyse_view(loaded.codec, view, 60, predicted), 60, coder, predicted)
        coder.encode_bypass(np.array([FULL_GAIN]), GAINS)
        section = coder.finish()
        code = decode_view(loaded, section, (6, 10), 60, predicted)
        decoded = as_picture(render(loaded.codec, code, 60, predicted), *view.shape[:2])
        trial = try_view(loaded, view, 60, predicted)
    assert float(trial.coded.bits.sum()) == pytest.approx(8 * len(section), rel=0.05)
    assert np.array_equal(as_picture(trial.reconstruction, *view.shape[:2]), decoded)


@pytest.mark.parametrize("trial", [True, False])
def test_what_is_coded_decodes_to_what_is_returned(loaded, predicted, trial):
    view, coder = moved(6)[1], SymbolEncoder(loaded.tables)
    with exact_arithmetic():
        if trial:
            code = code_after_trial(loaded, try_view(loaded, view, 60, predicted), coder, predicted)
        else:
            code = code_at_once(loaded, view, 60, coder, predicted)
        decoded = decode_view(loaded, coder.finish(), (6, 10), 60, predicted)
    assert torch.equal(decoded.latents, code.latents) and decoded.gain == code.gain


@pytest.mark.parametrize("tile", [1, 3])
def test_tiles_do_not_change_what_is_coded_after_a_trial(loaded, predicted, tile, monkeypatch):
    view, latents = moved(6)[1], []
    for size in (tiling.PIXEL_TILE, tile):
        monkeypatch.setattr(tiling, "PIXEL_TILE", size)
        with exact_arithmetic():
            trial = try_view(loaded, view, 60, predicted)
            seen = trial.latents, trial.reconstruction, trial.gain
            decoded = (lambda _, decoded: decoded), [trial.coded.latents]
            latents.append(analyse_by_synthesis(loaded.codec, view, 60, *seen, *decoded))
    assert torch.allclose(*latents, rtol=0, atol=1e-4)  # in ordinary floats

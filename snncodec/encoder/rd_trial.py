"""Coding a view twice: for trial, without bytes, and then for good, with latents that the trial has made better."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import Tensor

from snncodec.decoder.view import ViewCode
from snncodec.encoder.analysis import analyse_by_synthesis, analyse_view, foresee
from snncodec.encoder.gain_fit import fit_gain_in_the_middle, render_and_fit_gain
from snncodec.encoder.symbol_sinks import NullSink, SymbolSink
from snncodec.encoder.view import CodedView, code_view
from snncodec.model.prediction import PredictedView
from snncodec.model.view_decoder import GAINS
from snncodec.model.weights import LoadedWeights


@dataclass(frozen=True, eq=False)
class Trial:
    """A view that was coded for trial."""

    view: np.ndarray  # uint8 [H, W, 3]
    quality: int
    latents: Tensor  # float32 [1, N2, h, w] in steps, those that were coded
    coded: CodedView
    reconstruction: Tensor  # uint8 [3, 16 h, 16 w], with what the decoder network adds in full
    gain: int  # of what the decoder network adds, in eighths, with which the error would be least


def try_view(loaded: LoadedWeights, view: np.ndarray, quality: int, predicted: PredictedView | None = None) -> Trial:
    """Code a view, uint8 [H, W, 3], given a prediction or not, without skipping a block."""
    codec = loaded.codec
    latents = analyse_view(codec, view, quality, predicted)
    coded = code_view(loaded, latents, quality, NullSink(), predicted, keep=True)
    reconstruction, gain = render_and_fit_gain(codec, coded.latents, view, quality, predicted)
    return Trial(view, quality, latents, coded, reconstruction, gain)


def code_after_trial(
    loaded: LoadedWeights,
    trial: Trial,
    sink: SymbolSink,
    predicted: PredictedView | None = None,
    skipped: np.ndarray | None = None,
) -> ViewCode:
    """Code a view for good after a trial, handing its symbols to `sink` as `code_view` does; what it is decoded to.

    The latents of the trial are overwritten.
    """
    seen = trial.latents, trial.reconstruction, trial.gain
    latents = analyse_by_synthesis(
        loaded.codec, trial.view, trial.quality, *seen, lambda _, decoded: decoded, [trial.coded.latents]
    )
    decoded = code_view(loaded, latents, trial.quality, sink, predicted, skipped).latents
    sink.encode_bypass(np.array([trial.gain]), GAINS)
    return ViewCode(decoded, trial.gain)


def code_at_once(
    loaded: LoadedWeights,
    view: np.ndarray,
    quality: int,
    sink: SymbolSink,
    predicted: PredictedView | None = None,
    skipped: np.ndarray | None = None,
    synthesis: bool = True,
) -> ViewCode:
    """As `code_after_trial`, without one: what latents will be decoded to is foreseen roughly.

    Without `synthesis` they are coded as they are, and the gain is that which suits the middle of the view.
    """
    codec = loaded.codec
    latents, foreseen = analyse_view(codec, view, quality, predicted), partial(foresee, codec, quality)
    if synthesis:
        reconstruction, gain = render_and_fit_gain(codec, latents, view, quality, predicted, foreseen)
        maps = [] if predicted is None else [predicted.pixels, predicted.matched]
        latents = analyse_by_synthesis(codec, view, quality, latents, reconstruction, gain, foreseen, maps)
        del reconstruction
    else:
        gain = fit_gain_in_the_middle(codec, latents, view, quality, predicted, foreseen)
    decoded = code_view(loaded, latents, quality, sink, predicted, skipped).latents
    sink.encode_bypass(np.array([gain]), GAINS)
    return ViewCode(decoded, gain)

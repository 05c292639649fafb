"""What every block of a view would cost: a view is coded for trial, without bytes, and decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from snncodec.constants import BLOCK
from snncodec.decoder.view import render
from snncodec.encoder.rdoq import SQUARED_STEP_BITS
from snncodec.encoder.symbol_sinks import SymbolRecorder
from snncodec.encoder.view import CodedView, code_view, padded
from snncodec.model.prediction import PredictedView
from snncodec.model.weights import LoadedWeights


@dataclass(frozen=True, eq=False)
class Trial:
    """A view coded for trial: its symbols, should they be wanted, its pixels, and the cost of its blocks."""

    coded: CodedView
    symbols: SymbolRecorder
    reconstruction: Tensor  # uint8 [3, 16 h, 16 w]
    cost: np.ndarray  # float64 [h, w]: bits, and what the distortion of pixels is worth in bits


def try_view(loaded: LoadedWeights, view: np.ndarray, quality: int, predicted: PredictedView | None = None) -> Trial:
    """Code a view, uint8 [H, W, 3], given a prediction or not, without skipping a block."""
    symbols, codec = SymbolRecorder(), loaded.codec
    coded = code_view(loaded, view, quality, symbols, predicted)
    reconstruction = render(codec, coded.latents, quality, predicted)
    error = (reconstruction.double() - padded(view, codec.steps.device)[0]).square().sum(0)
    error = error.unflatten(1, (-1, BLOCK)).unflatten(0, (-1, BLOCK)).sum((1, 3))
    distortion = error * (SQUARED_STEP_BITS / float(codec.steps[quality - 1]) ** 2)
    return Trial(coded, symbols, reconstruction, (coded.bits + distortion).cpu().numpy())

"""The frequency tables of weights: logistic ones to start from, and tables fitted to the symbols that a model codes.

Pictures go through the real encoder, rate-distortion optimised quantisation included; nothing is written.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from snncodec.bitstream.dependent_quantisation import levels_of
from snncodec.bitstream.frequency_tables import LARGEST_SYMBOL, SCALES, TABLES, TOTAL, FrequencyTables
from snncodec.constants import DEFAULT_EFFORT
from snncodec.decoder.view import render
from snncodec.encoder.chroma_angle_fit import fit_chroma_angle
from snncodec.encoder.effort import LEVELS
from snncodec.encoder.mode_decision import decide_inter_view
from snncodec.encoder.rd_trial import code_after_trial, code_at_once
from snncodec.model.weights import LoadedWeights
from snncodec.spiking.arithmetic import exact_arithmetic
from snncodec.training.logistic import cell_of, logistic_bits

RARE = 2.0**-19  # a magnitude rarer than this is left to the escape
LOGISTIC_WEIGHT = 200.0  # symbols that the logistics count for beside those that were counted


class SymbolCounter:
    """A sink of symbols that counts their magnitudes 0..600 per table."""

    def __init__(self) -> None:
        self.histogram = np.zeros((TABLES, LARGEST_SYMBOL + 1))

    def encode(self, symbols: np.ndarray, tables: np.ndarray) -> None:
        magnitudes = np.minimum(np.abs(symbols.astype(np.int64)), LARGEST_SYMBOL).reshape(-1)
        cells = tables.reshape(-1).astype(np.int64) * (LARGEST_SYMBOL + 1) + magnitudes
        self.histogram += np.bincount(cells, minlength=self.histogram.size).reshape(self.histogram.shape)

    def encode_mixed(self, symbols: np.ndarray, tables: np.ndarray) -> None:
        np.add.at(self.histogram, (tables, np.minimum(np.abs(symbols), LARGEST_SYMBOL)), 1)

    def encode_adaptive(self, symbols: np.ndarray, counts: np.ndarray) -> None:
        """Nothing: such symbols need no tables."""

    def encode_bypass(self, symbols: np.ndarray, size: int) -> None:
        """Nothing, either."""


def count_symbols(loaded: LoadedWeights, scenes: Tensor) -> np.ndarray:
    """Histogram [192, 601] over scenes [N, V, 3, H, W] (uint8), at qualities spread evenly over 1..100.

    A scene is one picture, or a left and a right view, of which the right one is coded given the left.
    """
    counter = SymbolCounter()
    with exact_arithmetic():
        for number, scene in enumerate(scenes):
            quality = 1 + round(99 * number / max(1, len(scenes) - 1))
            left, *right = scene.permute(0, 2, 3, 1).numpy()
            turned = loaded.turned(fit_chroma_angle(loaded.codec, left, quality))
            code = code_at_once(turned, left, quality, counter)
            if right:
                reconstruction = render(turned.codec, code, quality)
                modes, trial = decide_inter_view(turned, reconstruction, right[0], quality, LEVELS[DEFAULT_EFFORT])
                given = (modes.predicted, modes.skipped) if modes else (None, None)
                if trial:
                    code_after_trial(turned, trial, counter, *given)
                else:
                    code_at_once(turned, right[0], quality, counter, *given)
    return counter.histogram


def fit_frequencies(histogram: np.ndarray) -> np.ndarray:
    """Integer frequencies [192, 602] of tables for symbols counted so [192, 601], drawn a little towards logistics."""
    odds = histogram + LOGISTIC_WEIGHT * logistic_odds()
    return _to_integers(odds / (histogram.sum(1, keepdims=True) + LOGISTIC_WEIGHT))


def logistic_frequencies() -> np.ndarray:
    """Integer frequencies [192, 602] of tables for logistic symbols."""
    return _to_integers(logistic_odds())


@cache
def logistic_tables() -> FrequencyTables:
    """What training quantises with."""
    return FrequencyTables(logistic_frequencies())


def logistic_odds() -> np.ndarray:
    """Probabilities [192, 601] of magnitudes 0..600 under zero-mean logistics of the 64 scales; both signs together."""
    magnitudes = torch.arange(LARGEST_SYMBOL + 1, dtype=torch.float64)
    scales = torch.arange(SCALES, dtype=torch.float64)[:, None]
    bits = [logistic_bits(magnitudes, scales)]
    for quantiser in (0, 1):
        levels = torch.from_numpy(levels_of(magnitudes.numpy(), quantiser))
        bits.append(logistic_bits(levels, scales, *cell_of(levels, torch.tensor(quantiser))))
    return (torch.exp2(-torch.cat(bits)) * (1 + (magnitudes > 0).double())).numpy()


def _to_integers(odds: np.ndarray) -> np.ndarray:
    """Frequencies int32 of magnitudes 0..600 and, last, of the escape.

    Magnitudes rarer than 2**-19 have frequency 0: from the first of them on, symbols are escaped.
    """
    frequencies = np.zeros((TABLES, LARGEST_SYMBOL + 2), dtype=np.int32)
    for row, probabilities in zip(frequencies, odds, strict=True):
        common = probabilities > RARE
        used = len(common) if common.all() else max(1, int(np.argmin(common)))
        row[:used] = np.maximum(2, np.round(probabilities[:used] * TOTAL))
        row[-1] = max(1, round(float(probabilities[used:].sum()) * TOTAL))
    return frequencies

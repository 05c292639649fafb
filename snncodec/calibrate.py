"""How often which symbol meets which probability table: pictures in, a histogram out for `entropy.make_frequencies`.

The pictures go through the real encoder, rate-distortion optimised quantisation included; nothing is written.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from snncodec.coupling import couple
from snncodec.entropy import TABLES, WIDEST
from snncodec.exact import exact_arithmetic
from snncodec.views import code_view, render
from snncodec.weights import Weights


class SymbolCounter:
    """Stands in for a `SymbolEncoder` and counts magnitudes 0..600 per table instead."""

    def __init__(self) -> None:
        self.histogram = np.zeros((TABLES, WIDEST + 1))

    def encode(self, symbols: np.ndarray, indexes: np.ndarray) -> None:
        magnitudes = np.minimum(np.abs(symbols), WIDEST).reshape(-1)
        cells = indexes.reshape(-1).astype(np.int64) * (WIDEST + 1) + magnitudes
        self.histogram += np.bincount(cells, minlength=self.histogram.size).reshape(self.histogram.shape)

    def encode_counted(self, symbols: np.ndarray, counts: np.ndarray) -> None:
        """Nothing: such symbols need no tables."""


def count_symbols(loaded: Weights, scenes: Tensor) -> np.ndarray:
    """Histogram [64, 601] over scenes [N, V, 3, H, W] (uint8), at qualities spread evenly over 1..100.

    A scene is one picture, or a left and a right view, of which the right one is coded given the left.
    """
    counter = SymbolCounter()
    with exact_arithmetic():
        for number, scene in enumerate(scenes):
            quality = 1 + round(99 * number / max(1, len(scenes) - 1))
            left, *right = scene.permute(0, 2, 3, 1).numpy()
            values = code_view(loaded, left, quality, counter)
            if right:
                seen = render(loaded, values, quality)
                coupling = couple(loaded, seen, right[0], quality)
                given = (coupling.warped, coupling.copied) if coupling else ()
                code_view(loaded, right[0], quality, counter, *given)
    return counter.histogram

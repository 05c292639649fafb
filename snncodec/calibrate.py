"""How often which symbol meets which probability table: pictures in, a histogram out for `entropy.make_frequencies`.

The pictures go through the real encoder, rate-distortion optimised quantisation included; nothing is written.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from snncodec.entropy import TABLES, WIDEST
from snncodec.exact import exact_arithmetic
from snncodec.views import code_view
from snncodec.weights import Weights


class SymbolCounter:
    """Stands in for a `SymbolEncoder` and counts magnitudes 0..600 per table instead."""

    def __init__(self) -> None:
        self.histogram = np.zeros((TABLES, WIDEST + 1))

    def encode(self, symbols: np.ndarray, indexes: np.ndarray) -> None:
        magnitudes = np.minimum(np.abs(symbols), WIDEST).reshape(-1)
        cells = indexes.reshape(-1).astype(np.int64) * (WIDEST + 1) + magnitudes
        self.histogram += np.bincount(cells, minlength=self.histogram.size).reshape(self.histogram.shape)


def count_symbols(loaded: Weights, pictures: Tensor) -> np.ndarray:
    """Histogram [64, 601] over pictures [N, 3, H, W] (uint8), at qualities spread evenly over 1..100."""
    counter = SymbolCounter()
    with exact_arithmetic():
        for number, picture in enumerate(pictures):
            quality = 1 + round(99 * number / max(1, len(pictures) - 1))
            code_view(loaded, picture.permute(1, 2, 0).numpy(), quality, counter)
    return counter.histogram

"""Normative. Stored integer frequency tables: a table index and a symbol go in, a coder model or bits come out.

Table i stands for symbols whose scale is about 0.03 exp(0.117 i) quantisation steps. Tables are data of the weights;
`training.fit_tables` makes them. No torch here.
"""

from __future__ import annotations

from functools import cached_property
from typing import TypeAlias

import constriction
import numpy as np

from snncodec.errors import WeightsError

Categorical: TypeAlias = constriction.stream.model.Categorical

TABLES = 64
LARGEST_SYMBOL = 600  # symbols from -600 to 600 fit the widest table
TOTAL = 2**22  # sum of the frequencies of a table, about


class FrequencyTables:
    """64 symmetric frequency tables, from integers [64, 602] of magnitudes 0..600 and, last, of the escape."""

    def __init__(self, frequencies: np.ndarray) -> None:
        whole = frequencies.shape == (TABLES, LARGEST_SYMBOL + 2) and np.issubdtype(frequencies.dtype, np.integer)
        if not whole or frequencies.min() < 0 or (frequencies[:, [0, -1]] < 1).any() or frequencies.max() > 2 * TOTAL:
            raise WeightsError("the probability tables of the weights are damaged")
        self.frequencies = frequencies.astype(np.int64)
        self.reach = (np.cumprod(self.frequencies[:, :-1] > 0, axis=1).sum(1) - 1).astype(np.int64)

    @cached_property
    def models(self) -> list[Categorical]:
        """One coder model per table, over the alphabet escape, -reach, ..., reach."""
        models = []
        for row, reach in zip(self.frequencies, self.reach, strict=True):
            both_signs = row[1 : reach + 1]  # of a magnitude; the others count twice, so that all are whole
            weights = np.concatenate([2 * row[-1:], both_signs[::-1], 2 * row[:1], both_signs])
            models.append(Categorical(weights.astype(np.float64), perfect=False))
        return models

    @cached_property
    def cost(self) -> np.ndarray:
        """Bits [64, 602] of each magnitude with its sign, float32; the last column and all beyond reach are escapes."""
        share = self.frequencies / self.frequencies.sum(1, keepdims=True)
        escape = 32 - np.log2(share[:, -1:])
        with np.errstate(divide="ignore"):
            bits = -np.log2(share) + (np.arange(LARGEST_SYMBOL + 2) > 0)
        beyond = np.arange(LARGEST_SYMBOL + 2) > self.reach[:, None]
        return np.where(beyond, escape, bits).astype(np.float32)

    def bits(self, symbols: np.ndarray, indexes: np.ndarray) -> np.ndarray:
        """Bits of integer symbols, of any dtype, coded with the tables `indexes`; float32."""
        columns = np.minimum(np.abs(symbols), LARGEST_SYMBOL + 1).astype(np.int32)
        return self.cost.take(indexes.astype(np.int32) * (LARGEST_SYMBOL + 2) + columns)

"""Normative. Stored integer frequency tables: a table's number and a symbol go in, a coder model or bits come out.

There are 64 tables for each of three quantisers: table i of a quantiser stands for residuals whose scale is about
0.03 exp(0.117 i) quantisation steps. Tables 0 to 63 are those of plain rounding, tables 64 to 127 and 128 to 191 those
of the two quantisers of dependent quantisation. They are data of the weights; `training.fit_tables` makes them. No
torch here.
"""

from __future__ import annotations

from functools import cached_property
from typing import TypeAlias

import constriction
import numpy as np

from snncodec.errors import WeightsError

Categorical: TypeAlias = constriction.stream.model.Categorical

SCALES = 64
TABLES = 3 * SCALES
LARGEST_SYMBOL = 600  # symbols from -600 to 600 fit the widest table
TOTAL = 2**22  # sum of the frequencies of a table, about


class FrequencyTables:
    """Symmetric frequency tables, from integers [192, 602] of magnitudes 0..600 and, last, of the escape."""

    def __init__(self, frequencies: np.ndarray) -> None:
        whole = frequencies.shape == (TABLES, LARGEST_SYMBOL + 2) and np.issubdtype(frequencies.dtype, np.integer)
        if not whole or frequencies.min() < 0 or (frequencies[:, [0, -1]] < 1).any() or frequencies.max() > 2 * TOTAL:
            raise WeightsError("the probability tables of the weights are damaged")
        self.frequencies = frequencies.astype(np.int64)
        self._cut: dict[int, np.ndarray] = {}  # weights of all tables as far as a reach; there are few
        self.reach = (np.cumprod(self.frequencies[:, :-1] > 0, axis=1).sum(1) - 1).astype(np.int64)

    @cached_property
    def models(self) -> list[Categorical]:
        """One coder model per table, over the alphabet escape, -reach, ..., reach."""
        rows = (self.rows(np.array([table]), reach)[0] for table, reach in enumerate(self.reach.tolist()))
        return [Categorical(row, perfect=False) for row in rows]

    def rows(self, tables: np.ndarray, reach: int) -> np.ndarray:
        """Weights [n, 2 r + 2], float64, of escape, -r, ..., r in n tables, r being `reach`."""
        if reach not in self._cut:
            middle = self._weights[:, LARGEST_SYMBOL + 1 - reach : LARGEST_SYMBOL + 2 + reach]
            self._cut[reach] = np.concatenate([self._weights[:, :1], middle], axis=1)
        return self._cut[reach].take(tables, axis=0)

    @cached_property
    def _weights(self) -> np.ndarray:
        """Weights [192, 1202] of escape, -600, ..., 600; 0 beyond the reach of a table."""
        magnitudes = self.frequencies[:, :-1] * (np.arange(LARGEST_SYMBOL + 1) <= self.reach[:, None])
        both_signs = magnitudes[:, 1:]  # of a magnitude; the others count twice, so that all are whole
        parts = 2 * self.frequencies[:, -1:], both_signs[:, ::-1], 2 * magnitudes[:, :1], both_signs
        return np.concatenate(parts, axis=1).astype(np.float64)

    @cached_property
    def cost(self) -> np.ndarray:
        """Bits [192, 602] of magnitudes with their sign, float32; the last column and all beyond reach are escapes."""
        share = self.frequencies / self.frequencies.sum(1, keepdims=True)
        escape = 32 - np.log2(share[:, -1:])
        with np.errstate(divide="ignore"):
            bits = -np.log2(share) + (np.arange(LARGEST_SYMBOL + 2) > 0)
        beyond = np.arange(LARGEST_SYMBOL + 2) > self.reach[:, None]
        return np.where(beyond, escape, bits).astype(np.float32)

    def bits(self, symbols: np.ndarray, tables: np.ndarray) -> np.ndarray:
        """Bits of integer symbols, of any dtype, coded with the tables of these numbers; float32."""
        columns = np.minimum(np.abs(symbols), LARGEST_SYMBOL + 1).astype(np.int32)
        return self.cost.take(tables.astype(np.int32) * (LARGEST_SYMBOL + 2) + columns)

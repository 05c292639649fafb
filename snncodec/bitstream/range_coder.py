"""Normative. Integer symbols and integer table indexes in, bytes out, and back, with constriction's range coder.

A `RangeEncoder` takes symbols with adaptive counts that both sides keep, or equally likely ones (bypass); a
`SymbolEncoder` also takes those with frequency tables. A symbol beyond its table's range is coded as an escape followed
by 32 bypass bits, so nothing is ever clamped. The coder is a range coder (Martin 1979; constriction 0.5, 24-bit
probabilities, 32-bit words); the words are written little-endian. No torch here.
"""

from __future__ import annotations

from typing import TypeAlias

import constriction
import numpy as np

from snncodec.bitstream.frequency_tables import TABLES, Categorical, FrequencyTables
from snncodec.errors import FormatError
from snncodec.stopwatch import timed

Uniform: TypeAlias = constriction.stream.model.Uniform
queue = constriction.stream.queue

ANY_ROWS = Categorical(perfect=False)  # the model of symbols that come with a row of weights each
MOST_ROWS = 2**12  # that are in memory at once
HALF = 2**16  # an escaped symbol is two uniform 16-bit halves of symbol + 2**31
WORD_BITS, STATE_BITS = 32, 64  # of what is written, and of what an encoder may still hold when it stops


def adaptive_model(counts: np.ndarray) -> Categorical:
    """The coder model of symbols 0, 1, ... that were seen so often; no count is 0."""
    return Categorical(counts.astype(np.float64), perfect=False)  # whole numbers, so that their sum is exact


def order_of_tables(tables: np.ndarray) -> np.ndarray:
    """Where the first, second ... of symbols with these tables [n] (uint8) stands that is coded, table by table."""
    others = np.flatnonzero(tables)  # most symbols have the narrowest table, and need no sorting
    return np.concatenate([np.flatnonzero(tables == 0), others[np.argsort(tables[others], kind="stable")]])


def slices_of_tables(tables: np.ndarray) -> list[tuple[int, slice]]:
    """Each table that occurs in `tables` [n] (uint8), which are in order, and its slice of them."""
    ends = np.searchsorted(tables, np.arange(TABLES), side="right").tolist()
    return [(i, slice(a, b)) for i, (a, b) in enumerate(zip([0, *ends], ends, strict=False)) if b > a]


def in_order(tables: np.ndarray) -> bool:
    """Whether tables [n] are in the order in which their symbols are coded."""
    return bool((tables[1:] >= tables[:-1]).all())


class RangeEncoder:
    """Collects symbols whose probabilities both sides know, and returns the bytes with `finish`."""

    def __init__(self) -> None:
        self.coder = queue.RangeEncoder()

    @timed("entropy_coder")
    def encode_adaptive(self, symbols: np.ndarray, counts: np.ndarray) -> None:
        """Append symbols [n] from 0 to len(counts) - 1, which are as likely as they were often seen: int64 counts."""
        self.coder.encode(symbols.astype(np.int32), adaptive_model(counts))

    @timed("entropy_coder")
    def encode_bypass(self, symbols: np.ndarray, size: int) -> None:
        """Append symbols [n] that are equally likely from 0 to size - 1."""
        self.coder.encode(symbols.astype(np.int32), Uniform(size))

    def finish(self) -> bytes:
        return self.coder.get_compressed().astype("<u4").tobytes()


class SymbolEncoder(RangeEncoder):
    """A `RangeEncoder` of symbols with tables, in calls of `encode`."""

    def __init__(self, tables: FrequencyTables) -> None:
        super().__init__()
        self.tables = tables

    @timed("entropy_coder")
    def encode(self, symbols: np.ndarray, tables: np.ndarray) -> None:
        """Append int32 symbols with the numbers (uint8) of their tables, arrays of one shape, table by table."""
        symbols, tables = symbols.reshape(-1).astype(np.int32), tables.reshape(-1)
        if not in_order(tables):
            order = order_of_tables(tables)
            symbols, tables = symbols[order], tables[order]
        for table, where in slices_of_tables(tables):
            reach, part = int(self.tables.reach[table]), symbols[where]
            if max(-int(part.min()), int(part.max())) <= reach:
                self.coder.encode(part + np.int32(reach + 1), self.tables.models[table])
                continue
            escaped = np.abs(part.astype(np.int64)) > reach
            self.coder.encode(np.where(escaped, 0, part + np.int32(reach + 1)), self.tables.models[table])
            self._encode_escaped(part[escaped].astype(np.int64))

    @timed("entropy_coder")
    def encode_mixed(self, symbols: np.ndarray, tables: np.ndarray) -> None:
        """Append int64 symbols [n], one by one, with the numbers (uint8) of their tables."""
        reach = self.tables.reach[tables]
        widest, escaped = int(reach.max()), np.abs(symbols) > reach
        coded = np.where(escaped, 0, symbols + widest + 1).astype(np.int32)
        for start in range(0, len(coded), MOST_ROWS):
            part = slice(start, start + MOST_ROWS)
            self.coder.encode(coded[part], ANY_ROWS, self.tables.rows(tables[part], widest))
        self._encode_escaped(symbols[escaped])

    def _encode_escaped(self, symbols: np.ndarray) -> None:
        if len(symbols):
            upper, lower = np.divmod(symbols + 2**31, HALF)
            self.encode_bypass(upper, HALF)
            self.encode_bypass(lower, HALF)


class RangeDecoder:
    """Gives back, call by call, what a `RangeEncoder` was given."""

    def __init__(self, data: bytes) -> None:
        if len(data) % 4:
            raise FormatError(f"an entropy-coded section has {len(data)} bytes, which is not a multiple of 4")
        words = np.frombuffer(data, "<u4").astype(np.uint32)
        self.coder = queue.RangeDecoder(words)
        self.bypass_bits_left = WORD_BITS * len(words) + 2 * STATE_BITS  # no encoder writes more into so many words

    @timed("entropy_coder")
    def decode_adaptive(self, number: int, counts: np.ndarray) -> np.ndarray:
        """The next int64 symbols [number]; the counts must be those of the encoder."""
        return self._next(adaptive_model(counts), int(number))

    @timed("entropy_coder")
    def decode_bypass(self, number: int, size: int) -> np.ndarray:
        """The next int64 symbols [number] from 0 to size - 1.

        Past its last word the coder goes on for ever; bypass bits, escapes among them, are counted so that this ends.
        """
        self.bypass_bits_left -= int(number) * (size.bit_length() - 1)
        if self.bypass_bits_left < 0:
            raise FormatError("an entropy-coded section ends before its pictures do")
        return self._next(Uniform(size), int(number))

    def _next(self, model: Categorical | Uniform, given: int | np.ndarray) -> np.ndarray:
        """The next symbols: so many of one model, or one for each row of weights."""
        try:
            return self.coder.decode(model, given).astype(np.int64)
        except AssertionError as error:  # constriction's way to say that no encoder wrote these words
            raise FormatError("an entropy-coded section holds words that no encoder writes") from error

    def finish(self) -> None:
        """Raise `FormatError` unless the words were used up."""
        if not self.coder.maybe_exhausted():
            raise FormatError("an entropy-coded section holds more than its pictures need")


class SymbolDecoder(RangeDecoder):
    """A `RangeDecoder` of what `SymbolEncoder.encode` was given; the indexes must be the same."""

    def __init__(self, tables: FrequencyTables, data: bytes) -> None:
        super().__init__(data)
        self.tables = tables

    @timed("entropy_coder")
    def decode(self, tables: np.ndarray) -> np.ndarray:
        """The next int64 symbols, in the shape of the numbers (uint8) of their tables."""
        flat, order = tables.reshape(-1), None
        if not in_order(flat):
            order = order_of_tables(flat)
            flat = flat[order]
        symbols = np.empty(flat.size, dtype=np.int64)
        for table, where in slices_of_tables(flat):
            coded = self._next(self.tables.models[table], where.stop - where.start)
            symbols[where] = self._with_escaped(coded, int(self.tables.reach[table]) + 1)
        if order is not None:
            symbols[order] = symbols.copy()
        return symbols.reshape(tables.shape)

    @timed("entropy_coder")
    def decode_mixed(self, tables: np.ndarray) -> np.ndarray:
        """The next int64 symbols [n], which `SymbolEncoder.encode_mixed` was given with the same tables."""
        widest = int(self.tables.reach[tables].max())
        parts = (tables[start : start + MOST_ROWS] for start in range(0, len(tables), MOST_ROWS))
        coded = [self._next(ANY_ROWS, self.tables.rows(part, widest)) for part in parts]
        return self._with_escaped(np.concatenate(coded), widest + 1)

    def _with_escaped(self, coded: np.ndarray, middle: int) -> np.ndarray:
        """What a model's symbols stand for, `middle` for 0; escapes are decoded."""
        symbols, escaped = coded - middle, coded == 0
        if escapes := int(escaped.sum()):
            upper, lower = (self.decode_bypass(escapes, HALF) for _ in range(2))
            symbols[escaped] = upper * HALF + lower - 2**31
        return symbols

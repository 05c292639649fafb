"""Integer symbols and integer table indexes in, bytes out, and back, with constriction's range coder. No torch here.

An `Encoder` takes symbols with counts that both sides keep, or equally likely ones; a `SymbolEncoder` also takes those
with tables. `Tables` are 64 stored integer frequency tables, one per scale. A symbol beyond its table's range is coded
as an escape followed by 32 plain bits, so nothing is ever clamped. The coder is a range coder (Martin 1979;
constriction 0.5, 24-bit probabilities, 32-bit words); the words are written little-endian.
"""

from __future__ import annotations

from functools import cached_property

import constriction
import numpy as np

from snncodec.errors import FormatError, LimitError, WeightsError

Categorical, Uniform = constriction.stream.model.Categorical, constriction.stream.model.Uniform
RangeEncoder, RangeDecoder = constriction.stream.queue.RangeEncoder, constriction.stream.queue.RangeDecoder

TABLES = 64
LOWEST_SCALE, SCALE_RATIO = 0.03, 0.117  # table i stands for scales around 0.03 exp(0.117 i) quantisation steps
WIDEST = 600  # symbols from -600 to 600 fit the widest table
TOTAL = 2**22  # sum of the frequencies of a table, about
RARE = 2.0**-19  # a magnitude rarer than this is left to the escape
HALF = 2**16  # an escaped symbol is two uniform 16-bit halves of symbol + 2**31


def logistic_frequencies() -> np.ndarray:
    """Probabilities [64, 601] of magnitudes 0..600 under zero-mean logistics of the 64 scales; both signs together."""
    scales = LOWEST_SCALE * np.exp(SCALE_RATIO * np.arange(TABLES))[:, None]
    edges = np.exp(-np.minimum((np.arange(WIDEST + 2) - 0.5) / scales, 700.0))
    above = 2 * edges / (1 + edges)  # P(|x| > edge), for edges from 0.5 on
    above[:, 0] = 1.0
    return above[:, :-1] - above[:, 1:]


def make_frequencies(histogram: np.ndarray | None = None, weight: float = 200.0) -> np.ndarray:
    """Integer frequencies [64, 602] of magnitudes 0..600 and, last, of the escape.

    `histogram` [64, 601] counts magnitudes seen with each table; the logistics then count as `weight` more symbols.
    Magnitudes rarer than 2**-19 have frequency 0: from the first of them on, symbols are escaped.
    """
    odds = logistic_frequencies()
    if histogram is not None:
        odds = (histogram + weight * odds) / (histogram.sum(1, keepdims=True) + weight)
    frequencies = np.zeros((TABLES, WIDEST + 2), dtype=np.int32)
    for row, probabilities in zip(frequencies, odds, strict=True):
        common = probabilities > RARE
        used = len(common) if common.all() else max(1, int(np.argmin(common)))
        row[:used] = np.maximum(2, np.round(probabilities[:used] * TOTAL))
        row[-1] = max(1, round(float(probabilities[used:].sum()) * TOTAL))
    return frequencies


class Tables:
    """64 symmetric frequency tables, from integers [64, 602] as `make_frequencies` returns them."""

    def __init__(self, frequencies: np.ndarray) -> None:
        whole = frequencies.shape == (TABLES, WIDEST + 2) and np.issubdtype(frequencies.dtype, np.integer)
        if not whole or frequencies.min() < 0 or (frequencies[:, [0, -1]] < 1).any() or frequencies.max() > 2 * TOTAL:
            raise WeightsError("the probability tables of the weights are damaged")
        self.frequencies = frequencies.astype(np.int64)
        self.reach = (np.cumprod(self.frequencies[:, :-1] > 0, axis=1).sum(1) - 1).astype(np.int64)

    @cached_property
    def models(self) -> list[Categorical]:
        """One coder model per table, over the alphabet escape, -reach, ..., reach."""
        models = []
        for row, reach in zip(self.frequencies, self.reach, strict=True):
            sides = row[1 : reach + 1] / 2
            weights = np.concatenate([row[-1:], sides[::-1], row[:1], sides]).astype(np.float64)
            models.append(Categorical(weights / weights.sum(), perfect=False))
        return models

    @cached_property
    def cost(self) -> np.ndarray:
        """Bits [64, 602] of each magnitude with its sign, float32; the last column and all beyond reach are escapes."""
        share = self.frequencies / self.frequencies.sum(1, keepdims=True)
        escape = 32 - np.log2(share[:, -1:])
        with np.errstate(divide="ignore"):
            bits = -np.log2(share) + (np.arange(WIDEST + 2) > 0)
        beyond = np.arange(WIDEST + 2) > self.reach[:, None]
        return np.where(beyond, escape, bits).astype(np.float32)

    def bits(self, symbols: np.ndarray, indexes: np.ndarray) -> np.ndarray:
        """Bits of integer symbols, of any dtype, coded with the tables `indexes`; float32."""
        return self.cost[indexes, np.minimum(np.abs(symbols), WIDEST + 1).astype(np.int64)]


def counted(counts: np.ndarray) -> Categorical:
    """The coder model of symbols 0, 1, ... that were seen so often; no count is 0."""
    return Categorical(counts.astype(np.float64), perfect=False)  # whole numbers, so that their sum is exact


def by_table(indexes: np.ndarray) -> tuple[np.ndarray, list[tuple[int, slice]]]:
    """The stable order that groups symbols by table, and each table's slice of it."""
    order = np.argsort(indexes, kind="stable")
    ends = np.cumsum(np.bincount(indexes, minlength=TABLES))
    starts = np.concatenate([[0], ends[:-1]])
    return order, [(i, slice(a, b)) for i, (a, b) in enumerate(zip(starts, ends, strict=True)) if b > a]


class Encoder:
    """Collects symbols whose probabilities both sides know, and returns the bytes with `finish`."""

    def __init__(self) -> None:
        self.coder = RangeEncoder()

    def encode_counted(self, symbols: np.ndarray, counts: np.ndarray) -> None:
        """Append symbols [n] from 0 to len(counts) - 1, which are as likely as they were often seen: int64 counts."""
        self.coder.encode(symbols.astype(np.int32), counted(counts))

    def encode_plain(self, symbols: np.ndarray, size: int) -> None:
        """Append symbols [n] that are equally likely from 0 to size - 1."""
        self.coder.encode(symbols.astype(np.int32), Uniform(size))

    def finish(self) -> bytes:
        return self.coder.get_compressed().astype("<u4").tobytes()


class SymbolEncoder(Encoder):
    """An `Encoder` of symbols with tables, in calls of `encode`."""

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        self.tables = tables

    def encode(self, symbols: np.ndarray, indexes: np.ndarray) -> None:
        """Append int64 symbols with their uint8 table indexes, arrays of one shape."""
        symbols, indexes = symbols.reshape(-1), indexes.reshape(-1)
        if len(symbols) and max(-int(symbols.min()), int(symbols.max())) >= 2**31:
            raise LimitError("a latent is too large to code: the weights do not suit this picture")
        order, groups = by_table(indexes)
        symbols = symbols[order]
        for table, where in groups:
            reach, part = self.tables.reach[table], symbols[where]
            escaped = np.abs(part) > reach
            self.coder.encode(np.where(escaped, 0, part + reach + 1).astype(np.int32), self.tables.models[table])
            if escaped.any():
                plain = part[escaped] + 2**31
                self.encode_plain(plain // HALF, HALF)
                self.encode_plain(plain % HALF, HALF)


class Decoder:
    """Gives back, call by call, what an `Encoder` was given."""

    def __init__(self, data: bytes) -> None:
        if len(data) % 4:
            raise FormatError(f"an entropy-coded section has {len(data)} bytes, which is not a multiple of 4")
        self.coder = RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))

    def decode_counted(self, number: int, counts: np.ndarray) -> np.ndarray:
        """The next int64 symbols [number]; the counts must be those of the encoder."""
        return self._next(counted(counts), number)

    def decode_plain(self, number: int, size: int) -> np.ndarray:
        """The next int64 symbols [number] from 0 to size - 1."""
        return self._next(Uniform(size), number)

    def _next(self, model: Categorical | Uniform, number: int) -> np.ndarray:
        try:
            return self.coder.decode(model, int(number)).astype(np.int64)
        except AssertionError as error:  # constriction's way to say that no encoder wrote these words
            raise FormatError("an entropy-coded section holds words that no encoder writes") from error

    def finish(self) -> None:
        """Raise `FormatError` unless the words were used up."""
        if not self.coder.maybe_exhausted():
            raise FormatError("an entropy-coded section holds more than its pictures need")


class SymbolDecoder(Decoder):
    """A `Decoder` of what `SymbolEncoder.encode` was given; the indexes must be the same."""

    def __init__(self, tables: Tables, data: bytes) -> None:
        super().__init__(data)
        self.tables = tables

    def decode(self, indexes: np.ndarray) -> np.ndarray:
        """The next int64 symbols, in the shape of their uint8 table indexes."""
        order, groups = by_table(indexes.reshape(-1))
        symbols = np.empty(indexes.size, dtype=np.int64)
        for table, where in groups:
            symbols[order[where]] = self._decode_group(table, where.stop - where.start)
        return symbols.reshape(indexes.shape)

    def _decode_group(self, table: int, count: int) -> np.ndarray:
        coded = self._next(self.tables.models[table], count)
        symbols, escaped = coded - self.tables.reach[table] - 1, coded == 0
        if escapes := int(escaped.sum()):
            upper, lower = (self.decode_plain(escapes, HALF) for _ in range(2))
            symbols[escaped] = upper * HALF + lower - 2**31
        return symbols

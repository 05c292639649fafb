"""Lossless coding of a displacement field: integers [3, h, w] <-> symbols, from coarse to fine.

A block has a displacement (columns and rows, in quarter pixels) and is matched (1) or not (0); one that is not has the
displacement that its neighbours predict. Every pass fills the middle of four known blocks: their median predicts it,
how far they are apart and how many are matched are its contexts. Of a difference its length in binary digits is coded
with the context's counts, which grow from one pass to the next, then the rest plainly. Encoder, decoder and the search
for the best field take the same walk with another `code` function. No torch here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from snncodec.entropy import Decoder, Encoder
from snncodec.errors import FormatError

FIELD_MAX = 2**14  # quarter pixels; a displacement beyond it is refused
LENGTHS = 17  # differences have 0 to 16 digits
SPREADS = np.array([1, 2, 3, 5, 9, 17, 33, 65, 129, 257])  # differences of neighbours at which the next context begins
TYPICAL = np.array([[0, 0, 0, 0, 0, 1, 2, 3, 4, 4, 5], [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4]])  # lengths, in each context
FIRST_FLAGS = np.array([[19, 1], [15, 5], [9, 11], [4, 16], [1, 19]])  # not set, set; when 0, ..., 4 neighbours are
LEARNING = 16  # what one difference adds to the count of its length; the first counts are 1 to 32

Cells = tuple[np.ndarray, np.ndarray]  # rows and columns


class Contexts:
    """How often differences of columns and of rows had which length [2, 11, 17], and blocks were matched [5, 2]."""

    def __init__(self) -> None:
        self.lengths = np.maximum(32 >> np.abs(TYPICAL[..., None] - np.arange(LENGTHS)), 1)
        self.matched = FIRST_FLAGS.copy()

    def learn(self, guess: Guess, values: np.ndarray) -> None:
        """Count what the blocks of a pass turned out to be, int64 [3, cells]."""
        matched = values[2] > 0
        for lengths, spreads, difference in zip(
            self.lengths, guess.spreads, values[:2] - guess.prediction, strict=True
        ):
            np.add.at(lengths, (spreads[matched], digits(difference[matched])), LEARNING)
        np.add.at(self.matched, (guess.agreement, values[2]), 1)


@dataclass(frozen=True)
class Guess:
    """What is known of the blocks of one pass before they are coded."""

    cells: Cells
    reach: int  # distance of the neighbours in blocks
    prediction: np.ndarray  # int64 [2, cells]
    spreads: np.ndarray  # [2, cells], contexts of the two components' lengths
    agreement: np.ndarray  # [cells], contexts of being matched
    contexts: Contexts

    def bits(self, displacements: np.ndarray) -> np.ndarray:
        """Bits [K, cells] of displacements int64 [K, 2, cells]."""
        lengths = digits(displacements - self.prediction)
        costs = lengths.astype(np.float64)
        for row, (counts, spreads) in enumerate(zip(self.contexts.lengths, self.spreads, strict=True)):
            costs[:, row] -= np.log2(counts / counts.sum(1, keepdims=True))[spreads, lengths[:, row]]
        return costs.sum(1)

    def flag_bits(self) -> np.ndarray:
        """Bits [2, cells] of not being matched, and of being matched."""
        counts = self.contexts.matched
        return -np.log2(counts / counts.sum(1, keepdims=True)).T[:, self.agreement]


Code = Callable[[Guess], np.ndarray]  # returns the field there, int64 [3, cells]


def encode_field(field: np.ndarray) -> tuple[bytes, np.ndarray]:
    """The bytes of a field int64 [3, h, w], and the field that `decode_field` will make of them.

    The latter has other displacements where blocks are not matched: theirs are not kept.
    """
    coder = Encoder()

    def code(guess: Guess) -> np.ndarray:
        values = field[:, *guess.cells]
        matched = values[2] > 0
        for context, cells in groups(guess.agreement):
            coder.encode_counted(values[2][cells], guess.contexts.matched[context])
        for row, difference in enumerate(values[:2] - guess.prediction):
            for context, cells in groups(guess.spreads[row], matched):
                encode_numbers(coder, difference[cells], guess.contexts.lengths[row, context])
        return np.concatenate([np.where(matched, values[:2], guess.prediction), values[2:]])

    decoded = walk(field.shape[1:], code)
    return coder.finish(), decoded


def decode_field(data: bytes, shape: tuple[int, int]) -> np.ndarray:
    """The field int64 [3, h, w] that `encode_field` was given; `FormatError` for anything else."""
    coder = Decoder(data)

    def code(guess: Guess) -> np.ndarray:
        values = np.concatenate([guess.prediction, np.zeros_like(guess.agreement)[None]])
        for context, cells in groups(guess.agreement):
            values[2][cells] = coder.decode_counted(len(cells), guess.contexts.matched[context])
        for row in (0, 1):
            for context, cells in groups(guess.spreads[row], values[2] > 0):
                values[row][cells] += decode_numbers(coder, len(cells), guess.contexts.lengths[row, context])
        return values.clip(-FIELD_MAX - 1, FIELD_MAX + 1)

    field = walk(shape, code)
    coder.finish()
    if np.abs(field).max() > FIELD_MAX:
        raise FormatError(f"a displacement is larger than {FIELD_MAX} quarter pixels")
    return field


def groups(contexts: np.ndarray, chosen: np.ndarray | None = None) -> Iterator[tuple[int, np.ndarray]]:
    """Each context that occurs among the `chosen` ones of [cells] (or all), and the places where it does."""
    places = np.arange(len(contexts)) if chosen is None else np.flatnonzero(chosen)
    for context in np.unique(contexts[places]):
        yield int(context), places[contexts[places] == context]


def digits(numbers: np.ndarray) -> np.ndarray:
    """Binary digits of the magnitudes of whole numbers below 2**16; 0 has none."""
    return np.searchsorted(2 ** np.arange(LENGTHS - 1), np.abs(numbers), side="right")


def encode_numbers(coder: Encoder, numbers: np.ndarray, counts: np.ndarray) -> None:
    """Whole numbers [n]: their lengths with the counts of lengths, then sign and digits after the first, plainly."""
    lengths = digits(numbers)
    coder.encode_counted(lengths, counts)
    for length, where in groups(lengths, lengths > 0):
        part = numbers[where]
        coder.encode_plain(np.where(part > 0, part, 2**length - 1 + part), 2**length)


def decode_numbers(coder: Decoder, count: int, counts: np.ndarray) -> np.ndarray:
    """What `encode_numbers` was given."""
    lengths = coder.decode_counted(count, counts)
    numbers = np.zeros_like(lengths)
    for length, where in groups(lengths, lengths > 0):
        plain = coder.decode_plain(len(where), 2**length)
        numbers[where] = np.where(plain >= 2 ** (length - 1), plain, plain - (2**length - 1))
    return numbers


def walk(shape: tuple[int, int], code: Code) -> np.ndarray:
    """Fill a field of `shape` (h, w) with what `code` returns, pass by pass."""
    field, contexts = np.zeros((3, *shape), dtype=np.int64), Contexts()
    for cells, reach, diagonal in passes(*shape):
        values, inside = around(field, cells, reach, diagonal)
        some = np.where(inside[0], values[0, :2], values[1, :2])  # one that is inside, unless none is
        values[:, :2] = np.sort(np.where(inside[:, None], values[:, :2], some), axis=0)
        spreads = np.searchsorted(SPREADS, values[3, :2] - values[0, :2], side="right")
        prediction = (values[1, :2] + values[2, :2]) // 2
        guess = Guess(cells, reach, prediction, spreads, agreement(values[:, 2], inside), contexts)
        found = code(guess)
        contexts.learn(guess, found)
        field[:, *cells] = found
    return field


def around(values: np.ndarray, cells: Cells, reach: int, diagonal: bool) -> tuple[np.ndarray, np.ndarray]:
    """The four known values [4, ..., cells] around cells of a map [..., h, w], 0 outside, and which are inside."""
    found, (rows, columns), (height, width) = [], cells, values.shape[-2:]
    for side in ((-1, -1), (-1, 1), (1, -1), (1, 1)) if diagonal else ((-1, 0), (0, -1), (1, 0), (0, 1)):
        r, c = rows + side[0] * reach, columns + side[1] * reach
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        found.append((values[..., r.clip(0, height - 1), c.clip(0, width - 1)] * inside, inside))
    return np.stack([value for value, _ in found]), np.stack([inside for _, inside in found])


def agreement(flags: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """How many of four neighbours [4, cells] have their flags set, if those outside are like the others: 0 to 4."""
    known = inside.sum(0)
    return (4 * flags.sum(0) + known // 2) // np.maximum(known, 1)


def passes(height: int, width: int) -> Iterator[tuple[Cells, int, bool]]:
    """(rows and columns of the cells to fill, distance of their neighbours, whether those lie diagonally)."""
    reach = 1 << max(height - 1, width - 1).bit_length()
    yield (np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)), reach, True
    while reach := reach // 2:
        rows, columns = (grid.ravel() for grid in np.mgrid[0:height:reach, 0:width:reach])
        odd_row, odd_column = rows // reach % 2 == 1, columns // reach % 2 == 1
        for diagonal, chosen in ((True, odd_row & odd_column), (False, odd_row ^ odd_column)):
            if chosen.any():
                yield (rows[chosen], columns[chosen]), reach, diagonal

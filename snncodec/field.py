"""Lossless coding of a displacement field: integers [2, h, w] <-> symbols, from coarse to fine.

Every pass fills the middle of four known blocks. The median of the four predicts it, and how far they are apart chooses
the probability table. Encoder and decoder take the same walk with another `code` function. No torch here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from snncodec.entropy import SymbolDecoder, SymbolEncoder, Tables
from snncodec.errors import FormatError

FIELD_MAX = 2**14  # quarter pixels; a displacement beyond it is refused
SPREADS = np.array([1, 2, 3, 5, 9, 17, 33, 65, 129, 257])  # differences of neighbours at which the next table begins
FIELD_TABLES = np.array([13, 23, 25, 28, 33, 36, 42, 48, 55, 61, 63], dtype=np.uint8)
FIRST_TABLE = 63  # of the very first block, which nothing predicts

# code(prediction, indexes, cells): all arrays [2, cells]; returns the displacements there.
Code = Callable[[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]], np.ndarray]
Cells = tuple[np.ndarray, np.ndarray]  # rows and columns


def encode_field(tables: Tables, field: np.ndarray) -> bytes:
    """The bytes of a field int64 [2, h, w]."""
    coder = SymbolEncoder(tables)

    def code(prediction: np.ndarray, indexes: np.ndarray, cells: Cells) -> np.ndarray:
        values = field[:, *cells]
        coder.encode(values - prediction, indexes)
        return values

    walk(field.shape[1:], code)
    return coder.finish()


def decode_field(tables: Tables, data: bytes, shape: tuple[int, int]) -> np.ndarray:
    """The field int64 [2, h, w] that `encode_field` was given; `FormatError` for anything else."""
    coder = SymbolDecoder(tables, data)

    def code(prediction: np.ndarray, indexes: np.ndarray, cells: Cells) -> np.ndarray:
        return np.clip(coder.decode(indexes) + prediction, -FIELD_MAX - 1, FIELD_MAX + 1)

    field = walk(shape, code)
    coder.finish()
    if np.abs(field).max() > FIELD_MAX:
        raise FormatError(f"a displacement is larger than {FIELD_MAX} quarter pixels")
    return field


def walk(shape: tuple[int, int], code: Code) -> np.ndarray:
    """Fill a field of `shape` (h, w) with what `code` returns, pass by pass."""
    field = np.zeros((2, *shape), dtype=np.int64)
    origin = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    field[:, *origin] = code(field[:, *origin], np.full((2, 1), FIRST_TABLE, dtype=np.uint8), origin)
    for (rows, columns), reach, diagonal in passes(*shape):
        around = []
        for side in ((-1, -1), (-1, 1), (1, -1), (1, 1)) if diagonal else ((-1, 0), (0, -1), (1, 0), (0, 1)):
            r, c = rows + side[0] * reach, columns + side[1] * reach
            inside = (r >= 0) & (r < shape[0]) & (c >= 0) & (c < shape[1])
            around.append((np.where(inside, field[:, r.clip(0, shape[0] - 1), c.clip(0, shape[1] - 1)], 0), inside))
        known = around[0][0] if diagonal else np.where(around[0][1], around[0][0], around[1][0])  # one that is inside
        values = np.sort(np.stack([np.where(inside, value, known) for value, inside in around]), axis=0)
        indexes = FIELD_TABLES[np.searchsorted(SPREADS, values[3] - values[0], side="right")]
        field[:, rows, columns] = code((values[1] + values[2]) // 2, indexes, (rows, columns))
    return field


def passes(height: int, width: int) -> Iterator[tuple[Cells, int, bool]]:
    """(rows and columns of the cells to fill, distance of their neighbours, whether those lie diagonally)."""
    reach = 1 << max(height - 1, width - 1).bit_length()
    while reach := reach // 2:
        rows, columns = (grid.ravel() for grid in np.mgrid[0:height:reach, 0:width:reach])
        odd_row, odd_column = rows // reach % 2 == 1, columns // reach % 2 == 1
        for diagonal, chosen in ((True, odd_row & odd_column), (False, odd_row ^ odd_column)):
            if chosen.any():
                yield (rows[chosen], columns[chosen]), reach, diagonal

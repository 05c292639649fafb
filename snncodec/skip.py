"""Lossless coding of the flags of blocks that are taken from a prediction as they are (skip mode in video codecs).

Flags are coded from coarse to fine like a displacement field; how many of four known neighbours are set is the context,
whose counts grow from one pass to the next. No torch here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from snncodec.entropy import Decoder, Encoder
from snncodec.field import Cells, agreement, around, groups, passes

FIRST_COUNTS = np.array([[19, 1], [15, 5], [9, 11], [4, 16], [1, 19]])  # not set, set; when 0, ..., 4 neighbours are

Code = Callable[[Cells, np.ndarray], np.ndarray]  # (cells, counts) -> flags there, int64 [cells]


def encode_flags(coder: Encoder, flags: np.ndarray) -> None:
    """Append a map of flags, bool [h, w]."""

    def code(cells: Cells, counts: np.ndarray) -> np.ndarray:
        values = flags[cells].astype(np.int64)
        coder.encode_counted(values, counts)
        return values

    walk(flags.shape, code)


def decode_flags(coder: Decoder, shape: tuple[int, int]) -> np.ndarray:
    """The next map of flags, bool [h, w]."""
    return walk(shape, lambda cells, counts: coder.decode_counted(len(cells[0]), counts)) > 0


def walk(shape: tuple[int, int], code: Code) -> np.ndarray:
    """Fill a map of `shape` (h, w) with what `code` returns, pass by pass and context by context."""
    flags, counts = np.zeros(shape, dtype=np.int64), FIRST_COUNTS.copy()
    for cells, reach, diagonal in passes(*shape):
        contexts = agreement(*around(flags, cells, reach, diagonal))
        for context, where in groups(contexts):
            there = cells[0][where], cells[1][where]
            flags[there] = code(there, counts[context])
        np.add.at(counts, (contexts, flags[cells]), 1)
    return flags

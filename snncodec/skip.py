"""Lossless coding of the flags of blocks that are taken from a prediction as they are (skip mode in video codecs).

Only blocks that are matched can be. Flags are coded from coarse to fine like a displacement field; how many of four
known neighbours are set is the context, whose counts grow from one pass to the next. No torch here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from snncodec.entropy import Decoder, Encoder
from snncodec.field import FIRST_FLAGS, Cells, agreement, around, groups, passes

Code = Callable[[Cells, np.ndarray], np.ndarray]  # (cells, counts) -> flags there, int64 [cells]


def encode_flags(coder: Encoder, flags: np.ndarray, matched: np.ndarray) -> None:
    """Append a map of flags, bool [h, w], none of which is set outside `matched`, bool [h, w]."""

    def code(cells: Cells, counts: np.ndarray) -> np.ndarray:
        values = flags[cells].astype(np.int64)
        coder.encode_counted(values, counts)
        return values

    walk(matched, code)


def decode_flags(coder: Decoder, matched: np.ndarray) -> np.ndarray:
    """The next map of flags, bool [h, w], as `encode_flags` was given it."""
    return walk(matched, lambda cells, counts: coder.decode_counted(len(cells[0]), counts)) > 0


def walk(matched: np.ndarray, code: Code) -> np.ndarray:
    """Fill a map [h, w] with what `code` returns where it is `matched`, pass by pass and context by context."""
    flags, counts = np.zeros(matched.shape, dtype=np.int64), FIRST_FLAGS.copy()
    for cells, reach, diagonal in passes(*matched.shape):
        contexts, chosen = agreement(*around(flags, cells, reach, diagonal)), matched[cells]
        for context, where in groups(contexts, chosen):
            there = cells[0][where], cells[1][where]
            flags[there] = code(there, counts[context])
        np.add.at(counts, (contexts[chosen], flags[cells][chosen]), 1)
    return flags

"""Normative. Lossless coding of skip flags: bool maps <-> symbols. A skipped block is copied from its prediction.

Only blocks that are matched can be skipped (skip mode of video codecs). Flags are coded from coarse to fine; how many
of four known neighbours are set is the context, whose counts grow from one pass to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from snncodec.bitstream.block_scan import FIRST_FLAG_COUNTS, Blocks, by_context, flag_contexts, scan_coarse_to_fine
from snncodec.bitstream.range_coder import RangeDecoder

CodeFlags = Callable[[Blocks, np.ndarray], np.ndarray]  # (blocks, counts) -> flags there, int64 [blocks]


class AdaptiveEncoder(Protocol):
    """What takes flags: a `RangeEncoder`, or what stands in for one."""

    def encode_adaptive(self, symbols: np.ndarray, counts: np.ndarray) -> None: ...


def encode_flags(coder: AdaptiveEncoder, flags: np.ndarray, matched: np.ndarray) -> None:
    """Append a map of flags, bool [h, w], none of which is set outside `matched`, bool [h, w]."""

    def code(blocks: Blocks, counts: np.ndarray) -> np.ndarray:
        values = flags[blocks].astype(np.int64)
        coder.encode_adaptive(values, counts)
        return values

    _scan(matched, code)


def decode_flags(coder: RangeDecoder, matched: np.ndarray) -> np.ndarray:
    """The next map of flags, bool [h, w], as `encode_flags` was given it."""
    return _scan(matched, lambda blocks, counts: coder.decode_adaptive(len(blocks[0]), counts)) > 0


def _scan(matched: np.ndarray, code: CodeFlags) -> np.ndarray:
    """Fill a map [h, w] with what `code` returns where it is `matched`, pass by pass and context by context."""
    flags, counts = np.zeros(matched.shape, dtype=np.int64), FIRST_FLAG_COUNTS.copy()
    for scan_pass in scan_coarse_to_fine(*matched.shape):
        blocks = scan_pass.blocks
        contexts, chosen = flag_contexts(*scan_pass.neighbours(flags)), matched[blocks]
        for context, places in by_context(contexts, chosen):
            there = blocks[0][places], blocks[1][places]
            flags[there] = code(there, counts[context])
        np.add.at(counts, (contexts[chosen], flags[blocks][chosen]), 1)
    return flags

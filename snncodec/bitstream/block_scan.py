"""Normative. The order in which maps of blocks are coded: from coarse to fine, each pass between known blocks.

Every pass fills the middle of four blocks that are known already, diagonal neighbours first, then those above, left,
below and right, at half the distance each time. What the four hold is the context of the block between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

DIAGONAL = ((-1, -1), (-1, 1), (1, -1), (1, 1))
STRAIGHT = ((-1, 0), (0, -1), (1, 0), (0, 1))
FIRST_FLAG_COUNTS = np.array([[19, 1], [15, 5], [9, 11], [4, 16], [1, 19]])  # not set, set; when 0 to 4 neighbours are

Blocks = tuple[np.ndarray, np.ndarray]  # rows and columns


@dataclass(frozen=True, eq=False)
class ScanPass:
    """The blocks that one pass fills, and where their four known neighbours lie."""

    blocks: Blocks
    reach: int  # distance of the neighbours in blocks
    sides: tuple[tuple[int, int], ...]  # their directions

    def neighbours(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The values [4, ..., blocks] of a map [..., h, w] at the neighbours, 0 outside, and which lie inside."""
        found, (rows, columns), (height, width) = [], self.blocks, values.shape[-2:]
        for side in self.sides:
            r, c = rows + side[0] * self.reach, columns + side[1] * self.reach
            inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
            found.append((values[..., r.clip(0, height - 1), c.clip(0, width - 1)] * inside, inside))
        return np.stack([value for value, _ in found]), np.stack([inside for _, inside in found])


def scan_coarse_to_fine(height: int, width: int) -> Iterator[ScanPass]:
    """The passes that fill a map of `height` x `width` blocks, each block once."""
    reach = 1 << max(height - 1, width - 1).bit_length()
    yield ScanPass((np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)), reach, DIAGONAL)
    while reach := reach // 2:
        rows, columns = (grid.ravel() for grid in np.mgrid[0:height:reach, 0:width:reach])
        odd_row, odd_column = rows // reach % 2 == 1, columns // reach % 2 == 1
        for sides, chosen in ((DIAGONAL, odd_row & odd_column), (STRAIGHT, odd_row ^ odd_column)):
            if chosen.any():
                yield ScanPass((rows[chosen], columns[chosen]), reach, sides)


def flag_contexts(flags: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """How many of four neighbours [4, blocks] have their flags set, if those outside are like the others: 0 to 4."""
    known = inside.sum(0)
    return (4 * flags.sum(0) + known // 2) // np.maximum(known, 1)


def by_context(contexts: np.ndarray, chosen: np.ndarray | None = None) -> Iterator[tuple[int, np.ndarray]]:
    """Each context that occurs among the `chosen` ones of [blocks] (or all), and the places where it does."""
    places = np.arange(len(contexts)) if chosen is None else np.flatnonzero(chosen)
    for context in np.unique(contexts[places]):
        yield int(context), places[contexts[places] == context]

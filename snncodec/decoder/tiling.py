"""Normative. Large maps in tiles, so that memory does not grow with the picture; where tiles lie, and work on them.

A function of a local neighbourhood gets each tile with a margin as wide as it reaches, and so gives what it would have
given on the whole map. Units are blocks of 16 pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

CODING_TILE = 96  # blocks to a side that are entropy-coded on their own; bounds memory for under 0.5 % of the bits
PIXEL_TILE = 48  # blocks to a side that are rendered at once; any number gives the same pixels

Shape = tuple[int, int]  # rows and columns of blocks


class Tile(NamedTuple):
    """A rectangle of a map."""

    rows: slice
    columns: slice

    @property
    def shape(self) -> Shape:
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    def pixels(self, unit: int) -> Tile:
        """The same rectangle where a block measures `unit`."""
        return Tile(*(slice(span.start * unit, span.stop * unit) for span in self))


def spans(length: int, size: int) -> list[slice]:
    """Cut 0..length into the fewest parts of at most `size`, the last one smaller than the others if need be."""
    part = -(-length // -(-length // size))
    return [slice(start, min(length, start + part)) for start in range(0, length, part)]


def split(shape: Shape, size: int) -> list[Tile]:
    """The tiles of a map in raster order."""
    return [Tile(rows, columns) for rows in spans(shape[0], size) for columns in spans(shape[1], size)]


def middle(shape: Shape, size: int) -> Tile:
    """The tile in the middle of a map, of at most `size` blocks to a side."""
    first = [max(0, (length - size) // 2) for length in shape]
    return Tile(*(slice(at, min(at + size, length)) for at, length in zip(first, shape, strict=True)))


def on_tile(function: Callable[..., Tensor], maps: Sequence[Tensor], shape: Shape, tile: Tile, margin: int) -> Tensor:
    """The part of function(*maps) that belongs to `tile`.

    The maps [N, C, H, W] show the same `shape` (h, w) of blocks, each in its own resolution, as does the result.
    """
    around = Tile(*(slice(max(0, s.start - margin), min(n, s.stop + margin)) for s, n in zip(tile, shape, strict=True)))
    out = function(*(window(x, around, x.shape[2] // shape[0]) for x in maps))
    inside = Tile(*(slice(s.start - a.start, s.stop - a.start) for s, a in zip(tile, around, strict=True)))
    return window(out, inside, out.shape[2] // around.shape[0])


def window(x: Tensor, tile: Tile, unit: int) -> Tensor:
    """What a map [N, C, H, W] shows of a tile, where a block measures `unit`."""
    return x[(..., *tile.pixels(unit))]


def in_tiles(
    function: Callable[..., Tensor],
    maps: Sequence[Tensor],
    shape: Shape,
    margin: int,
    size: int | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """function(*maps), made tile by tile and written to `out`, if that is given; see `on_tile`.

    `out` may be one of the maps if what becomes of a block does not depend on that map's blocks around it.
    """
    for tile in split(shape, size or PIXEL_TILE):
        part = on_tile(function, maps, shape, tile, margin)
        if out is None and tile.shape == shape:
            return part
        unit = part.shape[2] // tile.shape[0]
        if out is None:
            out = part.new_empty((*part.shape[:2], shape[0] * unit, shape[1] * unit))
        window(out, tile, unit).copy_(part)
    assert out is not None  # a map has a block at least
    return out

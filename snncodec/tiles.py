"""Large maps in tiles, so that memory does not grow with the picture: where tiles lie, and functions run tile by tile.

A function of a local neighbourhood gets each tile with a margin as wide as it reaches, and so gives what it would have
given on the whole map. Units are blocks of 16 pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

TILE = 64  # blocks to a side, at most


class Tile(NamedTuple):
    """A rectangle of a map."""

    rows: slice
    columns: slice


def spans(length: int, size: int = TILE) -> list[slice]:
    """Cut 0..length into the fewest parts of at most `size`, the last one smaller than the others if need be."""
    part = -(-length // -(-length // size))
    return [slice(start, min(length, start + part)) for start in range(0, length, part)]


def split(height: int, width: int, size: int = TILE) -> list[Tile]:
    """The tiles of a map in raster order."""
    return [Tile(rows, columns) for rows in spans(height, size) for columns in spans(width, size)]


def on_tile(function: Callable[[Tensor], Tensor], x: Tensor, tile: Tile, margin: int, unit: int = 1) -> Tensor:
    """The part of function(x) [N, C, H, W] that belongs to `tile`.

    A block measures `unit` in x; in what `function` returns it may measure something else.
    """
    around, inside = [], []
    for span, length in zip(tile, (x.shape[2] // unit, x.shape[3] // unit), strict=True):
        first, last = max(0, span.start - margin), min(length, span.stop + margin)
        around.append((first * unit, last * unit, last - first))
        inside.append((span.start - first, span.stop - first))
    (top, bottom, rows), (left, right, _) = around
    out = function(x[:, :, top:bottom, left:right])
    scale = out.shape[2] // rows
    return out[(..., *(slice(start * scale, stop * scale) for start, stop in inside))]


def in_tiles(function: Callable[[Tensor], Tensor], x: Tensor, margin: int, unit: int = 1, size: int = TILE) -> Tensor:
    """function(x), made tile by tile; see `on_tile`."""
    height, width = x.shape[2] // unit, x.shape[3] // unit
    rows = [
        torch.cat([on_tile(function, x, Tile(r, c), margin, unit) for c in spans(width, size)], dim=3)
        for r in spans(height, size)
    ]
    return torch.cat(rows, dim=2)

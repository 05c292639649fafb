"""Run a function of a local neighbourhood over a large map in tiles, so that memory does not grow with the picture.

Each tile brings a margin as wide as the function reaches, so the result is the one of the whole map.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

TILE = 64  # blocks of 16 pixels to a side


def in_tiles(function: Callable[[Tensor], Tensor], x: Tensor, unit: int, margin: int, tile: int = TILE) -> Tensor:
    """function(x), made tile by tile.

    x [N, C, H, W] is cut at multiples of `unit` (its size of a block); `margin` and `tile` count blocks. What
    `function` returns may have another resolution and number of channels.
    """
    height, width = x.shape[2] // unit, x.shape[3] // unit
    rows = []
    for top in range(0, height, tile):
        row = []
        for left in range(0, width, tile):
            first, last = max(0, top - margin), min(height, top + tile + margin)
            start, stop = max(0, left - margin), min(width, left + tile + margin)
            out = function(x[:, :, first * unit : last * unit, start * unit : stop * unit])
            scale = out.shape[2] // (last - first)
            down, right = (top - first) * scale, (left - start) * scale
            size = min(tile, height - top) * scale, min(tile, width - left) * scale
            row.append(out[:, :, down : down + size[0], right : right + size[1]])
        rows.append(torch.cat(row, dim=3))
    return torch.cat(rows, dim=2)

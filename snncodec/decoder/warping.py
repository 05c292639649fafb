"""Normative. What the left view predicts of the right one: decoded pixels moved by a displacement field, in integers.

Blocks overlap: each is moved with a margin that fades into its neighbours (overlapped block motion compensation:
Orchard and Sullivan, IEEE TIP 1994), because edges between blocks that move differently are expensive to code.
All numbers on the way are integers below 2**24, which float32 holds exactly.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from snncodec.constants import BLOCK
from snncodec.decoder.patches import Patches
from snncodec.decoder.tiling import Tile, split
from snncodec.stopwatch import timed

SUBPIXELS = 4  # displacements are in quarter pixels
KERNELS = (  # of interpolation at no, one, two and three quarters of a pixel, in 1/128; their numbers are in files
    ((0, 128, 0, 0), (-9, 111, 29, -3), (-8, 72, 72, -8), (-3, 29, 111, -9)),  # 0: Catmull-Rom (Keys 1981, a = -1/2)
    ((128, 0), (96, 32), (64, 64), (32, 96)),  # 1: linear; where views are noisy or differ in sharpness
    ((0, 0, 128, 0, 0, 0), (4, -17, 114, 35, -9, 1), (3, -17, 78, 78, -17, 3), (1, -9, 35, 114, -17, 4)),  # 2: Lanczos
    ((21, 86, 21, 0), (10, 78, 39, 1), (4, 60, 60, 4), (1, 39, 78, 10)),  # 3: Gaussian of 0.6 pixels; noise, bad focus
    ((4, 30, 60, 30, 4, 0), (2, 20, 58, 41, 7, 0), (1, 13, 50, 50, 13, 1), (0, 7, 41, 58, 20, 2)),  # 4: of 0.85 pixels
    (  # 5: of 1.2 pixels
        (2, 11, 30, 42, 30, 11, 2, 0),
        (1, 7, 25, 42, 35, 15, 3, 0),
        (1, 5, 19, 39, 39, 19, 5, 1),
        (0, 3, 15, 35, 42, 25, 7, 1),
    ),
    (  # 6: of 2 pixels
        (1, 3, 8, 16, 23, 26, 23, 16, 8, 3, 1, 0),
        (1, 3, 7, 14, 21, 25, 24, 17, 10, 4, 2, 0),
        (1, 2, 5, 12, 19, 25, 25, 19, 12, 5, 2, 1),
        (0, 2, 4, 10, 17, 24, 25, 21, 14, 7, 3, 1),
    ),
)
FADE = (1, 3, 5, 7, 9, 11, 13, 15)  # sixteenths, across the border of a block
MARGIN = len(FADE) // 2
TILE = 32  # blocks to a side that are moved at once; bounds memory, any number gives the same pixels


@timed("warp")
def warp(left: Tensor, displacements: Tensor, kernel: int, part: Tile | None = None) -> Tensor:
    """Move `left` (uint8 [3, 16 h, 16 w]) by `displacements` (int64 [2, h, w]: columns and rows in quarter pixels).

    Returns uint8 pixels of the whole view, or of the blocks of `part`. `kernel` is one of `KERNELS`, for rows and
    columns; pixels outside the view count as those of its border.
    """
    filters = interpolation_matrices(kernel, BLOCK + 2 * MARGIN, left.device)
    ring = F.pad(displacements[None].double(), (1, 1, 1, 1), mode="replicate")[0].long()  # torch pads floats only
    part = part or Tile(*(slice(0, length) for length in displacements.shape[1:]))
    moved = left.new_empty((len(left), *(length * BLOCK for length in part.shape)))
    patches = Patches(left, filters.shape[2])
    for tile in split(part.shape, TILE):
        place = Tile(*(slice(p.start + t.start, p.start + t.stop) for p, t in zip(part, tile, strict=True)))
        around = ring[:, place.rows.start : place.rows.stop + 2, place.columns.start : place.columns.stop + 2]
        moved[:, *tile.pixels(BLOCK)] = _warp_tile(patches, around, filters, place)
    return moved


def _warp_tile(left: Patches, ring: Tensor, filters: Tensor, tile: Tile) -> Tensor:
    """The pixels of a tile, of which the displacements [2, rows + 2, columns + 2] are those of it and around it."""
    before = MARGIN + (filters.shape[2] - filters.shape[1]) // 2
    first_row, first_column = (
        (torch.arange(n, device=ring.device) - 1 + span.start) * BLOCK - before
        for n, span in zip(ring.shape[1:], tile, strict=True)
    )
    rows, columns = first_row[:, None] + (ring[1] >> 2), first_column + (ring[0] >> 2)
    patches = left.at(rows.flatten(), columns.flatten()).float()  # [3, h * w, 24 + taps - 1, 24 + taps - 1]
    across, down = (filters.index_select(0, fractions.flatten() & 3) for fractions in ring)
    patches = down @ patches @ across.mT  # 14 bits of fraction
    patches = patches.mul_(2**-8).add_(0.5).floor_()  # 6 of them are kept, and two fades add 8
    patches = patches.unflatten(1, ring.shape[1:])
    for _ in range(2):  # down the columns of the blocks, then along their rows
        patches = overlap(patches).permute(0, 2, 1, 4, 3)
    pixels = patches.mul_(2**-14).add_(0.5).floor_().clamp_(0, 255).to(torch.uint8)
    return pixels.permute(0, 1, 3, 2, 4).flatten(3, 4).flatten(1, 2)


def interpolation_matrices(kernel: int, size: int, device: torch.device) -> Tensor:
    """What `size` pixels in a row are, in 1/128, of the `size` + taps - 1 around them: [4, size, size + taps - 1]."""
    taps = torch.tensor(KERNELS[kernel], dtype=torch.float32, device=device)
    eye = torch.eye(size, dtype=torch.float32, device=device)
    shifts = torch.stack([F.pad(eye, (i, taps.shape[1] - 1 - i)) for i in range(taps.shape[1])])
    return torch.tensordot(taps, shifts, 1)


def overlap(patches: Tensor) -> Tensor:
    """Blend blocks [C, h + 2, w, 24, X] with those above and below: [C, h, w, 16, X], 16 times as large."""
    fade = torch.tensor(FADE, dtype=patches.dtype, device=patches.device).view(-1, 1)
    own, above, below = patches[:, 1:-1], patches[:, :-2], patches[:, 2:]
    upper = own[..., MARGIN : 2 * MARGIN, :] * fade[MARGIN:] + above[..., -MARGIN:, :] * fade[:MARGIN].flip(0)
    lower = own[..., -2 * MARGIN : -MARGIN, :] * fade[MARGIN:].flip(0) + below[..., :MARGIN, :] * fade[:MARGIN]
    return torch.cat([upper, own[..., 2 * MARGIN : -2 * MARGIN, :] * 16, lower], dim=-2)

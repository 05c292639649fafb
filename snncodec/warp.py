"""What the left view predicts of the right one: decoded pixels moved by a displacement field, in integers.

Blocks overlap: each is moved with a margin that fades into its neighbours (overlapped block motion compensation:
Orchard and Sullivan, IEEE TIP 1994), because edges between blocks that move differently are expensive to code.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from snncodec.config import BLOCK
from snncodec.tiles import split

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
)
FADE = (1, 3, 5, 7, 9, 11, 13, 15)  # sixteenths, across the border of a block
MARGIN = len(FADE) // 2
BLOCKS_AT_ONCE = 32  # to a side; bounds memory


def warp(left: Tensor, field: Tensor, kernel: int = 0) -> Tensor:
    """Move `left` (uint8 [C, 16 h, 16 w]) by `field` (int64 [3, h, w]: columns and rows in quarter pixels; matched).

    Returns uint8 [C + 1, 16 h, 16 w]; the last channel is 1 in blocks that are matched and 0 elsewhere. `kernel` is one
    of `KERNELS`, for rows and columns; pixels outside the view count as those of its border.
    """
    taps = torch.tensor(KERNELS[kernel], dtype=torch.int32, device=left.device)
    ring = F.pad(field[None, :2].double(), (1, 1, 1, 1), mode="replicate")[0].long()  # torch pads floats only
    pixels = left.new_empty((len(left), field.shape[1] * BLOCK, field.shape[2] * BLOCK))
    for rows, columns in split(*field.shape[1:], BLOCKS_AT_ONCE):
        part = ring[:, rows.start : rows.stop + 2, columns.start : columns.stop + 2]
        moved = _warp_part(left, part, taps, rows.start, columns.start)
        pixels[:, rows.start * BLOCK : rows.stop * BLOCK, columns.start * BLOCK : columns.stop * BLOCK] = moved
    matched = field[2:].repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2).to(torch.uint8)
    return torch.cat([pixels, matched])


def _warp_part(left: Tensor, ring: Tensor, taps: Tensor, first_row: int, first_column: int) -> Tensor:
    """Some blocks, of which the first is given, moved by the displacements [2, rows + 2, columns + 2] around them."""
    size, (height, width) = BLOCK + 2 * MARGIN, ring.shape[1:]
    half = taps.shape[1] // 2
    reach = torch.arange(1 - half - MARGIN, BLOCK + MARGIN + half, device=left.device)
    columns = (torch.arange(width, device=left.device) - 1 + first_column) * BLOCK + (ring[0] >> 2)
    rows = ((torch.arange(height, device=left.device) - 1 + first_row) * BLOCK)[:, None] + (ring[1] >> 2)
    columns = (columns[..., None] + reach).clamp(0, left.shape[2] - 1)[..., None, :]
    rows = (rows[..., None] + reach).clamp(0, left.shape[1] - 1)[..., :, None]
    patches = left[:, rows, columns].int()  # [C, h, w, 24 + 2 half - 1, 24 + 2 half - 1]
    for component in (0, 1):  # along rows, then along columns
        weights = taps[ring[component] & 3][..., None, None].unbind(2)
        patches = sum(weight * patches[..., i : i + size] for i, weight in enumerate(weights)).transpose(3, 4)
    patches = (patches + 2**5) >> 6  # two taps' units of 1/128 each: 14 bits of fraction become 8, then two fades add 8
    for _ in range(2):  # down the columns of the blocks, then along their rows
        patches = overlap(patches).permute(0, 2, 1, 4, 3)
    pixels = ((patches + 2**15) >> 16).clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 1, 3, 2, 4).flatten(3, 4).flatten(1, 2)


def overlap(patches: Tensor) -> Tensor:
    """Blend blocks [C, h + 2, w, 24, X] with those above and below: [C, h, w, 16, X], 16 times as large."""
    fade = torch.tensor(FADE, dtype=patches.dtype, device=patches.device).view(-1, 1)
    own, above, below = patches[:, 1:-1], patches[:, :-2], patches[:, 2:]
    upper = own[..., MARGIN : 2 * MARGIN, :] * fade[MARGIN:] + above[..., -MARGIN:, :] * fade[:MARGIN].flip(0)
    lower = own[..., -2 * MARGIN : -MARGIN, :] * fade[MARGIN:].flip(0) + below[..., :MARGIN, :] * fade[:MARGIN]
    return torch.cat([upper, own[..., 2 * MARGIN : -2 * MARGIN, :] * 16, lower], dim=-2)

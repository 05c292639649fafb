"""Where each block of the right view is to be found in the left one: two pictures in, a field of displacements out.

Only the encoder estimates, in ordinary floating point; what it finds is coded losslessly. Search on shrunken views,
smoothed by semi-global matching of blocks (Hirschmueller, "Stereo Processing by Semiglobal Matching and Mutual
Information", IEEE TPAMI 2008), then refinement to quarter pixels. Views are compared by luma less its local mean, so
exposure may differ; blocks may also move by a few rows. It knows nothing of models.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from snncodec.config import BLOCK
from snncodec.tiles import spans
from snncodec.transforms import local_mean

QUARTERS = 4  # displacements are whole numbers of quarter pixels
REACH = 256  # pixels searched to the right; half as many to the left
SEARCH_PIXELS = 600_000  # views are halved until they have no more
LARGEST_ERROR = 40.0  # grey levels at which a difference counts no more: occlusions must not decide
SMALL_JUMP, LARGE_JUMP = 1.0, 4.0  # what neighbours pay in grey levels for differing by one search step, or by more
BIT_PRICE, STEP_PRICE = 0.02, 0.003  # mean error of a block, in grey levels, that is worth a bit; and per step
LEAST_GAIN = 0.2  # part of the right view's contrast that a field must predict: pairs 0.37-0.68, strangers 0.02-0.16
ROWS_AT_ONCE = 16  # rows of blocks compared at once; bounds memory, and what is compared stays in the cache
ROUNDS = (  # (size of a step in quarter pixels, (columns, rows) tried around the current place)
    (4, ((-2, 0), (-1, 0), (0, 0), (1, 0), (2, 0))),
    (4, ((0, -2), (0, -1), (0, 0), (0, 1), (0, 2), (-1, 0), (1, 0))),
    (2, ((-1, 0), (0, 0), (1, 0), (0, -1), (0, 1))),
    (1, ((-1, 0), (0, 0), (1, 0), (0, -1), (0, 1))),
    (1, ((0, 0),)),
    (1, ((0, 0),)),
)


def estimate(left: np.ndarray, right: np.ndarray, step: float) -> np.ndarray | None:
    """`displacements`, or None where the views have so little in common that a field would not pay."""
    views = contrast(left), contrast(right)
    field = match(*views, step)
    alone = activity(views[1])
    gained = (alone - block_errors(*views, field)).clamp(min=0).sum()
    return field.long().numpy() if gained > LEAST_GAIN * alone.sum() else None


def displacements(left: np.ndarray, right: np.ndarray, step: float) -> np.ndarray:
    """The field int64 [2, h, w] (columns, rows; quarter pixels) that moves blocks of `left` onto those of `right`.

    `left`, `right`: uint8 [H, W, 3]; a pixel at column x of `right` lies at x + columns / 4 of `left`. The coarser the
    quantisation `step`, the smoother the field, because bits for it are then worth more than what it predicts.
    """
    return match(contrast(left), contrast(right), step).long().numpy()


@torch.no_grad()
def match(left: Tensor, right: Tensor, step: float) -> Tensor:
    """The field, float [2, h, w], between two contrasts."""
    columns = search(left, right)
    return refine(left, right, torch.stack([columns, torch.zeros_like(columns)]), step)


def contrast(view: np.ndarray) -> Tensor:
    """Luma less its mean over 17 x 17 pixels, [1, 1, H, W], padded to whole blocks."""
    padding = (0, -view.shape[0] % BLOCK), (0, -view.shape[1] % BLOCK)
    luma = torch.from_numpy(np.pad(view.mean(2, dtype=np.float32), padding, mode="edge"))[None, None]
    return luma - local_mean(luma)


def search(left: Tensor, right: Tensor) -> Tensor:
    """Displacements along rows [h, w] in quarter pixels, on shrunken views."""
    factor = 2
    while right[0, 0].numel() // factor**2 > SEARCH_PIXELS and factor < BLOCK // 2:
        factor *= 2
    left, right = F.avg_pool2d(left, factor), F.avg_pool2d(right, factor)
    width = right.shape[3]
    after = min(REACH // factor, width)
    before = after // 2
    wide = F.pad(left, (before, after, 0, 0), mode="replicate")
    errors = [(right - wide[..., d : d + width]).abs().clamp(max=LARGEST_ERROR) for d in range(before + after + 1)]
    costs = torch.cat([F.avg_pool2d(error, BLOCK // factor)[0] for error in errors])
    return (smooth(costs).argmin(0) - before) * float(factor * QUARTERS)


def smooth(costs: Tensor) -> Tensor:
    """Matching costs [D, h, w] with those of the best paths that lead to them from four sides added up."""
    total = torch.zeros_like(costs)
    for dim in (1, 2):
        for backwards in (False, True):
            lines = costs.flip(dim).unbind(dim) if backwards else costs.unbind(dim)
            paths = [lines[0]]
            for line in lines[1:]:
                last, least = paths[-1], paths[-1].amin(0)
                beside = F.pad(last[None], (0, 0, 1, 1), value=torch.inf)[0]
                near = torch.minimum(beside[:-2], beside[2:]) + SMALL_JUMP
                paths.append(line + torch.minimum(torch.minimum(last, near), least + LARGE_JUMP) - least)
            stacked = torch.stack(paths, dim)
            total += stacked.flip(dim) if backwards else stacked
    return total


def refine(left: Tensor, right: Tensor, field: Tensor, step: float) -> Tensor:
    """The field [2, h, w] moved in steps down to a quarter pixel where that makes views alike, or neighbours equal."""
    price, alone = BIT_PRICE + STEP_PRICE * step, activity(right)
    for size, moves in ROUNDS:
        around = neighbours(field)
        middle = around.median(0).values
        tried = [field + size * torch.tensor(move).view(2, 1, 1) for move in moves]
        tried += [middle, *around] if len(moves) == 1 else [middle]
        costs = []
        for candidate in tried:
            bits = 2 * (1 + (candidate - middle).abs()).log2().sum(0)
            costs.append(torch.minimum(block_errors(left, right, candidate), alone) + price * bits)
        best = torch.stack(costs).argmin(0)
        field = torch.stack(tried).gather(0, best.expand(1, 2, *best.shape))[0]
    return field


def activity(right: Tensor) -> Tensor:
    """What a block's mean error would be without any prediction [h, w]; a worse one is none, and says nothing."""
    return F.avg_pool2d(right.abs().clamp(max=LARGEST_ERROR), BLOCK)[0, 0]


def neighbours(field: Tensor) -> Tensor:
    """What stands left, above, right, below and in each block of a field [2, h, w], as [5, 2, h, w]."""
    wide = F.pad(field[None], (1, 1, 1, 1), mode="replicate")[0]
    height, width = field.shape[1:]
    places = ((1, 0), (0, 1), (1, 2), (2, 1), (1, 1))
    return torch.stack([wide[:, row : row + height, column : column + width] for row, column in places])


def block_errors(left: Tensor, right: Tensor, field: Tensor) -> Tensor:
    """Mean difference of every block [h, w] between `right` and `left` moved by a field, both [1, 1, H, W]."""
    parts = []
    for rows in spans(field.shape[1], ROWS_AT_ONCE):
        there = right[:, :, rows.start * BLOCK : rows.stop * BLOCK]
        error = (sample(left, field[:, rows], rows.start) - there).abs().clamp(max=LARGEST_ERROR)
        parts.append(F.avg_pool2d(error, BLOCK)[0, 0])
    return torch.cat(parts)


def sample(left: Tensor, field: Tensor, first: int = 0) -> Tensor:
    """`left` [1, 1, H, W] moved by rows of a field [2, h, w] that begin with block row `first`; bilinear."""
    height, width = left.shape[2:]
    columns, rows = (field / QUARTERS).repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2)
    x = (columns + torch.arange(width)) * (2 / (width - 1)) - 1
    y = (rows + torch.arange(len(rows))[:, None] + first * BLOCK) * (2 / (height - 1)) - 1
    return F.grid_sample(left, torch.stack([x, y], -1)[None], padding_mode="border", align_corners=True)

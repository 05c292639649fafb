"""Where each block of the right view roughly is in the left one, by search on shrunken views.

Views are compared by luma less its local mean, so exposure may differ, and neighbours are made to agree by semi-global
matching (Hirschmueller, "Stereo Processing by Semiglobal Matching and Mutual Information", IEEE TPAMI 2008).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from snncodec.constants import BLOCK
from snncodec.decoder.warping import SUBPIXELS
from snncodec.model.local_contrast import local_mean

REACH = 256  # pixels searched to the right; half as many to the left
SEARCH_PIXELS = 600_000  # views are halved until they have no more
LARGEST_ERROR = 40.0  # grey levels at which a difference counts no more: occlusions must not decide
SMALL_JUMP, LARGE_JUMP = 1.0, 4.0  # what neighbours pay in grey levels for differing by one search step, or by more


def contrast(view: np.ndarray) -> Tensor:
    """Luma less its mean over 17 x 17 pixels, [1, 1, H, W], of uint8 [H, W, 3], padded to whole blocks.

    In floats of 16 bits: those of large views take a lot of memory, and nothing looks closer than at a 16th of a level.
    """
    padding = (0, -view.shape[0] % BLOCK), (0, -view.shape[1] % BLOCK)
    luma = torch.from_numpy(np.pad(view.mean(2, dtype=np.float32), padding, mode="edge"))[None, None]
    return luma.sub_(local_mean(luma)).half()


def match_blocks(left: Tensor, right: Tensor) -> np.ndarray:
    """Displacements along rows, int64 [h, w] in quarter pixels, between two contrasts."""
    factor = 2
    while right[0, 0].numel() // factor**2 > SEARCH_PIXELS and factor < BLOCK // 2:
        factor *= 2
    left, right = F.avg_pool2d(left.float(), factor), F.avg_pool2d(right.float(), factor)
    width = right.shape[3]
    after = min(REACH // factor, width)
    before = after // 2
    wide = F.pad(left, (before, after, 0, 0), mode="replicate")
    shifted = (wide[..., d : d + width] for d in range(before + after + 1))
    errors = ((right - there).abs_().clamp_(max=LARGEST_ERROR) for there in shifted)
    costs = torch.cat([F.avg_pool2d(error, BLOCK // factor)[0] for error in errors])
    return ((aggregate_paths(costs).argmin(0) - before) * factor * SUBPIXELS).numpy()


def aggregate_paths(costs: Tensor) -> Tensor:
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

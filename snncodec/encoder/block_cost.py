"""What blocks of the right view would cost in bits, given blocks of the left one: estimated, not coded.

Luma contrasts are compared in the DCT domain; nothing is known here of fields, networks or tables.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from snncodec.bitstream.block_scan import Blocks
from snncodec.constants import BLOCK
from snncodec.decoder.patches import Patches
from snncodec.decoder.warping import interpolation_matrices

# Rate and distortion of a DCT coefficient of a luma block, r steps large: about 1.65 log2(1 + 7.4 r^2) bits, chroma
# included. It goes like the error of a coefficient that is not coded (8 r^2 bits per channel), then like its logarithm.
LOG_BITS, CURVATURE = 1.65, 7.4
UNMATCHED_PENALTY_BITS = 4.0  # an unmatched block pays for hyper-latents, mean and chroma, which luma does not show
BLOCKS_AT_ONCE = 1024  # that are compared; bounds memory, and what is compared stays in the cache
FARTHEST = 2**15  # quarter pixels that a search never gets to; far more than a displacement field can hold
DCT = np.cos(np.pi / BLOCK * np.arange(BLOCK)[:, None] * (np.arange(BLOCK) + 0.5)) * (2 / BLOCK) ** 0.5
DCT[0] /= 2**0.5


class BlockCost:
    """Bits, distortion included, of the blocks of a right contrast [1, 1, H, W] given those of a left one.

    The latter are displaced and interpolated with one of `warping.KERNELS`, as the decoder does.
    """

    def __init__(self, left: Tensor, right: Tensor, step: float, kernel: int) -> None:
        dct = torch.from_numpy(DCT).float() * (math.sqrt(3) / step) ** 0.5  # luma to that of an orthonormal transform
        filters = interpolation_matrices(kernel, BLOCK, torch.device("cpu")) / 128
        self.transforms = dct @ filters  # [4, 16, 16 + taps - 1], one for each displacement
        self.left = Patches(left[0], filters.shape[2])
        blocks = right[0, 0].unflatten(1, (-1, BLOCK)).unflatten(0, (-1, BLOCK)).transpose(1, 2)
        self.right = torch.empty_like(blocks, dtype=torch.float32)  # coefficients, made row by row: views may be large
        for row, coefficients in zip(blocks, self.right, strict=True):
            coefficients.copy_(dct @ row.float() @ dct.T)
        bits = torch.stack([residual_bits(row) for row in self.right])
        self.unmatched = (bits + UNMATCHED_PENALTY_BITS).numpy()  # [h, w], without the left view
        self.dims = *self.unmatched.shape, 2 * FARTHEST, 2 * FARTHEST
        self.asked = np.array([np.iinfo(np.int64).max])  # sorted; the last one is no question
        self.answers = np.zeros(1)

    def matched(self, blocks: Blocks, tried: np.ndarray) -> np.ndarray:
        """Bits [K, blocks] of blocks, each with K displacements to try, int64 [K, 2, blocks].

        Most of them are tried again and again: what was measured once is kept.
        """
        components = np.broadcast_arrays(*blocks, *(tried + FARTHEST).swapaxes(0, 1))
        questions = np.ravel_multi_index(components, self.dims)
        distinct = np.unique(questions)
        places = np.searchsorted(self.asked, distinct)
        new = self.asked[places] != distinct
        rows, columns, *displacements = np.unravel_index(distinct[new], self.dims)
        measured = self._measure(np.stack([rows, columns, *(d - FARTHEST for d in displacements)]))
        self.asked = np.insert(self.asked, places[new], distinct[new])
        self.answers = np.insert(self.answers, places[new], measured)
        return self.answers[np.searchsorted(self.asked, questions)]

    def _measure(self, tried: np.ndarray) -> np.ndarray:
        """Bits [n] of n blocks with a displacement each: rows, columns and the two components, int64 [4, n]."""
        costs = []
        for rows, columns, across, down in torch.from_numpy(tried).split(BLOCKS_AT_ONCE, dim=1):
            costs.append(residual_bits(self.right[rows, columns] - self._transform(rows, columns, across, down)))
        return torch.cat(costs).numpy()

    def _transform(self, rows: Tensor, columns: Tensor, across: Tensor, down: Tensor) -> Tensor:
        """Coefficients [n, 16, 16] of displaced blocks of the left view, interpolated as `warp` does."""
        before = (self.transforms.shape[2] - BLOCK) // 2
        patches = self.left.at(rows * BLOCK + (down >> 2) - before, columns * BLOCK + (across >> 2) - before)[0]
        vertical, horizontal = (self.transforms.index_select(0, fractions & 3) for fractions in (down, across))
        return vertical @ patches.float() @ horizontal.mT


def residual_bits(coefficients: Tensor) -> Tensor:
    """Bits of residual blocks, given as coefficients of luma in steps [..., 16, 16]."""
    return LOG_BITS * coefficient_bits(coefficients).sum((-2, -1))


def coefficient_bits(coefficients: Tensor) -> Tensor:
    """About what coefficients of any shape, in steps, cost in bits, distortion included."""
    return coefficients.square().mul_(CURVATURE).add_(1).log2_()

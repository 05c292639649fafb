"""Which block of the left view each block of the right one is coded with: two pictures in, a displacement field out.

Only the encoder estimates, in ordinary floating point; what it finds is coded losslessly. `matching.search` gives a
first field. It is refined to quarter pixels and a few rows up or down, so that the bits of the field and those of what
it leaves to be coded are least together (rate-distortion optimised motion estimation: Sullivan and Wiegand,
"Rate-Distortion Optimization for Video Compression", IEEE Signal Processing Magazine 1998).
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from snncodec.config import BLOCK
from snncodec.field import Cells, Guess, walk
from snncodec.matching import contrast, search
from snncodec.warp import KERNELS

# Rate and distortion of a DCT coefficient of a luma block, r steps large: about 1.65 log2(1 + 7.4 r^2) bits, chroma
# included. It goes like the error of a coefficient that is not coded (8 r^2 bits per channel), then like its logarithm.
BITS, CURVE = 1.65, 7.4
UNITS = (1, 2, 4)  # of displacements, in quarter pixels
LOST = 4.0  # bits that an unmatched block pays for hyper-latents, mean and chroma, which luma contrast does not show
BLOCKS_AT_ONCE = 1024  # that are compared; bounds memory, and what is compared stays in the cache
FARTHEST = 2**15  # quarter pixels that the search never gets to; far more than `field` can hold
PASSES = 4  # in which a field settles: the first two save most
APART = 4.0  # bits that a first refinement sees in every doubling of what a component is apart from its surroundings
MOVING = 4.0  # bits that a move of one unit must save: small gains are lost again where fields become irregular
COARSE_PRICE = 0.3  # weight of a displacement's own bits where it predicts others as well
ROUNDS = (  # (size of a step in quarter pixels, (columns, rows) tried around the current place)
    (4, ((-2, 0), (-1, 0), (0, 0), (1, 0), (2, 0))),
    (4, ((0, -2), (0, -1), (0, 0), (0, 1), (0, 2), (-1, 0), (1, 0))),
    (2, ((-1, 0), (0, 0), (1, 0), (0, -1), (0, 1))),
    (1, ((-1, 0), (0, 0), (1, 0), (0, -1), (0, 1))),
)
NEARBY = ((0, 0), (-4, 0), (-2, 0), (-1, 0), (1, 0), (2, 0), (4, 0), (0, -1), (0, 1))  # of a prediction, in quarters
SIDES = ((-1, 0), (0, -1), (1, 0), (0, 1))
LEAST_SHARE = 0.025  # of the bits of the right view that a field must save: pairs 0.03-0.64, strangers under 0.025
DCT = np.cos(np.pi / BLOCK * np.arange(BLOCK)[:, None] * (np.arange(BLOCK) + 0.5)) * (2 / BLOCK) ** 0.5
DCT[0] /= 2**0.5


def estimate(
    left: np.ndarray, right: np.ndarray, step: float, kernel: int = 0, share: float = LEAST_SHARE
) -> np.ndarray:
    """The field int64 [3, h, w] (columns, rows; quarter pixels; matched or not) from blocks of `right` to `left`.

    `left`, `right`: uint8 [H, W, 3]; a pixel at column x of `right` lies at x + columns / 4 of `left`. The coarser
    the quantisation `step`, the more a field must predict to be worth its bits; where none is, or none saves
    `share` of the bits, no block is matched. All displacements are multiples of one of `UNITS`, where coarse ones
    save more bits than they cost (as adaptive motion vector resolution does in VVC: Chien et al., IEEE TCSVT 2021).
    """
    with torch.inference_mode(), torch.device("cpu"):  # whatever device is the default
        views = contrast(left), contrast(right)
        matcher, columns = Matcher(*views, step, kernel), search(*views)
        field = refine(matcher, torch.stack([columns, torch.zeros_like(columns)])).numpy()
        least = math.inf
        for unit in UNITS:
            for _ in range(PASSES):
                field, bits = settle(matcher, field[:2], unit)
            if bits >= least:
                break
            best, least = field, bits
        best[2] *= least < (1 - share) * float(matcher.alone.sum())
        return best


class Matcher:
    """What blocks of a right view [H, W] cost in bits, distortion included, given those of a left one.

    The latter are interpolated with one of `warp.KERNELS`.
    """

    def __init__(self, left: Tensor, right: Tensor, step: float, kernel: int = 0) -> None:
        self.left = left[0, 0]
        dct = torch.from_numpy(DCT).float() * (math.sqrt(3) / step) ** 0.5  # luma to that of an orthonormal transform
        taps = torch.tensor(KERNELS[kernel]) / 128
        shifts = torch.stack([F.pad(torch.eye(BLOCK), (i, taps.shape[1] - 1 - i)) for i in range(taps.shape[1])])
        self.transforms = dct @ torch.tensordot(taps, shifts, 1)  # [4, 16, 16 + taps - 1], one for each displacement
        self.right = dct @ right[0, 0].unflatten(1, (-1, BLOCK)).unflatten(0, (-1, BLOCK)).transpose(1, 2) @ dct.T
        self.alone = bits(self.right) + LOST  # [h, w], without the left view
        self.dims = *self.alone.shape, 2 * FARTHEST, 2 * FARTHEST
        self.asked = np.array([np.iinfo(np.int64).max])  # sorted; the last one is no question
        self.answers = np.zeros(1)

    def costs(self, cells: Cells, tried: np.ndarray) -> np.ndarray:
        """Bits [K, cells] of blocks, each with K displacements to try, int64 [K, 2, cells].

        Most of them are tried again and again: what was measured once is kept.
        """
        questions = np.broadcast_arrays(*cells, *(tried + FARTHEST).swapaxes(0, 1))
        questions = np.ravel_multi_index(questions, self.dims)
        distinct = np.unique(questions)
        places = np.searchsorted(self.asked, distinct)
        new = self.asked[places] != distinct
        rows, columns, *displacements = np.unravel_index(distinct[new], self.dims)
        measured = self.measure(rows, columns, np.stack(displacements) - FARTHEST)
        self.asked = np.insert(self.asked, places[new], distinct[new])
        self.answers = np.insert(self.answers, places[new], measured)
        return self.answers[np.searchsorted(self.asked, questions)]

    def measure(self, rows: np.ndarray, columns: np.ndarray, displacements: np.ndarray) -> np.ndarray:
        """Bits [n] of n blocks with a displacement each, int64 [2, n]."""
        tried, costs = torch.from_numpy(np.stack([rows, columns, *displacements])), []
        for rows, columns, *displacements in tried.split(BLOCKS_AT_ONCE, dim=1):
            costs.append(bits(self.right[rows, columns] - self.transform(rows, columns, *displacements)))
        return torch.cat(costs).numpy()

    def transform(self, rows: Tensor, columns: Tensor, across: Tensor, down: Tensor) -> Tensor:
        """Coefficients [n, 16, 16] of displaced blocks of the left view, interpolated as `warp` does."""
        (height, width), size = self.left.shape, self.transforms.shape[2]
        reach = torch.arange(size) - (size - BLOCK) // 2
        x = ((columns * BLOCK + (across >> 2))[:, None] + reach).clamp(0, width - 1)
        y = ((rows * BLOCK + (down >> 2))[:, None] + reach).clamp(0, height - 1)
        patches = self.left.flatten()[y[:, :, None] * width + x[:, None, :]]
        return self.transforms[down & 3] @ patches @ self.transforms[across & 3].mT


def bits(coefficients: Tensor) -> Tensor:
    """Bits of residual blocks, given as coefficients in steps [..., 16, 16]."""
    return BITS * torch.log2(1 + CURVE * coefficients.square()).sum((-2, -1))


def refine(matcher: Matcher, field: Tensor) -> Tensor:
    """Displacements int64 [2, h, w] moved in steps down to a quarter pixel where views or neighbours become alike."""
    cells = tuple(np.indices(field.shape[1:]).reshape(2, -1))
    for size, moves in ROUNDS:
        middle = surroundings(field).median(0).values
        tried = torch.stack([middle, *(field + size * torch.tensor(move).view(2, 1, 1) for move in moves)])
        costs = torch.from_numpy(matcher.costs(cells, tried.flatten(2).numpy())).view(-1, *field.shape[1:])
        best = (costs + APART * (1 + (tried - middle).abs()).log2().sum(1)).argmin(0)
        field = tried.gather(0, best.expand(1, 2, *best.shape))[0]
    return field


def surroundings(field: Tensor) -> Tensor:
    """What stands above, left, below, right and in each block of displacements [2, h, w], as [5, 2, h, w]."""
    wide = F.pad(field[None].double(), (1, 1, 1, 1), mode="replicate")[0].long()
    height, width = field.shape[1:]
    places = (*((1 + row, 1 + column) for row, column in SIDES), (1, 1))
    return torch.stack([wide[:, row : row + height, column : column + width] for row, column in places])


def settle(matcher: Matcher, field: np.ndarray, unit: int) -> tuple[np.ndarray, float]:
    """The field [3, h, w] near displacements [2, h, w] that costs least, and what it costs: bits of both.

    It is chosen in the order in which it is coded, in multiples of `unit` quarter pixels.
    """
    field, total = (field + unit // 2) // unit, 0.0

    def choose(guess: Guess) -> np.ndarray:
        nonlocal total
        rows, columns = guess.cells
        current, prediction = field[:, rows, columns], guess.prediction
        tried = [current + np.array(move).reshape(2, 1) for move in SIDES]
        tried += [current, np.stack([current[0], prediction[1]])]
        tried += [prediction + np.array(move).reshape(2, 1) for move in NEARBY]
        for row, column in SIDES:
            there = (rows + row).clip(0, field.shape[1] - 1), (columns + column).clip(0, field.shape[2] - 1)
            tried.append(field[:, *there])
        tried = np.stack(tried)
        costs = matcher.costs(guess.cells, tried * unit)
        costs += guess.bits(tried) * (1 if guess.reach == 1 else COARSE_PRICE)
        costs[: len(SIDES)] += MOVING
        best = costs.argmin(0)
        unmatched, matched = guess.flag_bits() + np.stack([matcher.alone.numpy()[rows, columns], costs.min(0)])
        total += float(np.minimum(matched, unmatched).sum())
        on = matched < unmatched
        chosen = np.take_along_axis(tried, best[None, None], 0)[0]
        return np.concatenate([np.where(on, chosen, prediction), on[None]])

    settled = walk(field.shape[1:], choose)
    settled[:2] *= unit
    return settled, total

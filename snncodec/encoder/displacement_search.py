"""Which block of the left view each block of the right one is coded with: two pictures in, a displacement field out.

`stereo_matching` gives a first field. It is refined to quarter pixels and a few rows up or down, so that the bits of
the field and those of what it leaves to be coded are least together (rate-distortion optimised motion estimation:
Sullivan and Wiegand, "Rate-Distortion Optimization for Video Compression", IEEE Signal Processing Magazine 1998).
Estimates are ordinary floats; what is found is coded losslessly.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import torch

from snncodec.bitstream.block_scan import STRAIGHT
from snncodec.bitstream.displacement_field import BlockContext, DisplacementField, scan_field
from snncodec.constants import EFFORTS
from snncodec.decoder.inter_view import unit_of
from snncodec.encoder.block_cost import BlockCost
from snncodec.encoder.effort import LEVELS, Effort
from snncodec.encoder.stereo_matching import contrast, match_blocks

SMOOTHNESS_BITS = 4.0  # that a first search pays for every doubling of how far a component is from its surroundings
MOVE_PENALTY_BITS = 4.0  # a move of one unit must save as many: small gains are lost where fields become irregular
COARSE_PRICE = 0.3  # weight of a displacement's own bits where it predicts others as well
ROUNDS = (  # (size of a move in quarter pixels, (columns, rows) tried around the current place)
    (4, ((-2, 0), (-1, 0), (0, 0), (1, 0), (2, 0))),
    (4, ((0, -2), (0, -1), (0, 0), (0, 1), (0, 2), (-1, 0), (1, 0))),
    (2, ((-1, 0), (0, 0), (1, 0), (0, -1), (0, 1))),
    (1, ((-1, 0), (0, 0), (1, 0), (0, -1), (0, 1))),
)
NEARBY = ((0, 0), (-4, 0), (-2, 0), (-1, 0), (1, 0), (2, 0), (4, 0), (0, -1), (0, 1))  # of a prediction, in units
LEAST_SHARE = 0.025  # of the right view's bits that a field must save: stereo pairs 0.03-0.64, unrelated ones less


class DisplacementSearch:
    """The search of one pair: what does not depend on the interpolation kernel is computed once."""

    def __init__(self, left: np.ndarray, right: np.ndarray, step: float, effort: Effort = LEVELS[EFFORTS]) -> None:
        """`left`, `right`: uint8 [H, W, 3]; the coarser the quantisation `step`, the more a field must predict."""
        self.step, self.effort = step, effort
        with torch.inference_mode():
            self.contrasts = contrast(left), contrast(right)

    @cached_property
    def first_columns(self) -> np.ndarray:
        """Displacements along rows from matching on shrunken views, int64 [h, w] in quarter pixels."""
        return match_blocks(*self.contrasts)

    def find(
        self, kernel: int = 0, least_share: float = LEAST_SHARE, start: DisplacementField | None = None
    ) -> DisplacementField:
        """The field from blocks of the right view to the left one that costs least, interpolated with `kernel`.

        A pixel at column x of the right view lies at x + columns / 4 of the left. Where no displacement is worth its
        bits, or all together do not save `least_share` of them, no block is matched. All displacements are multiples of
        one of `UNITS`, where coarse ones save more bits than they cost (as adaptive motion vector resolution does in
        VVC: Chien et al., IEEE TCSVT 2021). With `start`, the field is looked for near that one, in its unit.
        """
        with torch.inference_mode():
            cost, least = BlockCost(*self.contrasts, self.step, kernel), math.inf
            units = self.effort.units
            if start is not None:
                displacements, units = start.displacements, (unit_of(start.displacements),)
            else:
                displacements = refine(cost, np.stack([self.first_columns, np.zeros_like(self.first_columns)]))
            for unit in units:
                for _ in range(self.effort.refinements):
                    field, bits = rd_refine_field(cost, displacements, unit)
                    displacements = field.displacements
                if bits >= least:
                    break
                best, least = field, bits
        worth_it = least < (1 - least_share) * float(cost.unmatched.sum())
        return DisplacementField(best.displacements, best.matched & worth_it)


def refine(cost: BlockCost, displacements: np.ndarray) -> np.ndarray:
    """Displacements int64 [2, h, w] moved down to a quarter pixel where views or neighbours become alike."""
    shape = displacements.shape[1:]
    rows, columns = np.indices(shape).reshape(2, -1)
    for size, moves in ROUNDS:
        middle = np.sort(surroundings(displacements), axis=0)[2]
        tried = np.stack([middle, *(displacements + size * np.reshape(move, (2, 1, 1)) for move in moves)])
        bits = cost.matched((rows, columns), tried.reshape(len(tried), 2, -1)).reshape(-1, *shape)
        best = (bits + SMOOTHNESS_BITS * np.log2(1 + np.abs(tried - middle)).sum(1)).argmin(0)
        displacements = np.take_along_axis(tried, best[None, None], 0)[0]
    return displacements


def surroundings(displacements: np.ndarray) -> np.ndarray:
    """What stands above, left, below, right and in each block of displacements [2, h, w], as [5, 2, h, w]."""
    wide, (height, width) = np.pad(displacements, ((0, 0), (1, 1), (1, 1)), mode="edge"), displacements.shape[1:]
    places = (*((1 + row, 1 + column) for row, column in STRAIGHT), (1, 1))
    return np.stack([wide[:, row : row + height, column : column + width] for row, column in places])


def rd_refine_field(cost: BlockCost, displacements: np.ndarray, unit: int) -> tuple[DisplacementField, float]:
    """The field near displacements [2, h, w] that costs least, and what it costs: bits of both.

    It is chosen in the order in which it is coded, in multiples of `unit` quarter pixels.
    """
    current, total = (displacements + unit // 2) // unit, 0.0

    def choose(context: BlockContext) -> tuple[np.ndarray, np.ndarray]:
        nonlocal total
        rows, columns = context.blocks
        tried = candidates(current, context)
        bits = cost.matched(context.blocks, tried * unit)
        bits += context.displacement_bits(tried) * (1 if context.reach == 1 else COARSE_PRICE)
        bits[: len(STRAIGHT)] += MOVE_PENALTY_BITS
        unmatched, matched = context.flag_bits() + np.stack([cost.unmatched[rows, columns], bits.min(0)])
        total += float(np.minimum(matched, unmatched).sum())
        chosen = np.take_along_axis(tried, bits.argmin(0)[None, None], 0)[0]
        return np.where(matched < unmatched, chosen, context.prediction), matched < unmatched

    field = scan_field(displacements.shape[1:], choose)
    return DisplacementField(field.displacements * unit, field.matched), total


def candidates(current: np.ndarray, context: BlockContext) -> np.ndarray:
    """Displacements to try in the blocks of a pass, int64 [K, 2, blocks]; the first four move by one unit."""
    (rows, columns), prediction = context.blocks, context.prediction
    here = current[:, rows, columns]
    tried = [here + np.reshape(move, (2, 1)) for move in STRAIGHT]
    tried += [here, np.stack([here[0], prediction[1]])]
    tried += [prediction + np.reshape(move, (2, 1)) for move in NEARBY]
    for row, column in STRAIGHT:
        there = (rows + row).clip(0, current.shape[1] - 1), (columns + column).clip(0, current.shape[2] - 1)
        tried.append(current[:, *there])
    return np.stack(tried)

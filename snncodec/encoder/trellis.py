"""The symbols of dependently quantised residuals: residuals and tables in, the sequence of least cost out.

A Viterbi search over the states of each machine, all machines side by side. It knows the costs that `rdoq` knows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snncodec.bitstream.dependent_quantisation import FINE_STEP, NEXT_STATE, levels_of, quantiser_of, steps_of, table_of
from snncodec.bitstream.frequency_tables import FrequencyTables
from snncodec.encoder.rdoq import SQUARED_STEP_BITS

STATES = len(NEXT_STATE)
# The two ways into each state, [8, 2]: from which state, and by which branch: 2 * quantiser + parity of the symbol.
WAYS = [np.argwhere(state == NEXT_STATE) for state in range(STATES)]
FROM = np.array([ways[:, 0] for ways in WAYS])
BRANCH = np.array([2 * quantiser_of(ways[:, 0]) + ways[:, 1] for ways in WAYS])


@dataclass(frozen=True, eq=False)
class Quantised:
    """What residuals [n] became."""

    symbols: np.ndarray  # int64
    tables: np.ndarray  # uint8, the numbers of their frequency tables
    levels: np.ndarray  # float64, the residuals that the symbols stand for
    bits: np.ndarray  # float32


def quantise_dependently(
    residuals: np.ndarray, indexes: np.ndarray, tables: FrequencyTables, error_bits: float = SQUARED_STEP_BITS
) -> Quantised:
    """The symbols of least bits + `error_bits` * squared error for residuals [n], float64, in steps.

    They are in the order of `dependent_places`, as are the indexes of their tables, uint8 [n].
    """
    candidates, costs = _branches(residuals, indexes, tables, error_bits)
    branches = _cheapest_path(costs)
    places = np.arange(len(residuals))
    symbols, quantisers = candidates[branches, places], branches >> 1
    numbers = table_of(indexes, quantisers).astype(np.uint8)
    return Quantised(symbols, numbers, levels_of(symbols, quantisers), tables.bits(symbols, numbers))


def _branches(
    residuals: np.ndarray, indexes: np.ndarray, tables: FrequencyTables, error_bits: float
) -> tuple[np.ndarray, np.ndarray]:
    """For each quantiser and parity the best symbol, int64 [4, n], and what it costs, float64 [4, n]."""
    reach, signs = np.abs(residuals) / FINE_STEP, np.where(residuals < 0, -1, 1)
    nearest = (
        2 * np.round(reach / 4),
        2 * np.floor(reach / 4) + 1,
        2 * np.maximum(1, np.round((reach + 1) / 4)),
        2 * np.round(np.maximum(0, reach - 1) / 4) + 1,
    )
    symbols, costs = np.empty((4, len(residuals)), dtype=np.int64), np.empty((4, len(residuals)))
    for branch, magnitudes in enumerate(nearest):
        quantiser, even = branch >> 1, branch & 1 == 0
        numbers = table_of(indexes, quantiser)
        symbols[branch] = signs * magnitudes
        costs[branch] = _cost(residuals, symbols[branch], quantiser, numbers, tables, error_bits)
        if even:
            zeros = np.zeros_like(symbols[branch])
            cost = _cost(residuals, zeros, quantiser, numbers, tables, error_bits)
            better = cost <= costs[branch]
            symbols[branch, better], costs[branch, better] = 0, cost[better]
    return symbols, costs


def _cost(
    residuals: np.ndarray,
    symbols: np.ndarray,
    quantiser: int,
    numbers: np.ndarray,
    tables: FrequencyTables,
    error_bits: float,
) -> np.ndarray:
    error = residuals - levels_of(symbols, quantiser)
    return tables.bits(symbols, numbers) + error_bits * error * error


def _cheapest_path(costs: np.ndarray) -> np.ndarray:
    """The branch that each residual takes, int64 [n], of branches that cost so much, [4, n]."""
    count = costs.shape[1]
    steps = steps_of(count)
    least = np.full((STATES, steps[0].stop), np.inf)
    least[0] = 0
    second = np.empty((STATES, count), dtype=bool)  # whether the second way into a state is the cheaper one
    for part in steps:
        here = least[:, : part.stop - part.start]
        one, other = (here[FROM[:, way]] + costs[:, part][BRANCH[:, way]] for way in (0, 1))
        second[:, part] = other < one
        here[:] = np.minimum(one, other)
    branches, states = np.empty(count, dtype=np.int64), least.argmin(0)
    for part in reversed(steps):
        here = states[: part.stop - part.start]
        way = second[:, part][here, np.arange(len(here))].astype(np.int64)
        branches[part] = BRANCH[here, way]
        here[:] = FROM[here, way]
    return branches

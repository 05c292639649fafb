"""The trellis search: no sequence of symbols is cheaper, and it is cheaper than rounding one by one."""

import itertools

import numpy as np
import pytest

from snncodec.bitstream.dependent_quantisation import (
    FIRST_SCALE,
    LENGTH,
    NEXT_STATE,
    levels_of,
    quantiser_of,
    steps_of,
    table_of,
)
from snncodec.bitstream.frequency_tables import SCALES, FrequencyTables
from snncodec.encoder.rdoq import SQUARED_STEP_BITS
from snncodec.encoder.trellis import quantise_dependently
from snncodec.training.fit_tables import logistic_frequencies
from snncodec.training.logistic import LOWEST_SCALE, SCALE_RATIO

TABLES = FrequencyTables(logistic_frequencies())


def residuals_of(count, seed):
    """Residuals as wide as their tables say, in the order of these."""
    random = np.random.default_rng(seed)
    indexes = np.sort(random.integers(FIRST_SCALE, SCALES - 10, count)).astype(np.uint8)
    return random.logistic(0, LOWEST_SCALE * np.exp(SCALE_RATIO * indexes)), indexes


def cost_of(residuals, levels, bits):
    return bits.sum() + SQUARED_STEP_BITS * np.square(residuals - levels).sum()


def walked(symbols, indexes):
    """Tables and levels of symbols, from the machines that these set in motion."""
    states, numbers, levels = np.zeros(len(symbols), dtype=int), [], []
    for part in steps_of(len(symbols)):
        for machine, place in enumerate(range(part.start, part.stop)):
            quantiser = quantiser_of(states[machine])
            numbers.append(table_of(indexes[place], quantiser))
            levels.append(levels_of(symbols[place], quantiser))
            states[machine] = NEXT_STATE[states[machine], symbols[place] % 2]
    return np.array(numbers), np.array(levels)


@pytest.mark.parametrize("seed", range(8))
def test_no_other_symbols_near_the_residuals_cost_less(seed):
    residuals, indexes = residuals_of(5, seed)
    residuals = residuals.clip(-1.4, 1.4)  # so that the symbols tried are all that could be worth it
    found = quantise_dependently(residuals, indexes, TABLES)
    costs = []
    for symbols in itertools.product(range(-2, 3), repeat=len(residuals)):
        numbers, levels = walked(np.array(symbols), indexes)
        costs.append(cost_of(residuals, levels, TABLES.bits(np.array(symbols), numbers)))
    assert cost_of(residuals, found.levels, found.bits) == pytest.approx(min(costs), abs=1e-4)


@pytest.mark.parametrize("count", [1, 20, 3 * LENGTH + 7])
def test_tables_and_levels_are_those_that_a_decoder_finds(count):
    residuals, indexes = residuals_of(count, 5)
    found = quantise_dependently(residuals, indexes, TABLES)
    numbers, levels = walked(found.symbols, indexes)
    assert np.array_equal(found.tables, numbers) and np.array_equal(found.levels, levels)
    assert np.array_equal(found.bits, TABLES.bits(found.symbols, numbers))


def test_it_costs_less_than_to_round_one_by_one():
    residuals, indexes = residuals_of(20000, 1)
    found = quantise_dependently(residuals, indexes, TABLES)
    candidates = [np.sign(residuals) * np.maximum(0, np.abs(residuals).round() - shrink) for shrink in range(3)]
    rounded = [TABLES.bits(c, indexes) + SQUARED_STEP_BITS * np.square(residuals - c) for c in candidates]
    assert cost_of(residuals, found.levels, found.bits) < 0.985 * np.min(rounded, axis=0).sum()


def test_residuals_beyond_all_tables_are_coded_near_what_they_are():
    residuals = np.array([1e6, -1e6, 0.2, 3e7])
    found = quantise_dependently(residuals, np.full(4, 30, dtype=np.uint8), TABLES)
    assert np.abs(residuals - found.levels).max() < 2

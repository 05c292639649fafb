"""Rate-distortion optimised quantisation: what it chooses costs no more than what is nearest."""

import numpy as np

from snncodec.bitstream.frequency_tables import FrequencyTables
from snncodec.encoder.rdoq import SQUARED_STEP_BITS, rdoq
from snncodec.training.fit_tables import logistic_frequencies


def test_quantisation_never_costs_more_than_any_candidate():
    tables, random = FrequencyTables(logistic_frequencies()), np.random.default_rng(0)
    residuals, indexes = random.logistic(0, 3, 5000), random.integers(0, 64, 5000).astype(np.uint8)

    def cost(symbols):
        return tables.bits(symbols, indexes) + SQUARED_STEP_BITS * np.square(residuals - symbols)

    chosen, bits = rdoq(residuals, indexes, tables.bits)
    assert np.array_equal(bits, tables.bits(chosen, indexes)) and np.array_equal(chosen, np.rint(chosen))
    nearest = np.rint(residuals)
    for shrink in (0, 1, 2):
        assert (cost(chosen) <= cost(np.sign(nearest) * np.maximum(np.abs(nearest) - shrink, 0))).all()
    assert cost(chosen).sum() < 0.99 * cost(nearest).sum()


def test_residuals_are_rounded_where_all_symbols_cost_alike():
    residuals, indexes = np.random.default_rng(0).logistic(0, 3, 500), np.zeros(500, dtype=np.uint8)
    symbols, bits = rdoq(residuals, indexes, lambda _, tables: np.full(len(tables), 7.0))
    assert np.array_equal(symbols, np.rint(residuals)) and (bits == 7).all()

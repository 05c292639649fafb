"""Frequency tables: what coding with them costs, and which ones are refused."""

import numpy as np
import pytest

from snncodec.bitstream.frequency_tables import LARGEST_SYMBOL, TABLES, FrequencyTables
from snncodec.errors import WeightsError
from snncodec.training.fit_tables import logistic_frequencies

LOGISTIC = FrequencyTables(logistic_frequencies())
MAGNITUDES = np.arange(LARGEST_SYMBOL + 2)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64])
def test_bits_of_symbols_are_those_of_their_magnitude_and_of_an_escape_beyond_all_tables(dtype):
    symbols = np.array([0, 1, -1, 7, -600, 601, -602, 2**31 - 1, 1 - 2**31]).astype(dtype)
    columns = [0, 1, 1, 7, 600, 601, 601, 601, 601]
    bits = LOGISTIC.bits(symbols, np.arange(TABLES, dtype=np.uint8)[:, None])
    assert bits.dtype == np.float32 and np.array_equal(bits, LOGISTIC.cost[:, columns])


def test_a_symbol_beyond_the_reach_of_its_table_costs_an_escape_and_32_bits():
    for table, reach in enumerate(LOGISTIC.reach):
        share = LOGISTIC.frequencies[table, -1] / LOGISTIC.frequencies[table].sum()
        assert np.allclose(LOGISTIC.cost[table, reach + 1 :], 32 - np.log2(share))


@pytest.mark.parametrize(
    "damaged",
    [
        logistic_frequencies()[:-1],
        logistic_frequencies()[:, :-1],
        logistic_frequencies() * (MAGNITUDES > 0),  # a table without zero
        logistic_frequencies() * (MAGNITUDES <= LARGEST_SYMBOL),  # a table without an escape
        -logistic_frequencies(),
        np.full((TABLES, LARGEST_SYMBOL + 2), np.nan),
        np.full((TABLES, LARGEST_SYMBOL + 2), 0.5, dtype=np.float32),
    ],
    ids=["a table less", "a magnitude less", "no zero", "no escape", "negative", "NaN", "fractions"],
)
def test_damaged_tables_are_refused(damaged):
    with pytest.raises(WeightsError):
        FrequencyTables(damaged)

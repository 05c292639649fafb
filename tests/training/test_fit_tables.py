"""Fitted frequency tables: any histogram gives tables that can be coded with, and what was seen often gets cheap."""

import numpy as np
import pytest

from snncodec.bitstream.frequency_tables import LARGEST_SYMBOL, SCALES, TABLES, FrequencyTables
from snncodec.training.fit_tables import fit_frequencies, logistic_frequencies, logistic_odds

SHAPE = (TABLES, LARGEST_SYMBOL + 1)
HISTOGRAM = np.random.default_rng(3).geometric(0.02, SHAPE) * (np.arange(SHAPE[1]) % 5 == 0) * 1.0


@pytest.mark.parametrize("histogram", [None, HISTOGRAM, np.zeros(SHAPE), HISTOGRAM * 1e9])
def test_frequencies_can_be_coded_with(histogram):
    frequencies = logistic_frequencies() if histogram is None else fit_frequencies(histogram)
    reach = FrequencyTables(frequencies).reach
    assert frequencies.shape == (TABLES, LARGEST_SYMBOL + 2) and frequencies.dtype == np.int32
    assert (frequencies[:, 0] >= 2).all() and (frequencies[:, -1] >= 1).all()
    assert (np.abs(frequencies.sum(1) / 2**22 - 1) < 1e-3).all()  # two units of a 24-bit coder at least for each sign
    for row, last in zip(frequencies, reach, strict=True):
        assert (row[: last + 1] >= 2).all() and not row[last + 1 : -1].any()


def test_the_logistics_are_probabilities_of_rising_scale():
    odds = logistic_odds()
    assert (odds >= 0).all() and np.allclose(odds.sum(1), 1, atol=1e-5)
    zeros = odds[:, 0].reshape(-1, SCALES)  # for each quantiser
    assert (np.diff(zeros) <= 0).all() and (zeros[:, 0] > 0.9999).all()


def test_a_histogram_makes_what_was_seen_cheaper():
    seen, logistic = np.zeros(SHAPE), FrequencyTables(logistic_frequencies())
    seen[30, [0, 7]] = 5000
    fitted = FrequencyTables(fit_frequencies(seen))
    assert fitted.cost[30, 7] < logistic.cost[30, 7] - 3
    assert np.array_equal(fitted.cost[29], logistic.cost[29])

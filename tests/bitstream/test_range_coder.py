"""Promises of entropy.py: any symbols under any tables come back, at the stated cost, or an error is raised."""

import numpy as np
import pytest
from hypothesis import given, strategies
from snncodec.entropy import (
    LOWEST_SCALE,
    SCALE_RATIO,
    TABLES,
    WIDEST,
    SymbolDecoder,
    SymbolEncoder,
    Tables,
    logistic_frequencies,
    make_frequencies,
)

from snncodec.errors import FormatError, LimitError, WeightsError

LOGISTIC = Tables(make_frequencies())
HISTOGRAM = np.random.default_rng(3).geometric(0.02, (TABLES, WIDEST + 1)) * (np.arange(WIDEST + 1) % 5 == 0) * 1.0
FITTED = Tables(make_frequencies(HISTOGRAM))
LARGEST = 2**31 - 1
MAGNITUDES = np.arange(WIDEST + 2)


def encoded(calls, tables=LOGISTIC):
    coder = SymbolEncoder(tables)
    for symbols, indexes in calls:
        coder.encode(np.asarray(symbols, dtype=np.int64), np.asarray(indexes, dtype=np.uint8))
    return coder.finish()


def decoded(data, calls, tables=LOGISTIC):
    coder = SymbolDecoder(tables, data)
    symbols = [coder.decode(np.asarray(indexes, dtype=np.uint8)) for _, indexes in calls]
    coder.finish()
    return symbols


def logistic_symbols(indexes, seed=0):
    """Symbols drawn from the distributions that their tables stand for."""
    random = np.random.default_rng(seed)
    return np.round(random.logistic(0, LOWEST_SCALE * np.exp(SCALE_RATIO * indexes))).astype(np.int64)


@strategies.composite
def a_call(draw):
    """Symbols and indexes of one call, with many at, and just beyond, the reach of their tables."""
    size = draw(strategies.integers(0, 40))
    indexes = draw(strategies.lists(strategies.integers(0, TABLES - 1), min_size=size, max_size=size))
    symbols = []
    for index in indexes:
        reach = int(LOGISTIC.reach[index])
        edges = strategies.sampled_from([0, 1, reach, reach + 1, WIDEST, WIDEST + 1, 2**16, LARGEST - 1, LARGEST])
        magnitude = draw(strategies.one_of(edges, strategies.integers(0, LARGEST)))
        symbols.append(magnitude * draw(strategies.sampled_from([-1, 1])))
    return symbols, indexes


@given(strategies.lists(a_call(), max_size=5), strategies.sampled_from([LOGISTIC, FITTED]))
def test_symbols_come_back_over_several_calls(calls, tables):
    for (symbols, _), back in zip(calls, decoded(encoded(calls, tables), calls, tables), strict=True):
        assert back.dtype == np.int64 and back.tolist() == symbols


def test_the_shape_of_a_call_is_kept():
    indexes = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    symbols = indexes.astype(np.int64) - 12
    assert np.array_equal(decoded(encoded([(symbols, indexes)]), [(symbols, indexes)])[0], symbols)


def test_nothing_costs_nothing():
    assert encoded([]) == encoded([([], [])]) == b""
    assert decoded(b"", [([], [])])[0].size == 0


@pytest.mark.parametrize("tables", [LOGISTIC, FITTED], ids=["logistic", "fitted"])
@pytest.mark.parametrize("top", [TABLES, 5])
def test_the_coded_size_is_what_the_cost_table_says(tables, top):
    indexes = np.random.default_rng(1).integers(0, top, 20000).astype(np.uint8)
    symbols = logistic_symbols(indexes)
    symbols[:50] = 10**6  # escapes count, too
    bits = tables.cost[indexes, np.minimum(np.abs(symbols), WIDEST + 1)].sum(dtype=np.float64)
    assert len(encoded([(symbols, indexes)], tables)) == pytest.approx(bits / 8, rel=0.01, abs=16)


def test_a_small_input_has_these_words_for_ever():
    rows = [(2**20 // (1 + MAGNITUDES) ** 2 + 2) * (9 * table >= MAGNITUDES) for table in range(TABLES)]
    tables = Tables(np.stack(rows) + 5 * (MAGNITUDES > WIDEST))  # integers alone: no float may enter this test
    calls = [([0, 1, -1, 5, -30, 0], [0, 10, 20, 30, 40, 63]), ([700, -LARGEST, 2], [63, 0, 20])]
    assert encoded(calls, tables).hex() == "bd4411d27691225848091800c93dd7b00054f800"
    assert [s.tolist() for s in decoded(encoded(calls, tables), calls, tables)] == [c[0] for c in calls]


@pytest.mark.parametrize("symbol", [2**31, -(2**31), 2**40])
def test_a_symbol_beyond_32_bits_is_a_limit_error(symbol):
    with pytest.raises(LimitError):
        encoded([([symbol], [0])])


@pytest.mark.parametrize("cut", [1, 2, 3, 5])
def test_bytes_that_are_no_whole_words_are_refused(cut):
    with pytest.raises(FormatError, match="multiple of 4"):
        SymbolDecoder(LOGISTIC, bytes(12)[:-cut])


def payload():
    indexes = np.full(400, 40, dtype=np.uint8)
    return [(logistic_symbols(indexes), indexes)]


@pytest.mark.parametrize("extra", [bytes(8), b"\xff" * 8, bytes(40), b"word" * 3])
def test_trailing_words_are_refused(extra):  # a single one may pass for the coder's look-ahead; the file's CRC sees it
    with pytest.raises(FormatError):
        decoded(encoded(payload()) + extra, payload())


def test_missing_words_never_pass_for_the_symbols_that_were_coded():
    data, symbols = encoded(payload()), payload()[0][0].tolist()
    for length in range(0, len(data), 4):
        try:
            back = decoded(data[:length], payload())[0].tolist()
        except FormatError:
            continue
        assert back != symbols


def test_random_words_give_symbols_or_a_format_error():
    random = np.random.default_rng(5)
    refused = 0
    for size in range(300):
        indexes = random.integers(0, TABLES, 60).astype(np.uint8)
        try:
            symbols = decoded(random.bytes(size % 50 * 4), [(None, indexes)])[0]
            assert np.abs(symbols).max() <= 2**31
        except FormatError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("histogram", [None, HISTOGRAM, np.zeros((TABLES, WIDEST + 1)), HISTOGRAM * 1e9])
def test_frequencies_can_be_coded_with(histogram):
    frequencies = make_frequencies(histogram)
    reach = Tables(frequencies).reach
    assert frequencies.shape == (TABLES, WIDEST + 2) and frequencies.dtype == np.int32
    assert (frequencies[:, 0] >= 2).all() and (frequencies[:, -1] >= 1).all()
    assert (np.abs(frequencies.sum(1) / 2**22 - 1) < 1e-3).all()  # two units of a 24-bit coder at least for each sign
    for row, last in zip(frequencies, reach, strict=True):
        assert (row[: last + 1] >= 2).all() and not row[last + 1 : -1].any()


def test_the_logistics_are_probabilities_of_rising_scale():
    odds = logistic_frequencies()
    assert (odds >= 0).all() and np.allclose(odds.sum(1), 1, atol=1e-5)
    assert (np.diff(odds[:, 0]) <= 0).all() and odds[0, 0] > 0.999999


def test_a_histogram_makes_what_was_seen_cheaper():
    seen = np.zeros((TABLES, WIDEST + 1))
    seen[30, [0, 7]] = 5000
    assert Tables(make_frequencies(seen)).cost[30, 7] < LOGISTIC.cost[30, 7] - 3
    assert np.array_equal(Tables(make_frequencies(seen)).cost[29], LOGISTIC.cost[29])


@pytest.mark.parametrize(
    "damaged",
    [
        make_frequencies()[:-1],
        make_frequencies()[:, :-1],
        make_frequencies() * (MAGNITUDES > 0),  # a table without zero
        make_frequencies() * (MAGNITUDES <= WIDEST),  # a table without an escape
        -make_frequencies(),
        np.full((TABLES, WIDEST + 2), np.nan),
        np.full((TABLES, WIDEST + 2), 0.5, dtype=np.float32),
    ],
    ids=["a table less", "a magnitude less", "no zero", "no escape", "negative", "NaN", "fractions"],
)
def test_damaged_tables_are_refused(damaged):
    with pytest.raises(WeightsError):
        Tables(damaged)

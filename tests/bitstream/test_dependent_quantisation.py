"""Dependent quantisation: symbols come back as the residuals they stand for, whatever the tables and the number."""

import numpy as np
import pytest
from hypothesis import given, strategies

from snncodec.bitstream.dependent_quantisation import (
    FEWEST,
    FIRST_SCALE,
    LENGTH,
    NEXT_STATE,
    decode_dependent,
    encode_dependent,
    levels_of,
    places_in_order,
    quantiser_of,
    steps_of,
    table_of,
)
from snncodec.bitstream.frequency_tables import SCALES, FrequencyTables
from snncodec.bitstream.range_coder import SymbolDecoder, SymbolEncoder
from snncodec.training.fit_tables import logistic_frequencies

TABLES = FrequencyTables(logistic_frequencies())


def walk(symbols):
    """The quantisers that a machine for each column of `symbols` goes through, one residual at a time."""
    quantisers = np.empty(len(symbols), dtype=np.int64)
    machines = steps_of(len(symbols))[0].stop
    for machine in range(machines):
        state = 0
        for place in range(machine, len(symbols), machines):
            quantisers[place] = quantiser_of(np.array(state))
            state = NEXT_STATE[state, symbols[place] % 2]
    return quantisers


@pytest.mark.parametrize("count", [1, 15, 16, 63, 64, 65, 127, 128, 1000])
@pytest.mark.parametrize("largest", [1, 3, 2**20])
def test_residuals_come_back(count, largest):
    random = np.random.default_rng(count)
    symbols = random.integers(-largest, largest + 1, count)
    indexes = np.sort(random.integers(FIRST_SCALE, SCALES, count)).astype(np.uint8)
    quantisers, coder = walk(symbols), SymbolEncoder(TABLES)
    encode_dependent(coder, symbols, table_of(indexes, quantisers).astype(np.uint8))
    decoder = SymbolDecoder(TABLES, coder.finish())
    assert np.array_equal(decode_dependent(decoder, indexes), levels_of(symbols, quantisers))
    decoder.finish()


def test_nothing_is_nothing():
    assert steps_of(0) == [] and not len(decode_dependent(SymbolDecoder(TABLES, b""), np.empty(0, dtype=np.uint8)))


@given(strategies.integers(1, 100_000))
def test_steps_hold_every_residual_once_and_give_each_machine_about_as_many(count):
    steps = steps_of(count)
    assert [n for part in steps for n in range(part.start, part.stop)] == list(range(count))
    sizes = [part.stop - part.start for part in steps]
    assert len(set(sizes[:-1])) <= 1 and sizes[-1] <= sizes[0]
    assert len(steps) < 2 * LENGTH


def test_quantiser_0_holds_even_multiples_of_the_fine_step_and_quantiser_1_odd_ones_and_zero():
    symbols = np.arange(-3, 4)
    assert (levels_of(symbols, 0) / 0.625).tolist() == [-6, -4, -2, 0, 2, 4, 6]
    assert (levels_of(symbols, 1) / 0.625).tolist() == [-5, -3, -1, 0, 1, 3, 5]


def test_every_state_leads_to_two_others_and_is_led_to_by_two():
    assert np.bincount(NEXT_STATE.ravel()).tolist() == [2] * len(NEXT_STATE)
    assert all(one != other for one, other in NEXT_STATE)
    assert NEXT_STATE[0, 0] == 0 and quantiser_of(np.array(0)) == 0  # zeros alone stay with the wide cell around zero


def test_what_is_almost_certainly_zero_is_left_out_and_few_residuals_are_left_alone():
    indexes = np.tile(np.array([FIRST_SCALE - 1, FIRST_SCALE + 1, FIRST_SCALE], dtype=np.uint8), (FEWEST, 1))
    alone, places = places_in_order(indexes)
    assert len(places) == 2 * FEWEST and (np.diff(indexes.ravel()[places].astype(int)) >= 0).all()
    assert (indexes.ravel()[places] >= FIRST_SCALE).all() and (np.diff(places[:FEWEST]) > 0).all()
    assert sorted([*alone, *places]) == list(range(indexes.size)) and (np.diff(alone) > 0).all()
    few = indexes[: FEWEST // 2 - 1]
    alone, places = places_in_order(few)
    assert not len(places) and np.array_equal(alone, np.argsort(few.ravel(), kind="stable"))

"""Normative. Dependent quantisation: which of two quantisers each residual of a pass has, and what symbols stand for.

Quantiser 0 holds the even multiples of a fine step, quantiser 1 the odd ones and zero. A machine of eight states names
the quantiser of the next residual, and the parity of that one's symbol moves it on (trellis-coded quantisation, as in
VVC: Schwarz et al., "Hybrid Video Coding with Trellis-Coded Quantization", DCC 2019, with the eight states of its
successor ECM). Many machines run side by side, so that whole arrays are coded at a time. Residuals that are almost
certainly zero are left out, and rounded one by one. No torch here.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from snncodec.bitstream.frequency_tables import SCALES
from snncodec.bitstream.range_coder import SymbolDecoder, order_of_tables

FINE_STEP = 40 / 64  # in quantisation steps
FIRST_SCALE = 14  # residuals of smaller scales are rounded one by one
FEWEST, LENGTH = 16, 64  # residuals of a pass that are worth a machine, and those that each of many machines gets
NEXT_STATE = np.array([[0, 2], [5, 7], [1, 3], [6, 4], [2, 0], [4, 6], [3, 1], [7, 5]])  # by state and parity


class MixedEncoder(Protocol):
    """What takes symbols one by one with a table each: a `SymbolEncoder`, or what stands in for one."""

    def encode_mixed(self, symbols: np.ndarray, tables: np.ndarray) -> None: ...


def places_in_order(indexes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flat places of residuals with these table indexes (uint8): of those rounded one by one, and of dependent ones.

    Both are in order of index, in which they are coded.
    """
    order = order_of_tables(indexes.reshape(-1))
    dependent = int(np.count_nonzero(indexes >= FIRST_SCALE))
    alone = len(order) - dependent if dependent >= FEWEST else len(order)
    return order[:alone], order[alone:]


def steps_of(count: int) -> list[slice]:
    """How `count` residuals are dealt out to machines: one to each in every step, fewer in the last one."""
    machines = max(1, count // LENGTH)
    return [slice(start, min(start + machines, count)) for start in range(0, count, machines)]


def quantiser_of(states: np.ndarray) -> np.ndarray:
    """0 or 1, of machines in these states."""
    return states & 1


def table_of(indexes: np.ndarray, quantisers: np.ndarray | int) -> np.ndarray:
    """The numbers of the frequency tables of residuals with these table indexes and quantisers."""
    return indexes + SCALES * (1 + quantisers)


def levels_of(symbols: np.ndarray, quantisers: np.ndarray | int) -> np.ndarray:
    """The residuals, in quantisation steps, that symbols stand for; float64."""
    return (2 * symbols - quantisers * np.sign(symbols)) * FINE_STEP


def encode_dependent(coder: MixedEncoder, symbols: np.ndarray, tables: np.ndarray) -> None:
    """Append symbols of the residuals of a pass, in the order of `places_in_order`."""
    for part in steps_of(len(symbols)):
        coder.encode_mixed(symbols[part], tables[part])


def decode_dependent(coder: SymbolDecoder, indexes: np.ndarray) -> np.ndarray:
    """The next residuals, float64, in steps, with these table indexes; both in the order of `places_in_order`."""
    symbols, quantisers = np.empty(len(indexes), dtype=np.int64), np.empty(len(indexes), dtype=np.int64)
    steps = steps_of(len(indexes))
    states = np.zeros(steps[0].stop if steps else 0, dtype=np.int64)
    for part in steps:
        states = states[: part.stop - part.start]
        quantisers[part] = quantiser_of(states)
        symbols[part] = coder.decode_mixed(table_of(indexes[part], quantisers[part]))
        states = NEXT_STATE[states, symbols[part] & 1]
    return levels_of(symbols, quantisers)

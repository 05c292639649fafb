"""Residuals in, symbols into a sink, and back what they stand for: the encoder's quantiser.

Most residuals are next to zero and rounded one by one (`rdoq`), the others depend on each other (`trellis`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from snncodec.bitstream.dependent_quantisation import encode_dependent, places_in_order
from snncodec.bitstream.frequency_tables import SCALES, FrequencyTables
from snncodec.encoder.rdoq import SQUARED_STEP_BITS, rdoq
from snncodec.encoder.symbol_sinks import SymbolSink
from snncodec.encoder.trellis import quantise_dependently
from snncodec.errors import LimitError
from snncodec.stopwatch import timed


@dataclass(frozen=True, eq=False)
class CodedResiduals:
    """What residuals became, in their shape."""

    levels: Tensor  # in quantisation steps, as decoded
    bits: Tensor
    quantisers: Tensor  # 0 and 1 of dependent quantisation, -1 for what is rounded alone


@timed("quantisation")
def code_residuals(
    residuals: Tensor,
    indexes: np.ndarray,
    tables: FrequencyTables,
    sink: SymbolSink,
    error_bits: float = SQUARED_STEP_BITS,
) -> CodedResiduals:
    """Hand the symbols of the residuals of a pass, in quantisation steps, to `sink`.

    `indexes`, uint8, name the tables that the residuals are expected to suit; a squared error of one step is worth
    `error_bits`.
    """
    flat, flat_indexes = residuals.cpu().numpy().reshape(-1), indexes.reshape(-1)
    levels, bits, quantisers = np.empty_like(flat), np.empty_like(flat), np.full_like(flat, -1)
    alone, dependent = places_in_order(indexes)
    levels[alone], bits[alone] = code_alone(flat[alone], flat_indexes[alone], tables, sink, error_bits)
    if len(dependent):
        chosen = flat[dependent].astype(np.float64)
        require_codable(chosen)
        found = quantise_dependently(chosen, flat_indexes[dependent], tables, error_bits)
        encode_dependent(sink, found.symbols, found.tables)
        levels[dependent], bits[dependent] = found.levels, found.bits
        quantisers[dependent] = found.tables // SCALES - 1.0
    shaped = (torch.from_numpy(x).view_as(residuals).to(residuals.device) for x in (levels, bits, quantisers))
    return CodedResiduals(*shaped)


@timed("quantisation")
def code_alone(
    residuals: np.ndarray,
    indexes: np.ndarray,
    tables: FrequencyTables,
    sink: SymbolSink,
    error_bits: float = SQUARED_STEP_BITS,
) -> tuple[np.ndarray, np.ndarray]:
    """Round residuals [n] one by one and hand the symbols to `sink`; the symbols and their bits. See `rdoq`."""
    require_codable(residuals)
    symbols, bits = rdoq(residuals, indexes, tables.bits, error_bits)
    sink.encode(symbols.astype(np.int32), indexes)
    return symbols, bits


def require_codable(residuals: np.ndarray) -> None:
    """`LimitError` for residuals that no symbol can hold."""
    if residuals.size and not np.rint(np.abs(residuals).max()) < 2**31:  # neither too large nor no number
        raise LimitError("a latent is too large to code: the weights do not suit this picture")

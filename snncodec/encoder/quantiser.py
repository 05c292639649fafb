"""Residuals in, symbols into a sink, and back what they stand for: the encoder's quantiser.

Most residuals are next to zero and rounded one by one (`rdoq`), the others depend on each other (`trellis`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from snncodec.bitstream.dependent_quantisation import dependent_places, encode_dependent
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
    places = dependent_places(indexes)
    flat, flat_indexes = residuals.cpu().reshape(-1), indexes.reshape(-1)
    levels, bits, quantisers = torch.empty_like(flat), torch.empty_like(flat), torch.full_like(flat, -1)
    alone = torch.ones(flat.shape, dtype=torch.bool, device=flat.device)
    alone[torch.from_numpy(places)] = False
    levels[alone], bits[alone] = code_alone(flat[alone], flat_indexes[alone.numpy()], tables, sink, error_bits)
    if len(places):
        chosen = flat[places].double()
        require_codable(chosen)
        found = quantise_dependently(chosen.numpy(), flat_indexes[places], tables, error_bits)
        encode_dependent(sink, found.symbols, found.tables)
        for whole, part in ((levels, found.levels), (bits, found.bits), (quantisers, found.tables // SCALES - 1)):
            whole[places] = torch.from_numpy(part).to(whole)
    return CodedResiduals(*(x.view_as(residuals).to(residuals.device) for x in (levels, bits, quantisers)))


@timed("quantisation")
def code_alone(
    residuals: Tensor,
    indexes: np.ndarray,
    tables: FrequencyTables,
    sink: SymbolSink,
    error_bits: float = SQUARED_STEP_BITS,
) -> tuple[Tensor, Tensor]:
    """Round residuals one by one and hand the symbols to `sink`; the symbols and their bits, on the CPU. See `rdoq`."""

    def bits_of(symbols: Tensor, index: Tensor) -> Tensor:
        return torch.from_numpy(tables.bits(symbols.numpy(), index.numpy()))

    require_codable(residuals)
    symbols, bits = rdoq(residuals.cpu().contiguous(), torch.from_numpy(indexes), bits_of, error_bits)
    sink.encode(symbols.numpy().astype(np.int32), indexes)
    return symbols, bits


def require_codable(residuals: Tensor) -> None:
    """`LimitError` for residuals that no symbol can hold."""
    if residuals.numel() and not float(residuals.abs().max().round()) < 2**31:  # neither too large nor no number
        raise LimitError("a latent is too large to code: the weights do not suit this picture")

"""The pixels of a view -> its latents -> the symbols of its section. The mirror of `decoder.view`.

Trials, files and the fitting of tables take the same way, each with another sink for the symbols.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from snncodec.bitstream.frequency_tables import FrequencyTables
from snncodec.bitstream.skip_flags import encode_flags
from snncodec.constants import BLOCK, block_shape
from snncodec.decoder.tiling import Tile, on_tile
from snncodec.decoder.view import hyper_indexes, map_coding_tiles, matched_blocks
from snncodec.encoder.rdoq import SQUARED_STEP_BITS, rdoq
from snncodec.encoder.symbol_sinks import SymbolSink
from snncodec.errors import LimitError
from snncodec.model.context_model import PassInput
from snncodec.model.exact_codec import ExactCodec
from snncodec.model.hyperprior import HYPER_STRIDE
from snncodec.model.prediction import PredictedLatents, PredictedView
from snncodec.model.quantisation import reconstruct_latents, snap_latents, table_indexes
from snncodec.model.weights import LoadedWeights


@dataclass(frozen=True, eq=False)
class CodedView:
    """What a view was coded to, and what that costs per block, float64 [h, w]: bits, and distortion worth bits."""

    latents: Tensor  # float32 [1, N2, h, w] in steps, as decoded
    bits: Tensor  # of its symbols
    distortion: Tensor  # of its latents
    skip_distortion: Tensor  # the same if they were copied from the prediction


def code_view(
    loaded: LoadedWeights,
    view: np.ndarray,
    quality: int,
    sink: SymbolSink,
    predicted: PredictedView | None = None,
    skipped: np.ndarray | None = None,
) -> CodedView:
    """Hand the symbols of one view, uint8 [H, W, 3], to `sink`: hyper-latents, skip flags, then latents pass by pass.

    `predicted` (uint8), which the decoder has too, helps to code it; the latents of `skipped` blocks (bool [h, w], all
    of them matched; none by default) are taken from it.
    """
    codec, tables, shape = loaded.codec, loaded.tables, block_shape(*view.shape[:2])
    pixels = padded(view, codec.steps.device)
    skips = torch.from_numpy(np.zeros(shape, dtype=bool) if skipped is None else skipped).to(pixels.device)[None]
    bits, distortion, skip_distortion = torch.zeros((3, *shape), dtype=torch.float64, device=pixels.device)

    def code_tile(tile: Tile, prediction: PredictedLatents | None) -> Tensor:
        latents = analyse_tile(codec, pixels, quality, predicted, tile, shape)
        hyper, coded = codec.infer_hyper(1, tile.shape, quality, prediction)
        hyper[coded] = codec.hyper_analysis(latents, quality).round()[coded]
        sink.encode(as_symbols(hyper[coded]), hyper_indexes(codec, coded))
        if prediction is not None:
            encode_flags(sink, skips[0][tile].cpu().numpy(), matched_blocks(prediction))
            skip_distortion[tile] = SQUARED_STEP_BITS * (latents - prediction.values).square().sum((0, 1))
        tile_bits, tile_distortion = latents.new_zeros((2, latents[0, 0].numel()))

        def code_pass(given: PassInput) -> Tensor:
            mean, indexes = snap_latents(given.mean), table_indexes(given.index)
            symbols, rate = choose_symbols(given.targets - mean, indexes, tables)
            sink.encode(as_symbols(symbols), indexes)
            tile_bits.index_add_(0, given.cells, rate.sum(1))
            tile_distortion.index_add_(0, given.cells, (given.targets - given.mean - symbols).square_().sum(1))
            return reconstruct_latents(symbols, mean)

        decoded = codec.run_context_model(
            hyper,
            quality,
            tile.shape,
            code_pass,
            latents,
            prediction,
            None if prediction is None else skips[(..., *tile)],
        )
        bits[tile] = tile_bits.view(tile.shape) + hyper_bits(loaded, hyper, coded, tile.shape)
        distortion[tile] = SQUARED_STEP_BITS * tile_distortion.view(tile.shape)
        return decoded

    latents = map_coding_tiles(codec, shape, quality, predicted, code_tile)
    return CodedView(latents, bits, distortion, skip_distortion)


def analyse_tile(
    codec: ExactCodec,
    pixels: Tensor,
    quality: int,
    predicted: PredictedView | None,
    tile: Tile,
    shape: tuple[int, int],
) -> Tensor:
    """The latents in steps, float64 [1, N2, h, w], of one tile of a view of `shape` blocks."""

    def analyse(part: Tensor, *prediction: Tensor) -> Tensor:
        given = PredictedView(*prediction).centred() if prediction else None
        return codec.analyse(part.float() - 128, quality, given)

    maps = [pixels] if predicted is None else [pixels, predicted.pixels, predicted.matched]
    return on_tile(analyse, maps, shape, tile, codec.margin).double()


def choose_symbols(residual: Tensor, indexes: np.ndarray, tables: FrequencyTables) -> tuple[Tensor, Tensor]:
    """The symbols for residuals in steps that are coded with these tables, and their bits."""
    found = rdoq(residual.cpu(), lambda candidates: torch.from_numpy(tables.bits(candidates.numpy(), indexes)))
    return tuple(x.to(residual.device) for x in found)


def hyper_bits(loaded: LoadedWeights, hyper: Tensor, coded: Tensor, shape: tuple[int, int]) -> Tensor:
    """Bits of coded hyper-latents [1, Z, h', w'], spread over the blocks of their cells: float64 [h, w]."""
    indexes = table_indexes(loaded.codec.hyper_index)[None, :, None, None]
    bits = loaded.tables.bits(hyper.cpu().numpy(), indexes)
    cells = (torch.from_numpy(bits).to(hyper.device) * coded).sum((0, 1)) / HYPER_STRIDE**2
    blocks = cells.repeat_interleave(HYPER_STRIDE, 0).repeat_interleave(HYPER_STRIDE, 1)
    return blocks[: shape[0], : shape[1]]


def padded(view: np.ndarray, device: torch.device) -> Tensor:
    """uint8 [H, W, 3] -> uint8 [1, 3, 16 h, 16 w], continued by border pixels."""
    padding = (0, -view.shape[0] % BLOCK), (0, -view.shape[1] % BLOCK), (0, 0)
    return torch.from_numpy(np.pad(view, padding, mode="edge")).to(device).permute(2, 0, 1)[None]


def as_symbols(x: Tensor) -> np.ndarray:
    """Whole numbers as int32; `LimitError` for those that no symbol can hold."""
    if x.numel() and float(x.abs().max()) >= 2**31:
        raise LimitError("a latent is too large to code: the weights do not suit this picture")
    return x.cpu().numpy().astype(np.int32)

"""The latents of a view -> the symbols of its section. The mirror of `decoder.view`.

Trials, files and the fitting of tables take the same way, each with another sink for the symbols.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from snncodec.bitstream.skip_flags import encode_flags
from snncodec.decoder.tiling import Tile
from snncodec.decoder.view import hyper_indexes, map_coding_tiles, matched_blocks
from snncodec.encoder.quantiser import code_alone, code_residuals
from snncodec.encoder.rdoq import HYPER_ERROR_BITS, squared_step_bits
from snncodec.encoder.symbol_sinks import SymbolSink
from snncodec.encoder.truncation import worth_truncating
from snncodec.model.context_model import PassInput
from snncodec.model.hyperprior import HYPER_STRIDE
from snncodec.model.latent_grid import reconstruct_latents, snap_latents, table_indexes
from snncodec.model.prediction import PredictedLatents, PredictedView
from snncodec.model.weights import LoadedWeights


@dataclass(frozen=True, eq=False)
class CodedView:
    """What a view was coded to, and what that costs per block, float64 [h, w]: bits, and distortion worth bits."""

    latents: Tensor  # as decoded, float32 [1, N2, h, w] in steps
    bits: Tensor  # of its symbols
    distortion: Tensor  # of its latents
    skip_distortion: Tensor  # the same if they were copied from the prediction


def code_view(
    loaded: LoadedWeights,
    latents: Tensor,
    quality: int,
    sink: SymbolSink,
    predicted: PredictedView | None = None,
    skipped: np.ndarray | None = None,
    keep: bool = False,
) -> CodedView:
    """Hand the symbols of one view to `sink`: hyper-latents, skip flags, latents pass by pass. The gain is to follow.

    `latents`, float32 [1, N2, h, w] in steps, are those to code, and are overwritten unless they are to `keep`.
    `predicted` (uint8), which the decoder has too, helps to code them; those of `skipped` blocks (bool [h, w], all of
    them matched; none by default) are taken from it.
    """
    shape = latents.shape[2], latents.shape[3]
    skipped = np.zeros(shape, dtype=bool) if skipped is None else skipped
    coder = TileCoder(loaded, latents, quality, sink, skipped)
    decoded = map_coding_tiles(loaded.codec, shape, quality, predicted, coder.code, None if keep else latents)
    return CodedView(decoded, coder.bits, coder.distortion, coder.skip_distortion)


class TileCoder:
    """Codes the tiles of one view, and notes what its blocks cost."""

    def __init__(
        self, loaded: LoadedWeights, latents: Tensor, quality: int, sink: SymbolSink, skipped: np.ndarray
    ) -> None:
        """For the arguments see `code_view`."""
        self.loaded, self.codec, self.latents, self.quality = loaded, loaded.codec, latents, quality
        self.sink, self.skipped, self.error_bits = sink, skipped, squared_step_bits(quality)
        costs = torch.zeros((3, *skipped.shape), dtype=torch.float64, device=latents.device)
        self.bits, self.distortion, self.skip_distortion = costs

    def code(self, tile: Tile, prediction: PredictedLatents | None) -> Tensor:
        """Code one tile; returns its decoded latents in steps."""
        latents = self.latents[(..., *tile)].to(self.codec.membrane_type, copy=True)
        hyper = self._code_hyper(latents, tile, prediction)
        skipped, group = self.skipped[tile], self.codec.config.groups[-1]
        skips, last = torch.from_numpy(skipped).to(latents.device), [latents[:, -group:]]
        if prediction is not None:
            last.append(prediction.values[:, -group:])
            encode_flags(self.sink, skipped, matched_blocks(prediction))
            self.skip_distortion[tile] = self.error_bits * (latents - prediction.values).square().sum(
                (0, 1), dtype=torch.float64
            )
        truncated = worth_truncating(self.error_bits, ~skips, *last)
        self.sink.encode_bypass(np.array([truncated]), 2)
        bits, distortion = self.bits.new_zeros((2, latents[0, 0].numel()))

        def code_pass(given: PassInput) -> Tensor:
            assert given.targets is not None  # only a decoder has none
            mean, indexes = snap_latents(given.mean), table_indexes(given.index)
            residuals = given.targets - mean
            coded = code_residuals(residuals, indexes, self.loaded.tables, self.sink, self.error_bits)
            error = residuals.sub_(coded.levels).square_()
            bits.index_add_(0, given.cells, coded.bits.sum(1, dtype=torch.float64))
            distortion.index_add_(0, given.cells, error.sum(1, dtype=torch.float64))
            return reconstruct_latents(coded.levels, mean)

        given = prediction, skips[None], truncated
        decoded = self.codec.run_context_model(hyper, self.quality, tile.shape, code_pass, latents, *given)
        self.bits[tile] += bits.view(tile.shape)
        if truncated:
            distortion += last[0].square().sum((0, 1)).flatten()
        self.distortion[tile] = self.error_bits * distortion.view(tile.shape)
        return decoded

    def _code_hyper(self, latents: Tensor, tile: Tile, prediction: PredictedLatents | None) -> Tensor:
        """Code the hyper-latents of a tile as far as a prediction does not tell them; returns all of them."""
        hyper, coded = self.codec.infer_hyper(1, tile.shape, self.quality, prediction)
        targets, indexes = self.codec.hyper_analysis(latents, self.quality)[coded], hyper_indexes(self.codec, coded)
        symbols, rate = code_alone(targets.cpu().numpy(), indexes, self.loaded.tables, self.sink, HYPER_ERROR_BITS)
        hyper[coded] = torch.from_numpy(symbols).to(hyper)
        bits = torch.zeros_like(hyper)
        bits[coded] = torch.from_numpy(rate).to(hyper)
        self.bits[tile] = over_blocks(bits, tile.shape)
        return hyper


def over_blocks(bits: Tensor, shape: tuple[int, int]) -> Tensor:
    """Bits of hyper-latents [1, Z, h', w'], spread over the blocks of their cells: float64 [h, w]."""
    cells = bits.sum((0, 1)) / HYPER_STRIDE**2
    blocks = cells.repeat_interleave(HYPER_STRIDE, 0).repeat_interleave(HYPER_STRIDE, 1)
    return blocks[: shape[0], : shape[1]]

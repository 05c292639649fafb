"""Normative. The bytes of a view's section -> its latents -> its pixels.

A section holds tiles of up to 96 x 96 blocks one after another, each with hyper-latents, flags of skipped blocks (both
only as far as a prediction leaves them open), a flag that says whether the last group of latents is zero, and passes of
its own: probabilities do not look across tiles. Pixels do: the linear synthesis and the spiking decoder see all. The
encoder walks the same tiles through the same context model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from snncodec.bitstream.dependent_quantisation import decode_dependent, places_in_order
from snncodec.bitstream.range_coder import SymbolDecoder
from snncodec.bitstream.skip_flags import decode_flags
from snncodec.decoder import tiling
from snncodec.decoder.tiling import Tile, in_tiles, on_tile, split, window
from snncodec.errors import FormatError
from snncodec.model.context_model import PassInput
from snncodec.model.exact_codec import ExactCodec
from snncodec.model.latent_grid import reconstruct_latents, snap_latents, table_indexes
from snncodec.model.prediction import PredictedLatents, PredictedView
from snncodec.model.view_decoder import GAINS
from snncodec.model.weights import LoadedWeights
from snncodec.stopwatch import timed


@dataclass(frozen=True, eq=False)
class ViewCode:
    """What a view is rendered from."""

    latents: Tensor  # float32 [1, N2, h, w] in steps
    gain: int  # of what the decoder network adds, in eighths


def decode_view(
    loaded: LoadedWeights,
    section: bytes,
    shape: tuple[int, int],
    quality: int,
    predicted: PredictedView | None = None,
) -> ViewCode:
    """What a view of `shape` (h, w) blocks is rendered from, of its section and a prediction.

    `FormatError` for a section that no encoder wrote.
    """
    if not section:
        raise FormatError("the section of a view is empty")
    codec, coder = loaded.codec, SymbolDecoder(loaded.tables, section)
    device = codec.steps.device

    def decode_pass(given: PassInput) -> Tensor:
        levels = torch.from_numpy(decode_residuals(coder, table_indexes(given.index))).to(given.mean)
        return reconstruct_latents(levels, snap_latents(given.mean))

    def decode_tile(tile: Tile, prediction: PredictedLatents | None) -> Tensor:
        hyper, coded = codec.infer_hyper(1, tile.shape, quality, prediction)
        hyper[coded] = torch.from_numpy(coder.decode(hyper_indexes(codec, coded))).to(hyper)
        skipped = None
        if prediction is not None:
            skipped = torch.from_numpy(decode_flags(coder, matched_blocks(prediction)))[None].to(device)
        truncated = bool(coder.decode_bypass(1, 2)[0])
        return codec.run_context_model(hyper, quality, tile.shape, decode_pass, None, prediction, skipped, truncated)

    latents = map_coding_tiles(codec, shape, quality, predicted, decode_tile)
    gain = int(coder.decode_bypass(1, GAINS)[0])
    coder.finish()
    return ViewCode(latents, gain)


@timed("quantisation")
def decode_residuals(coder: SymbolDecoder, indexes: np.ndarray) -> np.ndarray:
    """The next residuals of a pass, float32, in steps, in the shape of their table indexes (uint8)."""
    flat, levels = indexes.reshape(-1), np.empty(indexes.size, dtype=np.float32)
    alone, dependent = places_in_order(indexes)
    levels[alone] = coder.decode(flat[alone])
    levels[dependent] = decode_dependent(coder, flat[dependent])
    return levels.reshape(indexes.shape)


def render(codec: ExactCodec, code: ViewCode, quality: int, predicted: PredictedView | None = None) -> Tensor:
    """The pixels, uint8 [3, 16 h, 16 w], of a view that was coded with a prediction or without."""

    def reconstruct(part: Tensor, *prediction: Tensor) -> Tensor:
        given = PredictedView(*prediction).centred() if prediction else None
        return codec.reconstruct(part, quality, given, code.gain)

    maps = [code.latents] if predicted is None else [code.latents, predicted.pixels, predicted.matched]
    return in_tiles(reconstruct, maps, (code.latents.shape[2], code.latents.shape[3]), codec.margin)[0]


def map_coding_tiles(
    codec: ExactCodec,
    shape: tuple[int, int],
    quality: int,
    predicted: PredictedView | None,
    code_tile: Callable[[Tile, PredictedLatents | None], Tensor],
    out: Tensor | None = None,
) -> Tensor:
    """The latents in steps [1, N2, h, w] that `code_tile` makes of every tile and of its predicted latents.

    They are written to `out`, if that is given.
    """
    size, prediction = (1, codec.config.N2, *shape), None
    latents = torch.empty(size, dtype=torch.float32, device=codec.steps.device) if out is None else out

    def project(pixels: Tensor, matched: Tensor) -> Tensor:
        return codec.project_prediction(PredictedView(pixels, matched).centred(), quality).values

    for tile in split(shape, tiling.CODING_TILE):
        if predicted is not None:
            values = on_tile(project, [predicted.pixels, predicted.matched], shape, tile, 1)
            prediction = PredictedLatents(values, window(predicted.matched, tile, 1))
        latents[(..., *tile)] = code_tile(tile, prediction)
    return latents


def matched_blocks(prediction: PredictedLatents) -> np.ndarray:
    """Which blocks of a prediction are matched: bool [h, w]."""
    return prediction.matched[0, 0].cpu().numpy()


def hyper_indexes(codec: ExactCodec, coded: Tensor) -> np.ndarray:
    """The table indexes of those hyper-latents [1, Z, h', w'] that are `coded`: one per channel."""
    return np.broadcast_to(table_indexes(codec.hyper_index)[None, :, None, None], coded.shape)[coded.cpu().numpy()]


def as_picture(pixels: Tensor, height: int, width: int) -> np.ndarray:
    """uint8 [3, 16 h, 16 w] on any device -> uint8 [height, width, 3]."""
    return pixels[:, :height, :width].permute(1, 2, 0).contiguous().cpu().numpy()

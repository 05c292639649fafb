"""One view <-> the bytes of its section: pixels, latents and table indexes on one side, the entropy coder on the other.

A section holds tiles of up to 96 x 96 blocks (`tiles.split`) one after another, each with hyper-latents, flags of
copied blocks (both only as far as a prediction leaves them open) and passes of its own: probabilities do not look
across tiles. Pixels do: the linear synthesis and the spiking decoder see all.
Encoder and decoder run the same entropy-model loop with another `code` function, so they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from snncodec.config import BLOCK
from snncodec.entropy import TABLES, SymbolDecoder, SymbolEncoder, Tables
from snncodec.exact import snap
from snncodec.model import StereoCodec
from snncodec.prior import HYPER_STRIDE
from snncodec.rounding import cheapest
from snncodec.skip import decode_flags, encode_flags
from snncodec.stereo import VALUE_BITS, VALUE_MAX
from snncodec.tiles import Tile, in_tiles, on_tile, split
from snncodec.weights import Weights

CODED_TILE = 96  # blocks to a side that are entropy-coded on their own; bounds memory for under 0.5 % of the bits


def encode_view(
    loaded: Weights,
    view: np.ndarray,
    quality: int,
    warped: Tensor | None = None,
    copied: np.ndarray | None = None,
) -> tuple[bytes, Tensor]:
    """One view, uint8 [H, W, 3], as an entropy-coded section, and its decoded latents in steps.

    `warped`, a prediction of it (uint8 [4, 16 h, 16 w], see `warp`) that the decoder has too, helps to code it; the
    latents of `copied` blocks (bool [h, w], all of them matched; none by default) are taken from the prediction.
    """
    coder = SymbolEncoder(loaded.tables)
    values = code_view(loaded, view, quality, coder, warped, copied)
    return coder.finish(), values


def code_view(
    loaded: Weights,
    view: np.ndarray,
    quality: int,
    coder: SymbolEncoder,
    warped: Tensor | None = None,
    copied: np.ndarray | None = None,
) -> Tensor:
    """Hand the symbols of one view to `coder`, tile by tile: hyper-latents, copied blocks, pass by pass the latents.

    Returns the decoded latents in steps, float32 [1, N2, h, w].
    """
    model, tables, shape = loaded.model, loaded.tables, block_shape(*view.shape[:2])
    pixels = padded(view, model.steps.device)
    copied = torch.from_numpy(np.zeros(shape, dtype=bool) if copied is None else copied).to(pixels.device)[None]

    def code(channels: slice, targets: Tensor, mean: Tensor, index: Tensor) -> Tensor:
        indexes = table_indexes(index)
        symbols, values, _ = choose_symbols(targets, mean, indexes, tables)
        coder.encode(as_symbols(symbols), indexes)
        return values

    def code_tile(tile: Tile, expected: Tensor | None) -> Tensor:
        latents = analyse_tile(model, pixels, quality, warped, tile, shape)
        hyper, coded = summarise_tile(model, latents, quality, expected)
        coder.encode(as_symbols(hyper[coded]), hyper_indexes(model, coded))
        if expected is None:
            return model.predict(hyper, quality, latents, code, latents.shape[2:])
        copies = copied[(..., *tile)]
        encode_flags(coder, copies[0].cpu().numpy(), matched_blocks(expected))
        return model.predict(hyper, quality, latents, code, latents.shape[2:], expected, copies)

    return each_tile(loaded, shape, quality, warped, code_tile)


def padded(view: np.ndarray, device: torch.device) -> Tensor:
    """uint8 [H, W, 3] -> uint8 [1, 3, 16 h, 16 w], continued by border pixels."""
    padding = (0, -view.shape[0] % BLOCK), (0, -view.shape[1] % BLOCK), (0, 0)
    return torch.from_numpy(np.pad(view, padding, mode="edge")).to(device).permute(2, 0, 1)[None]


def analyse_tile(
    model: StereoCodec,
    pixels: Tensor,
    quality: int,
    warped: Tensor | None,
    tile: Tile,
    shape: tuple[int, int],
) -> Tensor:
    """The latents in steps, float64 [1, N2, h, w], of one tile of a view of `shape` blocks."""

    def analyse(part: Tensor, prediction: Tensor | None = None) -> Tensor:
        return model.analyse(centred(part), quality, None if prediction is None else centred(prediction))

    return on_tile(analyse, [pixels] if warped is None else [pixels, warped[None]], shape, tile, model.margin).double()


def summarise_tile(model: StereoCodec, latents: Tensor, quality: int, expected: Tensor | None) -> tuple[Tensor, Tensor]:
    """The hyper-latents [1, Z, h', w'] of latents, and which of them are coded."""
    hyper, coded = foreseen_hyper(model, latents.shape[2:], quality, expected)
    hyper[coded] = model.summarise(latents, quality)[coded]
    return hyper, coded


def choose_symbols(targets: Tensor, mean: Tensor, indexes: np.ndarray, tables: Tables) -> tuple[Tensor, Tensor, Tensor]:
    """Symbols for latents with these means and table indexes, what they decode to, and their bits."""
    mean = snap(mean, VALUE_BITS)
    residual = (targets - mean).cpu()
    found = cheapest(residual, lambda candidates: torch.from_numpy(tables.bits(candidates.numpy(), indexes)))
    symbols, bits = (x.to(mean.device) for x in found)
    return symbols, (symbols + mean).clamp(-VALUE_MAX, VALUE_MAX), bits


def decode_view(
    loaded: Weights, section: bytes, shape: tuple[int, int], quality: int, warped: Tensor | None = None
) -> Tensor:
    """The latents in steps [1, N2, h, w] of a view of `shape` (h, w) blocks, from its section and `warped`."""
    model, coder = loaded.model, SymbolDecoder(loaded.tables, section)
    device = model.steps.device

    def code(channels: slice, targets: None, mean: Tensor, index: Tensor) -> Tensor:
        symbols = torch.from_numpy(coder.decode(table_indexes(index))).to(device, torch.float64)
        return (symbols + snap(mean, VALUE_BITS)).clamp(-VALUE_MAX, VALUE_MAX)

    def decode_tile(tile: Tile, expected: Tensor | None) -> Tensor:
        size = torch.Size(span.stop - span.start for span in tile)
        hyper, coded = foreseen_hyper(model, size, quality, expected)
        symbols = coder.decode(hyper_indexes(model, coded))
        hyper[coded] = torch.from_numpy(symbols).to(device, torch.float64)
        if expected is None:
            return model.predict(hyper, quality, None, code, size)
        copied = torch.from_numpy(decode_flags(coder, matched_blocks(expected)))[None].to(device)
        return model.predict(hyper, quality, None, code, size, expected, copied)

    values = each_tile(loaded, shape, quality, warped, decode_tile)
    coder.finish()
    return values


def render(loaded: Weights, values: Tensor, quality: int, warped: Tensor | None = None) -> Tensor:
    """The pixels, uint8 [3, 16 h, 16 w], of latents in steps [1, N2, h, w] coded with `warped`."""
    model, maps = loaded.model, [values] if warped is None else [values, warped[None]]

    def reconstruct(part: Tensor, prediction: Tensor | None = None) -> Tensor:
        return model.reconstruct(part, quality, None if prediction is None else centred(prediction))

    return in_tiles(reconstruct, maps, tuple(values.shape[2:]), model.margin)[0]


def as_picture(pixels: Tensor, height: int, width: int) -> np.ndarray:
    """uint8 [3, 16 h, 16 w] on any device -> uint8 [height, width, 3]."""
    return pixels[:, :height, :width].permute(1, 2, 0).contiguous().cpu().numpy()


def centred(pixels: Tensor) -> Tensor:
    """uint8 -> float32, the first three channels minus 128."""
    return torch.cat([pixels[:, :3].float() - 128, pixels[:, 3:].float()], dim=1)


def foreseen_hyper(
    model: StereoCodec, size: torch.Size, quality: int, expected: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Hyper-latents [1, Z, h', w'] of a map of `size` (h, w) as far as they need no coding, and which ones do."""
    if expected is None:
        shape = (1, len(model.hyper_index), *(-(-length // HYPER_STRIDE) for length in size))
        hyper = torch.zeros(shape, dtype=torch.float64, device=model.steps.device)
        return hyper, torch.ones_like(hyper, dtype=torch.bool)
    hyper, known = model.foresee(expected, quality)
    return hyper, ~known.expand_as(hyper)


def matched_blocks(expected: Tensor) -> np.ndarray:
    """Which blocks of what a prediction leads to expect, [1, N2 + 1, h, w], are matched: bool [h, w]."""
    return (expected[0, -1] > 0).cpu().numpy()


def each_tile(
    loaded: Weights,
    shape: tuple[int, int],
    quality: int,
    warped: Tensor | None,
    code_tile: Callable[[Tile, Tensor | None], Tensor],
) -> Tensor:
    """The latents in steps [1, N2, h, w] that `code_tile` makes of every tile and of what `warped` leads to expect."""
    model, expected = loaded.model, None
    values = torch.empty((1, model.config.N2, *shape), dtype=torch.float32, device=model.steps.device)
    for tile in split(*shape, CODED_TILE):
        if warped is not None:
            expected = on_tile(lambda part: model.expect(centred(part), quality), [warped[None]], shape, tile, 1)
        values[(..., *tile)] = code_tile(tile, expected)
    return values


def block_shape(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of blocks that cover a view."""
    return -(-height // BLOCK), -(-width // BLOCK)


def as_symbols(x: Tensor) -> np.ndarray:
    return x.cpu().numpy().astype(np.int64)


def table_indexes(index: Tensor) -> np.ndarray:
    """Real table indexes (exact fixed-point numbers) -> uint8."""
    return (index + 0.5).floor().clamp(0, TABLES - 1).to(torch.uint8).cpu().numpy()


def hyper_indexes(model: StereoCodec, coded: Tensor) -> np.ndarray:
    """The table indexes of those hyper-latents [1, Z, h', w'] that are `coded`: one per channel."""
    return np.broadcast_to(table_indexes(model.hyper_index)[None, :, None, None], coded.shape)[coded.cpu().numpy()]

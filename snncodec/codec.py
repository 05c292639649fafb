"""Encode a stereo pair to the bytes of a file and decode it: the one module that knows both pixels and bytes.

images -> pad -> tiles -> model (latents, table indexes) -> entropy -> container, and back. Encoder and decoder run the
same entropy-model loop with another `code` function, so they cannot drift apart. It reads and writes no files.

A section holds tiles of up to 96 x 96 blocks (`tiles.split`) one after another, each with hyper-latents and passes of
its own: probabilities do not look across tiles. Pixels do: the linear synthesis and the spiking decoder see all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from snncodec.config import BLOCK, MAX_PIXELS
from snncodec.container import Header, Tag, check_size, pack, unpack
from snncodec.entropy import TABLES, WIDEST, SymbolDecoder, SymbolEncoder, Tables
from snncodec.errors import InputError, LimitError, UnsupportedError
from snncodec.exact import exact_arithmetic, snap
from snncodec.images import MAX_PROFILE_BYTES, StereoPair
from snncodec.prior import HYPER_STRIDE
from snncodec.tiles import Tile, in_tiles, on_tile, split
from snncodec.weights import Weights, find_by_id, load_weights

Progress = Callable[[int, int], None]
# Weight of a squared latent error (in steps) against a bit: lambda = 24 / step**2 on MSE over three channels.
DISTORTION = 8.0
VALUE_BITS, VALUE_MAX = 6, 2.0**17  # decoded latents, in steps, fit float32 exactly: multiples of 1/64, bounded
CODED_TILE = 96  # blocks to a side that are entropy-coded on their own; bounds memory for under 0.5 % of the bits
SHRINK = 2  # rate-distortion optimised quantisation tries the nearest integer and up to two steps towards zero


def encode(
    left: np.ndarray,
    right: np.ndarray,
    quality: int = 50,
    *,
    weights: str = "base",
    independent: bool = False,
    device: str = "auto",
    icc: bytes | None = None,
    progress: Progress | None = None,
) -> bytes:
    """The bytes of a file that holds two views.

    `left`, `right`: uint8 [H, W, 3] of one size; `quality` 1..100; `weights`: a shipped name or a file; `independent`:
    code the right view without the left; `icc`: a colour profile to keep. `InputError` for anything else.
    """
    check_views(left, right, quality)
    quality = int(quality)
    if icc is not None and len(icc) > MAX_PROFILE_BYTES:
        raise InputError(f"the colour profile has {len(icc)} bytes, the limit is {MAX_PROFILE_BYTES}")
    height, width = left.shape[:2]
    check_size(width, height)
    loaded = load_weights(str(weights), pick_device(device))
    sections = {Tag.ICC: icc} if icc else {}
    with exact_arithmetic(), memory_for(width, height):
        sections[Tag.LEFT], values = encode_view(loaded, left, quality)
        if progress:
            progress(1, 2)
        seen = None if independent else loaded.model.leading(values)
        del values
        sections[Tag.RIGHT], _ = encode_view(loaded, right, quality, seen)
        if progress:
            progress(2, 2)
    return pack(Header(width, height, quality, loaded.id, coupled=not independent), sections)


def decode(
    data: bytes,
    left_only: bool = False,
    *,
    weights: str | None = None,
    device: str = "auto",
    max_pixels: int = MAX_PIXELS,
    progress: Progress | None = None,
) -> StereoPair:
    """The pair in `data`, or its left view alone.

    `weights` names the weights where they are not shipped; `max_pixels` bounds one view. Raises `FormatError`,
    `LimitError` or `UnsupportedError`; the same bytes give the same pixels on every machine.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InputError(f"a file to decode must be given as bytes, not as {type(data).__name__}")
    data = bytes(data)
    header, sections = unpack(data, left_only, max_pixels)
    loaded = load_weights(str(weights) if weights else find_by_id(header.weights_id), pick_device(device))
    if loaded.id != header.weights_id:
        raise UnsupportedError(f"this file needs weights {header.weights_id.hex()}, but {weights} is {loaded.id.hex()}")
    right = None
    with exact_arithmetic(), memory_for(header.width, header.height):
        left, values = decode_view(loaded, sections[Tag.LEFT], header)
        if progress:
            progress(1, 1 if left_only else 2)
        if not left_only:
            seen = loaded.model.leading(values) if header.coupled else None
            del values
            right, _ = decode_view(loaded, sections[Tag.RIGHT], header, seen)
            if progress:
                progress(2, 2)
    return StereoPair(left, right, sections.get(Tag.ICC))


def check_views(left: np.ndarray, right: np.ndarray, quality: int) -> None:
    """Raise `InputError` unless both are uint8 [H, W, 3] of one size and the quality is 1..100."""
    for name, view in (("left", left), ("right", right)):
        if not isinstance(view, np.ndarray) or view.dtype != np.uint8 or view.ndim != 3 or view.shape[2] != 3:
            raise InputError(f"the {name} view must be a uint8 array [height, width, 3]")
        if not view.size:
            raise InputError(f"the {name} view has no pixels")
    if left.shape != right.shape:
        raise InputError(
            f"the views differ in size: left {left.shape[1]}x{left.shape[0]}, right {right.shape[1]}x{right.shape[0]}"
        )
    if isinstance(quality, bool) or not isinstance(quality, Integral) or not 1 <= quality <= 100:
        raise InputError(f"quality must be a whole number from 1 to 100, not {quality!r}")


@contextmanager
def memory_for(width: int, height: int) -> Iterator[None]:
    """Turn numpy's and torch's ways of running out of memory into a `LimitError`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise LimitError(f"there is not enough memory here for a pair of {width}x{height} pixels") from error


def pick_device(name: str) -> torch.device:
    """auto -> CUDA where there is one, else the CPU."""
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"unknown device {name!r}, expected auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("there is no CUDA device on this machine; use --device cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def grid(length: int, unit: int) -> int:
    return -(-length // unit)


def encode_view(loaded: Weights, view: np.ndarray, quality: int, left: Tensor | None = None) -> tuple[bytes, Tensor]:
    """One view, uint8 [H, W, 3], as an entropy-coded section, and its decoded latents in steps.

    The leading ones of the left view, given as `left`, help to code the right one.
    """
    coder = SymbolEncoder(loaded.tables)
    values = code_view(loaded, view, quality, coder, left)
    return coder.finish(), values


def code_view(
    loaded: Weights, view: np.ndarray, quality: int, coder: SymbolEncoder, left: Tensor | None = None
) -> Tensor:
    """Hand the symbols of one view to `coder`, tile by tile: hyper-latents, then pass by pass the latents.

    Returns the decoded latents in steps, float32 [1, N2, h, w].
    """
    model, tables = loaded.model, loaded.tables
    padding = (0, -view.shape[0] % BLOCK), (0, -view.shape[1] % BLOCK), (0, 0)
    pixels = torch.from_numpy(np.pad(view, padding, mode="edge")).to(model.steps.device).permute(2, 0, 1)[None]

    def code(channels: slice, targets: Tensor, mean: Tensor, index: Tensor) -> Tensor:
        mean, indexes = snap(mean, VALUE_BITS), table_indexes(index)
        symbols = quantise(targets - mean, indexes, tables)
        coder.encode(as_symbols(symbols), indexes)
        return (symbols + mean).clamp(-VALUE_MAX, VALUE_MAX)

    def code_tile(tile: Tile, seen: Tensor | None) -> Tensor:
        latents = on_tile(lambda part: model.analyse(part.float() - 128, quality), pixels, tile, model.margin, BLOCK)
        hyper = model.summarise(latents, quality)
        coder.encode(as_symbols(hyper), hyper_indexes(model.hyper_index, hyper.shape))
        return model.predict(hyper.double(), quality, latents.double(), code, latents.shape[2:], seen)

    return each_tile(loaded, (pixels.shape[2] // BLOCK, pixels.shape[3] // BLOCK), left, code_tile)


def decode_view(
    loaded: Weights, section: bytes, header: Header, left: Tensor | None = None
) -> tuple[np.ndarray, Tensor]:
    """One view, uint8 [height, width, 3], and its latents in steps, from its section and the left latents."""
    model, coder = loaded.model, SymbolDecoder(loaded.tables, section)
    device = model.steps.device

    def code(channels: slice, targets: None, mean: Tensor, index: Tensor) -> Tensor:
        symbols = torch.from_numpy(coder.decode(table_indexes(index))).to(device, torch.float64)
        return (symbols + snap(mean, VALUE_BITS)).clamp(-VALUE_MAX, VALUE_MAX)

    def decode_tile(tile: Tile, seen: Tensor | None) -> Tensor:
        shape = torch.Size((tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start))
        hyper_shape = (1, len(model.hyper_index), *(grid(length, HYPER_STRIDE) for length in shape))
        symbols = coder.decode(hyper_indexes(model.hyper_index, hyper_shape))
        return model.predict(torch.from_numpy(symbols).to(device, torch.float64), quality, None, code, shape, seen)

    quality = header.quality
    values = each_tile(loaded, (grid(header.height, BLOCK), grid(header.width, BLOCK)), left, decode_tile)
    coder.finish()
    pixels = in_tiles(lambda part: model.reconstruct(part, quality), values, model.margin)
    return pixels[0, :, : header.height, : header.width].permute(1, 2, 0).contiguous().cpu().numpy(), values


def each_tile(
    loaded: Weights, shape: tuple[int, int], left: Tensor | None, code_tile: Callable[[Tile, Tensor | None], Tensor]
) -> Tensor:
    """The latents in steps [1, N2, h, w] that `code_tile` makes of every tile and of what the left view shows there."""
    model = loaded.model
    values = torch.empty((1, model.config.N2, *shape), dtype=torch.float32, device=model.steps.device)
    seen = None if left is None else model.fusion.observe(left)
    for tile in split(*shape, CODED_TILE):
        values[(..., *tile)] = code_tile(tile, None if seen is None else model.fusion.around(seen, *tile))
    return values


def as_symbols(x: Tensor) -> np.ndarray:
    return x.cpu().numpy().astype(np.int64)


def table_indexes(index: Tensor) -> np.ndarray:
    """Real table indexes (exact fixed-point numbers) -> uint8."""
    return (index + 0.5).floor().clamp(0, TABLES - 1).to(torch.uint8).cpu().numpy()


def hyper_indexes(index: Tensor, shape: tuple[int, ...]) -> np.ndarray:
    """The table index of every hyper-latent [1, Z, h, w]: one per channel."""
    return np.broadcast_to(table_indexes(index)[None, :, None, None], shape)


def quantise(residual: Tensor, indexes: np.ndarray, tables: Tables) -> Tensor:
    """Rate-distortion optimised rounding of residuals (in steps): the integer of least bits + 8 * squared error.

    Tried are the nearest integer and its neighbours towards zero. This is the scalar form of the quantisation that
    video encoders call RDOQ (Karczewicz, Ye, Chong 2008); a symbol's influence on later tables is left out.
    """
    values = residual.cpu().numpy()
    best = np.round(values)
    least = np.full(values.shape, np.inf)
    nearest = best.copy()
    for shrink in range(SHRINK + 1):
        magnitude = np.maximum(np.abs(nearest) - shrink, 0)
        candidate = np.copysign(magnitude, nearest)
        bits = tables.cost[indexes, np.minimum(magnitude, WIDEST + 1).astype(np.int64)]
        cost = bits + DISTORTION * np.square(values - candidate)
        best, least = np.where(cost < least, candidate, best), np.minimum(cost, least)
    return torch.from_numpy(best + 0.0).to(residual.device)

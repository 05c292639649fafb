"""Encode a stereo pair to the bytes of a file and decode it: the one module that knows both pixels and bytes.

The left view is coded first and on its own. Its decoded pixels, moved by a displacement field, then predict the right
view. images -> views (latents, table indexes) -> entropy -> container, and back. It reads and writes no files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral

import numpy as np
import torch

from snncodec.config import MAX_PIXELS
from snncodec.container import Header, Tag, check_size, pack, unpack
from snncodec.coupling import couple
from snncodec.errors import InputError, LimitError, UnsupportedError
from snncodec.exact import exact_arithmetic
from snncodec.images import MAX_PROFILE_BYTES, StereoPair
from snncodec.prediction import decode_prediction
from snncodec.views import as_picture, block_shape, decode_view, encode_view, render
from snncodec.weights import find_by_id, load_weights

Progress = Callable[[int, int], None]


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
        coupling = None
        if not independent:
            seen = render(loaded, values, quality)
            del values
            coupling = couple(loaded, seen, right, quality)
        if coupling:
            sections[Tag.DISPARITY] = coupling.section
            sections[Tag.RIGHT], _ = encode_view(loaded, right, quality, coupling.warped, coupling.copied)
        else:
            sections[Tag.RIGHT], _ = encode_view(loaded, right, quality)
        if progress:
            progress(2, 2)
    coupled = coupling is not None
    return pack(Header(width, height, quality, loaded.id, coupled=coupled, adjusted=coupled), sections)


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
    size, quality = (header.height, header.width), header.quality
    shape, right, warped = block_shape(*size), None, None
    with exact_arithmetic(), memory_for(header.width, header.height):
        seen = render(loaded, decode_view(loaded, sections[Tag.LEFT], shape, quality), quality)
        if progress:
            progress(1, 1 if left_only else 2)
        if not left_only:
            if header.coupled:
                warped = decode_prediction(sections[Tag.DISPARITY], shape, header.adjusted).apply(seen)
            values = decode_view(loaded, sections[Tag.RIGHT], shape, quality, warped)
            right = as_picture(render(loaded, values, quality, warped), *size)
            if progress:
                progress(2, 2)
    return StereoPair(as_picture(seen, *size), right, sections.get(Tag.ICC))


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

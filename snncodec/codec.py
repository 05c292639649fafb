"""`Codec`: weights that stay loaded, with `encode` and `decode`; and the two functions that use one for a single pair.

Arguments are checked here, and torch's settings and shortage of memory are dealt with; the work is done in
`encoder.encode` and `decoder.decode`. It reads and writes no files but weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path

import numpy as np
import torch

from snncodec.bitstream.container import Header, Tag, check_size, unpack
from snncodec.constants import DEFAULT_EFFORT, EFFORTS, MAX_PIXELS, QUALITIES
from snncodec.decoder.decode import decode_pair
from snncodec.encoder.encode import EncodedPair, encode_pair
from snncodec.encoder.rd_estimate import RDEstimate
from snncodec.errors import InputError, LimitError, UnsupportedError
from snncodec.io.exif import clean_exif
from snncodec.io.images import StereoPair
from snncodec.io.rgb import MAX_PROFILE_BYTES
from snncodec.model.shipped_weights import load_weights
from snncodec.model.weights import LoadedWeights
from snncodec.model.weights_manifest import find_by_id
from snncodec.spiking.arithmetic import exact_arithmetic

Progress = Callable[[int, int], None]  # (views done, views in all)
MOST_PIXELS = 2**64  # that a limit may allow: more than any header can announce


class Codec:
    """Codes any number of pairs with weights that are read and checked once; may be shared between threads."""

    def __init__(self, weights: str | Path = "base", device: str = "auto") -> None:
        """`weights`: a shipped name or a file; `device`: auto, cpu or cuda. Raises `WeightsError` or `InputError`."""
        self.loaded: LoadedWeights = load_weights(str(weights), pick_device(device))

    def encode(
        self,
        left: np.ndarray,
        right: np.ndarray,
        quality: int = 50,
        *,
        independent: bool = False,
        effort: int = DEFAULT_EFFORT,
        icc: bytes | None = None,
        exif: bytes | None = None,
        progress: Progress | None = None,
    ) -> bytes:
        """The bytes of a file that holds two views.

        `left`, `right`: uint8 [H, W, 3] of one size; `quality` 1..100; `independent`: code the right view without the
        left; `effort` 1..9: how long to look for what makes the file smaller; `icc`: a colour profile to keep; `exif`:
        EXIF whose date, camera and exposure are kept.
        `InputError` for anything else, `LimitError` for too many pixels.
        """
        return self.encode_pair(
            left,
            right,
            quality,
            independent=independent,
            effort=effort,
            icc=icc,
            exif=exif,
            progress=progress,
            keep_left=False,
        ).data

    def encode_pair(
        self,
        left: np.ndarray,
        right: np.ndarray,
        quality: int = 50,
        *,
        independent: bool = False,
        effort: int = DEFAULT_EFFORT,
        icc: bytes | None = None,
        exif: bytes | None = None,
        progress: Progress | None = None,
        keep_left: bool = True,
    ) -> EncodedPair:
        """As `encode`, with the encoder's own reconstruction beside the bytes, if it may `keep_left` in memory."""
        check_views(left, right, quality)
        check_number("effort", effort, EFFORTS)
        icc = None if icc is None else checked_bytes(icc, "an ICC profile")
        exif = None if exif is None else checked_bytes(exif, "EXIF")
        if icc and len(icc) > MAX_PROFILE_BYTES:
            raise InputError(f"the colour profile has {len(icc)} bytes, the limit is {MAX_PROFILE_BYTES}")
        height, width = left.shape[:2]
        check_size(width, height)
        with exact_arithmetic(), memory_for(width, height):
            return encode_pair(
                self.loaded,
                StereoPair(left, right, icc, clean_exif(exif)),
                int(quality),
                independent,
                int(effort),
                progress,
                keep_left,
            )

    def estimate(self, left: np.ndarray, right: np.ndarray) -> RDEstimate:
        """About what a pair takes and reaches at any quality; views and errors as those of `encode`."""
        check_views(left, right, QUALITIES)
        height, width = left.shape[:2]
        check_size(width, height)
        with exact_arithmetic(), memory_for(width, height):
            return RDEstimate(self.loaded.codec, left, right)

    def decode(
        self,
        data: bytes,
        left_only: bool = False,
        *,
        max_pixels: int = MAX_PIXELS,
        progress: Progress | None = None,
    ) -> StereoPair:
        """The pair in the bytes of a file, or its left view alone: uint8 [H, W, 3] each.

        `max_pixels` bounds one view. Raises `FormatError`, `LimitError` or `UnsupportedError`; the same bytes give the
        same pixels on every machine.
        """
        check_number("max_pixels", max_pixels, MOST_PIXELS)
        return self.decode_sections(*unpack(checked_bytes(data), left_only, max_pixels), left_only, progress)

    def decode_sections(
        self,
        header: Header,
        sections: Mapping[Tag, bytes],
        left_only: bool = False,
        progress: Progress | None = None,
    ) -> StereoPair:
        """The pair in the parts of a file, which `unpack` has taken apart; errors as `decode`."""
        if self.loaded.id != header.weights_id:
            raise UnsupportedError(
                f"this file needs weights {header.weights_id.hex()}, but those at hand are {self.loaded.id.hex()}"
            )
        with exact_arithmetic(), memory_for(header.width, header.height):
            return decode_pair(self.loaded, header, sections, left_only, progress)


def encode(
    left: np.ndarray,
    right: np.ndarray,
    quality: int = 50,
    *,
    weights: str | Path = "base",
    independent: bool = False,
    effort: int = DEFAULT_EFFORT,
    device: str = "auto",
    icc: bytes | None = None,
    exif: bytes | None = None,
    progress: Progress | None = None,
) -> bytes:
    """The bytes of a file that holds two views; see `Codec` and `Codec.encode`."""
    check_views(left, right, quality)
    check_number("effort", effort, EFFORTS)
    codec = Codec(weights, device)
    return codec.encode(
        left, right, quality, independent=independent, effort=effort, icc=icc, exif=exif, progress=progress
    )


def decode(
    data: bytes,
    left_only: bool = False,
    *,
    weights: str | Path | None = None,
    device: str = "auto",
    max_pixels: int = MAX_PIXELS,
    progress: Progress | None = None,
) -> StereoPair:
    """The pair in `data`, or its left view alone; see `Codec.decode`.

    `weights` names the weights where they are not shipped; `UnsupportedError` if they are not those of the file.
    """
    check_number("max_pixels", max_pixels, MOST_PIXELS)
    header, sections = unpack(checked_bytes(data), left_only, max_pixels)
    codec = Codec(weights or find_by_id(header.weights_id), device)
    return codec.decode_sections(header, sections, left_only, progress)


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
    check_number("quality", quality, QUALITIES)


def check_number(name: str, number: int, largest: int) -> None:
    """Raise `InputError` unless it is a whole number from 1 to `largest`."""
    if isinstance(number, bool) or not isinstance(number, Integral) or not 1 <= number <= largest:
        raise InputError(f"{name} must be a whole number from 1 to {largest}, not {number!r}")


def checked_bytes(data: bytes, name: str = "a file to decode") -> bytes:
    """Bytes, whatever holds them; `InputError` for what are no bytes."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InputError(f"{name} must be given as bytes, not as {type(data).__name__}")
    return bytes(data)


def pick_device(name: str) -> torch.device:
    """auto -> CUDA where there is one, else the CPU."""
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"unknown device {name!r}, expected auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("there is no CUDA device on this machine; use --device cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


@contextmanager
def memory_for(width: int, height: int) -> Iterator[None]:
    """Turn numpy's and torch's ways of running out of memory into a `LimitError`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise LimitError(f"there is not enough memory here for a pair of {width}x{height} pixels") from error

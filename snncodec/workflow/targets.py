"""A pair and a goal (bytes, bits per pixel, PSNR) come in; the file whose quality meets it best goes out.

Files are coded whole until two neighbouring qualities stand on both sides of the goal, so that what comes out is the
file that `encode` makes at the quality that was chosen. One transform of both views tells how size and PSNR change with
the quality, and each file how far that is off, so that two or three files are mostly enough.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from snncodec.constants import QUALITIES
from snncodec.errors import InputError

if TYPE_CHECKING:
    from snncodec.codec import Codec
    from snncodec.io.images import StereoPair

Kind = Literal["size", "bpp", "psnr"]
SURE_STEPS = 5  # after so many files that were not foreseen rightly, the interval is halved


@dataclass(frozen=True)
class Target:
    """At most so many bytes (`size`), at most so many bits per pixel of both views (`bpp`), or at least so many dB
    of both views (`psnr`)."""

    kind: Kind
    value: float

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InputError(f"a target is a size, bpp or psnr, not {self.kind!r}")
        if not isinstance(self.value, int | float) or not 0 < self.value <= sys.float_info.max:
            raise InputError(f"a target must be a number above 0, not {self.value}")

    @property
    def is_least(self) -> bool:
        """Whether what is reached must not be below the value, but may be above it."""
        return self.kind == "psnr"

    def __str__(self) -> str:
        unit = {"size": "bytes", "bpp": "bpp", "psnr": "dB"}[self.kind]
        return f"{'at least' if self.is_least else 'at most'} {self.value:g} {unit}"


@dataclass(frozen=True)
class Met:
    """A file that meets a target, its quality, and what it reaches in the unit of the target."""

    data: bytes
    quality: int
    reached: float


def encode_to_target(codec: Codec, pair: StereoPair, target: Target, **options: Any) -> Met:
    """The best file of `Codec.encode` that is not above the target, or the smallest that is not below one of PSNR.

    `options` are those of `Codec.encode`. `InputError` where no quality from 1 to 100 meets the target.
    """
    from snncodec.benchmark.metrics import bpp, psnr_pair

    left, right = pair.views()
    files: dict[int, Met] = {}
    estimate = codec.estimate(left, right)

    def reach(quality: int) -> float:
        if quality not in files:
            coded = codec.encode_pair(left, right, quality, icc=pair.icc, exif=pair.exif, **options)
            reached = {
                "size": lambda: float(len(coded.data)),
                "bpp": lambda: bpp(len(coded.data), left.size // 3 * 2),
                "psnr": lambda: psnr_pair(pair, coded.reconstruction()),
            }[target.kind]()
            files[quality] = Met(coded.data, quality, reached)
        return files[quality].reached

    foresee = {
        "size": estimate.size,
        "bpp": lambda quality: 8 * estimate.size(quality) / (left.size // 3 * 2),
        "psnr": estimate.psnr,
    }[target.kind]
    return files[choose_quality(target, reach, foresee)]


def choose_quality(target: Target, reach: Callable[[int], float], foresee: Callable[[int], float]) -> int:
    """The highest quality at which `reach` is not above the target, or the lowest at which it is not below one that
    is a least value; it should rise with the quality, and about as `foresee` does, which costs nothing to ask.
    `InputError` where there is none."""
    scale = math.log if target.kind != "psnr" else float
    excess: dict[int, float] = {}

    def expected(quality: int) -> float:
        """What is known of the nearest quality, moved along the curve that was foreseen."""
        there = scale(foresee(quality))
        if not excess:
            return there - scale(target.value)
        near = min(excess, key=lambda known: abs(known - quality))
        return excess[near] + there - scale(foresee(near))

    low, high = 0, QUALITIES + 1
    while high - low > 1:
        between = range(low + 1, high)
        quality = between[len(between) // 2]
        if len(excess) < SURE_STEPS:
            place = bisect_left(between, True, key=lambda q: _too_high(expected(q), target))
            quality = between[min(max(place - (not target.is_least), 0), len(between) - 1)]
        excess[quality] = scale(reach(quality)) - scale(target.value)
        low, high = (low, quality) if _too_high(excess[quality], target) else (quality, high)
    chosen = high if target.is_least else low
    if not 1 <= chosen <= QUALITIES:
        end = min(max(chosen, 1), QUALITIES)
        raise InputError(f"no quality gives {target}: quality {end} gives {reach(end):.6g}")
    return chosen


def _too_high(excess: float, target: Target) -> bool:
    """Whether the quality that was looked for is a lower one, or this one itself for a least value."""
    return excess >= 0 if target.is_least else excess > 0

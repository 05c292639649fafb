"""A pair and a goal (bytes, bits per pixel, PSNR) come in; the file whose quality meets it best goes out.

Files are coded whole until two neighbouring qualities stand on both sides of the goal, so that what comes out is the
file that `encode` makes at the quality that was chosen. Sizes rise about exponentially with the quality, and PSNR about
linearly: the secant through what is known tells where to look next, and bisection takes its place where it stalls.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from snncodec.constants import QUALITIES
from snncodec.errors import InputError

if TYPE_CHECKING:
    from snncodec.codec import Codec
    from snncodec.io.images import StereoPair

FIRST_QUALITY = 50
SLOPES = {"size": 0.045, "bpp": 0.045, "psnr": 0.2}  # of the natural logarithm of bytes, or of dB, from q to q + 1


@dataclass(frozen=True)
class Target:
    """At most so many bytes (`size`), at most so many bits per pixel of both views (`bpp`), or at least so many dB
    of both views (`psnr`)."""

    kind: Literal["size", "bpp", "psnr"]
    value: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value > 0):
            raise InputError(f"a target must be a number above 0, not {self.value:g}")

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

    return files[choose_quality(target, reach)]


def choose_quality(target: Target, reach: Callable[[int], float]) -> int:
    """The highest quality at which `reach` is not above the target, or the lowest at which it is not below one that
    is a least value; `reach` should rise with the quality. `InputError` where there is none."""
    scale = math.log if target.kind != "psnr" else float
    known: dict[int, float] = {0: -math.inf, QUALITIES + 1: math.inf}
    low, high, quality = 0, QUALITIES + 1, FIRST_QUALITY
    while True:
        known[quality] = scale(reach(quality)) - scale(target.value)
        low, high = (low, quality) if _too_high(known[quality], target) else (quality, high)
        if high - low == 1:
            break
        quality = min(max(_guess(known, low, high, quality, SLOPES[target.kind]), low + 1), high - 1)
    chosen = high if target.is_least else low
    if not 1 <= chosen <= QUALITIES:
        end = min(max(chosen, 1), QUALITIES)
        raise InputError(f"no quality gives {target}: quality {end} gives {reach(end):.6g}")
    return chosen


def _too_high(excess: float, target: Target) -> bool:
    """Whether the quality that was looked for is a lower one, or this one itself for a least value."""
    return excess >= 0 if target.is_least else excess > 0


def _guess(known: dict[int, float], low: int, high: int, last: int, slope: float) -> int:
    """Where the straight line through both ends of the bracket meets the target; one end is enough, with a slope."""
    if math.isinf(known[low]) or math.isinf(known[high]):
        step = max(1, round(abs(known[last]) / slope)) * 2 ** (len(known) - 3)  # twice as far each time
        return last + step if last == low else last - step
    if len(known) > 7:  # the line stalls where sizes bend much
        return (low + high) // 2
    return low + round((high - low) * -known[low] / (known[high] - known[low]))

"""Pictures and byte counts come in; PSNR, MS-SSIM, bits per pixel and BD-rates go out.

Nothing is coded or read from disk here, and every metric looks at 8-bit RGB as users get it, never at network output.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from snncodec.errors import InputError
from snncodec.io.images import StereoPair

MS_SSIM_SIDE = 160  # five scales of an 11-tap window need more than (11 - 1) * 2**4 pixels on either side
MIN_POINTS = 4  # Bjontegaard's definition (VCEG-M33) uses four points; with fewer, the interpolation decides the result
MIN_OVERLAP = 0.5  # below half of the shorter curve, a BD-rate describes a corner of the range, not the codecs

Point = tuple[float, float]  # (bits per pixel, PSNR in dB)


@dataclass(frozen=True)
class BDResult:
    """BD-rate of one curve against another, in per cent; negative means that the test curve needs fewer bits.

    `percent` is None where no honest figure exists, and `reason` then says why; `overlap` (0..1) is the PSNR range that
    the curves share, as a part of the shorter curve's range.
    """

    percent: float | None
    overlap: float
    reason: str | None = None


def psnr(reference: np.ndarray, test: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 arrays of one shape: 10 log10(255^2 / MSE), inf when equal."""
    return _decibel(_squared_error(reference, test), reference.size)


def psnr_pair(pair: StereoPair, decoded: StereoPair) -> float:
    """PSNR in dB over both views at once: one mean squared error over left and right, not the mean of two PSNRs."""
    views = list(zip(pair.views(), decoded.views(), strict=True))
    return _decibel(sum(_squared_error(a, b) for a, b in views), sum(a.size for a, _ in views))


def bpp(num_bytes: int, num_pixels: int) -> float:
    """Bits per pixel: 8 x bytes of the whole file, header included, over the pixels of all views in it."""
    if num_bytes < 0 or num_pixels < 1:
        raise InputError(
            f"bits per pixel of {num_bytes} bytes over {num_pixels} pixels is undefined; give at least a pixel"
        )
    return 8 * num_bytes / num_pixels


def ms_ssim(reference: np.ndarray, test: np.ndarray) -> float | None:
    """Multi-scale SSIM (Wang, Simoncelli, Bovik 2003) of two uint8 [H, W, 3], on RGB, 0..1.

    None where a side has 160 pixels or fewer: five scales do not fit.
    """
    _check_alike(reference, test)
    if min(reference.shape[:2]) <= MS_SSIM_SIDE:
        return None
    import pytorch_msssim
    import torch

    batches = [torch.tensor(view).permute(2, 0, 1)[None].float() for view in (reference, test)]  # float32 [1, 3, H, W]
    with torch.no_grad():
        return float(pytorch_msssim.ms_ssim(*batches, data_range=255))


def ms_ssim_pair(pair: StereoPair, decoded: StereoPair) -> float | None:
    """The mean of `ms_ssim` over both views; None where it does not exist."""
    left, right = (ms_ssim(a, b) for a, b in zip(pair.views(), decoded.views(), strict=True))
    return None if left is None or right is None else (left + right) / 2


def bd_rate(anchor: Iterable[Point], test: Iterable[Point]) -> BDResult:
    """Average change of rate at equal PSNR from `anchor` to `test` (Bjontegaard, VCEG-M33), both curves of one pair.

    The log rate is interpolated piecewise by monotone cubics (pchip), which never leave the data as the cubic fit of
    VCEG-M33 does. Each curve is first cut to its Pareto front: a point that costs more than another and is not better
    is dropped, since no user would choose it and the rate would not be a function of PSNR. Points of infinite PSNR
    (lossless) or without bits are dropped too.

    For a data set, take the BD-rate of every pair and average those: a BD-rate of averaged curves mixes qualities that
    no single picture has, and the costliest pictures dominate it.
    """
    import bjontegaard

    fronts = [pareto_front(anchor), pareto_front(test)]
    shortest = min(len(front) for front in fronts)
    if shortest < MIN_POINTS:
        return BDResult(None, 0.0, f"a curve has {shortest} usable points, {MIN_POINTS} are needed")
    ranges = [(front[0][1], front[-1][1]) for front in fronts]
    shared = min(high for _, high in ranges) - max(low for low, _ in ranges)
    overlap = max(shared, 0.0) / min(high - low for low, high in ranges)
    if overlap < MIN_OVERLAP:
        return BDResult(
            None, overlap, f"the curves share {overlap:.0%} of their PSNR range, {MIN_OVERLAP:.0%} is needed"
        )
    columns = [np.array(column) for front in fronts for column in zip(*front, strict=True)]  # rate, PSNR, rate, PSNR
    percent = bjontegaard.bd_rate(*columns, method="pchip", require_matching_points=False, min_overlap=0)
    return BDResult(float(percent), overlap)


def pareto_front(points: Iterable[Point]) -> list[Point]:
    """The points of finite PSNR that no cheaper or equally cheap point equals or beats, cheapest first."""
    front: list[Point] = []
    for rate, quality in sorted(points, key=lambda point: (point[0], -point[1])):
        if rate > 0 and math.isfinite(quality) and (not front or quality > front[-1][1]):
            front.append((rate, quality))
    return front


def _check_alike(reference: np.ndarray, test: np.ndarray) -> None:
    if reference.shape != test.shape or reference.dtype != np.uint8 or test.dtype != np.uint8:
        found = f"{reference.dtype} {list(reference.shape)} and {test.dtype} {list(test.shape)}"
        raise InputError(f"cannot compare {found}; pictures must be uint8 arrays of one shape")


def _squared_error(reference: np.ndarray, test: np.ndarray) -> int:
    """Sum of squared differences as an exact integer, row by row: 50-megapixel views need no 64-bit copy."""
    _check_alike(reference, test)
    total = 0
    for row, other in zip(reference, test, strict=True):
        difference = (row.astype(np.int64) - other).ravel()
        total += int(difference @ difference)
    return total


def _decibel(squared_error: int, count: int) -> float:
    return 10 * math.log10(255**2 * count / squared_error) if squared_error else math.inf

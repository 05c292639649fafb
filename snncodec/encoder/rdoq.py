"""To which integers latents are rounded: residuals and the bits of each candidate in, the cheapest symbols out.

Training, trials and files round alike, each with its own idea of what a symbol costs. It knows no tables and no model.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# What a squared error of a latent of one step is worth in bits. bpp + lambda * MSE with lambda = 24 / step**2 is
# optimal for a uniform quantiser of that step; MSE is a mean over three channels, so a squared step counts 24 / 3 = 8.
# Measured, 10 is better by half a per cent.
SQUARED_STEP_BITS = 10.0
LEAST_STEP_BITS = 8.0  # the same at quality 1, which is asked for when a file has to be small
HYPER_ERROR_BITS = 4.0  # what that of a hyper-latent is worth: measured, it costs by worse probabilities only
SHRINK = 2  # tried are the nearest integer and up to two steps towards zero


def squared_step_bits(quality: int) -> float:
    """What a squared error of a latent of one step is worth in bits at a quality: less at 1 to 4 than from 5 on."""
    return min(SQUARED_STEP_BITS, LEAST_STEP_BITS + (SQUARED_STEP_BITS - LEAST_STEP_BITS) * (quality - 1) / 4)


def rdoq(
    residuals: np.ndarray,
    indexes: np.ndarray,
    bits_of: Callable[[np.ndarray, np.ndarray], np.ndarray],
    error_bits: float = SQUARED_STEP_BITS,
) -> tuple[np.ndarray, np.ndarray]:
    """The integers of least bits + `error_bits` * squared error for residuals [n], and the bits of each.

    `bits_of` takes integers and the table indexes that they are coded with. This is the scalar form of the quantisation
    that video encoders call RDOQ (Karczewicz, Ye, Chong 2008); a symbol's influence on later tables is left out.
    """
    best, bits = np.zeros_like(residuals), bits_of(np.zeros(1, dtype=np.int32), indexes)
    places = np.flatnonzero(np.abs(residuals) > 0.5)  # most residuals are next to zero, and stay there
    best[places], bits[places] = _cheapest(residuals[places], indexes[places], bits_of, error_bits)
    return best, bits


def _cheapest(
    residuals: np.ndarray,
    indexes: np.ndarray,
    bits_of: Callable[[np.ndarray, np.ndarray], np.ndarray],
    error_bits: float,
) -> tuple[np.ndarray, np.ndarray]:
    """`rdoq`, all candidates tried."""
    nearest = np.rint(residuals)
    tried = np.stack([np.sign(nearest) * np.maximum(np.abs(nearest) - shrink, 0) for shrink in range(SHRINK + 1)])
    bits = np.stack([bits_of(candidate, indexes) for candidate in tried])
    chosen = (bits + error_bits * np.square(residuals - tried)).argmin(0)[None]
    return np.take_along_axis(tried, chosen, 0)[0], np.take_along_axis(bits, chosen, 0)[0]

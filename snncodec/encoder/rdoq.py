"""To which integers latents are rounded: residuals and the bits of each candidate in, the cheapest symbols out.

Training, trials and files round alike, each with its own idea of what a symbol costs. It knows no tables and no model.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

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
    residual: Tensor, index: Tensor, bits_of: Callable[[Tensor, Tensor], Tensor], error_bits: float = SQUARED_STEP_BITS
) -> tuple[Tensor, Tensor]:
    """The integers of least bits + `error_bits` * squared error for residuals, and the bits of each.

    `bits_of` takes integers and the table indexes that they are coded with, both of one shape. This is the scalar form
    of the quantisation that video encoders call RDOQ (Karczewicz, Ye, Chong 2008); a symbol's influence on later tables
    is left out.
    """
    best = residual.round()
    bits = bits_of(torch.zeros_like(best), index).to(residual.dtype)
    places = best.flatten().nonzero()[:, 0]  # most residuals are next to zero, and stay there
    found = _cheapest(residual.flatten()[places], index.flatten()[places], bits_of, error_bits)
    for whole, part in zip((best, bits), found, strict=True):
        whole.view(-1)[places] = part
    return best, bits


def _cheapest(
    residual: Tensor, index: Tensor, bits_of: Callable[[Tensor, Tensor], Tensor], error_bits: float
) -> tuple[Tensor, Tensor]:
    """`rdoq` of residuals [n], all candidates tried."""
    nearest, least = residual.round(), torch.full_like(residual, torch.inf)
    best, bits = nearest, torch.zeros_like(residual)
    for shrink in range(SHRINK + 1):
        candidate = nearest.sign() * (nearest.abs() - shrink).clamp_min(0)
        rate = bits_of(candidate, index)
        cost = rate + error_bits * (residual - candidate).square()
        better = cost < least
        best, bits, least = torch.where(better, candidate, best), torch.where(better, rate, bits), cost.fmin(least)
    return best, bits

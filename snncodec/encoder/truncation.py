"""Whether a tile is truncated: its last group of latents is not coded, where estimates say that it is not worth it."""

from __future__ import annotations

import torch
from torch import Tensor

RARE_BITS = 9.0  # of a latent that is not zero, about, where nearly all are; larger ones cost their digits as well
ZERO_BITS = 0.25  # that coding has to be worth in each block, on average; nothing but zeros costs about half of it


def worth_truncating(error_bits: float, counted: Tensor, latents: Tensor, predicted: Tensor | None = None) -> bool:
    """For the last group of latents and of predicted ones, [1, C, h, w] in steps, of blocks that are `counted`, [h, w].

    An error of one step is worth `error_bits`.
    """
    coded = coded_bits(latents, error_bits)
    if predicted is not None:
        coded = torch.minimum(coded, coded_bits(latents - predicted, error_bits))
    gain = (error_bits * latents.square().sum((0, 1)) - coded) * counted
    return float(gain.sum()) <= ZERO_BITS * int(counted.sum())


def coded_bits(residuals: Tensor, error_bits: float) -> Tensor:
    """About what residuals [1, C, h, w] cost in bits, distortion included, [h, w]."""
    squares = residuals.square()
    return torch.minimum(error_bits * squares, (1 + squares).log2_().add_(RARE_BITS)).sum((0, 1))

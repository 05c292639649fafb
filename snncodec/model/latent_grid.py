"""Normative. The grids of decoded latents: in quantisation steps, and in pixel units; and table indexes as integers.

Which residuals symbols stand for is said in `bitstream.dependent_quantisation`; which symbols an encoder chooses is its
own affair (`encoder.quantiser`).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from snncodec.bitstream.frequency_tables import SCALES
from snncodec.model.lapped_transform import LATENT_MAX
from snncodec.model.quality import STEP_BITS
from snncodec.spiking.fixed_point import snap_, snap_through

VALUE_BITS, VALUE_MAX = 6, 2.0**17  # decoded latents, in steps, fit float32 exactly: multiples of 1/64, bounded


def snap_latents(values: Tensor) -> Tensor:
    """Latents in steps -> the nearest on their grid, with the gradient of the identity."""
    return snap_through(values, VALUE_BITS).clamp(-VALUE_MAX, VALUE_MAX)


def reconstruct_latents(levels: Tensor, mean: Tensor) -> Tensor:
    """Decoded residuals and the means (snapped) that they are coded around -> decoded latents in steps."""
    return (levels + mean).clamp_(-VALUE_MAX, VALUE_MAX)


def dequantise(values: Tensor, step: Tensor) -> Tensor:
    """Latents in steps -> latents in pixel units, on the 1/64 grid and bounded (float64)."""
    return snap_(values.double().mul_(step), STEP_BITS).clamp_(-LATENT_MAX, LATENT_MAX)


def table_indexes(index: Tensor) -> np.ndarray:
    """Real table indexes (exact fixed-point numbers) -> uint8."""
    return (index + 0.5).floor_().clamp_(0, SCALES - 1).to(torch.uint8).cpu().numpy()

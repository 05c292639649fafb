"""Normative. How bright the left view is in the right one: a gain and an offset for each colour of predictions.

Cameras, scanners and old slides expose two views differently; a prediction that does so as well is cheaper to correct
(Boyce, "Weighted prediction in the H.264/MPEG AVC video coding standard", ISCAS 2004).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

GAIN_UNIT, OFFSET_UNIT = 256, 2  # gains are coded as 1/256 more or less than 1, offsets in halves of a grey level
MIDDLE = 128  # the grey level that a gain leaves alone
ROWS = 64  # of pixels that are looked up at once


def apply_weights(pixels: Tensor, weights: np.ndarray) -> Tensor:
    """uint8 [3, H, W] with int8 weights [3, 2] (gain, offset), in integers; zeros change nothing."""
    gain, offset = weights.astype(np.int64).T[..., None]
    units = (np.arange(256) - MIDDLE) * (GAIN_UNIT + gain) * OFFSET_UNIT + offset * GAIN_UNIT
    total = GAIN_UNIT * OFFSET_UNIT
    levels = ((units + total // 2) // total + MIDDLE).clip(0, 255).astype(np.uint8)  # [3, 256]
    tables, weighted = torch.from_numpy(levels).to(pixels.device), torch.empty_like(pixels)
    for table, colour, out in zip(tables, pixels, weighted, strict=True):
        for rows, target in zip(colour.split(ROWS), out.split(ROWS), strict=True):
            torch.index_select(table, 0, rows.int().flatten(), out=target.view(-1))
    return weighted

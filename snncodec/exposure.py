"""How bright the left view is in the right one: a gain and an offset for each colour, found by the encoder.

Cameras, scanners and old slides expose two views differently; a prediction that does so as well is cheaper to correct
(weighted prediction: Boyce, "Weighted prediction in the H.264/MPEG AVC video coding standard", ISCAS 2004).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

GAIN_UNIT, OFFSET_UNIT = 256, 2  # gains are coded as 1/256 more or less than 1, offsets in halves of a grey level
MIDDLE = 128  # the grey level that a gain leaves alone
ENOUGH = 2**17  # pixels to fit
ROUNDS = 4  # fits, each of them without what the last one left as outliers
FARTHEST, OUTLIER = 30.0, 3.0  # grey levels, and medians of all errors, at which a pixel shows something else
CALM = 16.0  # variance below which pixels do not tell a gain


def match_exposure(warped: Tensor, right: np.ndarray) -> np.ndarray:
    """The exposure int8 [3, 2] (gain, offset) with which `warped` (uint8 [4, 16 h, 16 w]) is most like `right`.

    `right` is uint8 [H, W, 3]; only matched blocks count. Zeros change nothing.
    """
    height, width = right.shape[:2]
    pixels = warped[:, :height, :width].cpu().numpy()
    places = np.flatnonzero(pixels[3])
    if not places.size:
        return np.zeros((3, 2), dtype=np.int8)
    places = places[:: -(-places.size // ENOUGH)]
    views = pixels[:3].reshape(3, -1), right.reshape(-1, 3).T
    seen, wanted = (view[:, places] - float(MIDDLE) for view in views)
    exposure = np.array([fit(*channel) for channel in zip(seen, wanted, strict=True)]) * (GAIN_UNIT, OFFSET_UNIT)
    return np.rint(exposure).clip(-128, 127).astype(np.int8)


def fit(seen: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """By how much more than one `seen` [n] is to be multiplied, and what is to be added, for most of `wanted` [n]."""
    gain, offset = 0.0, float(np.median(wanted - seen))
    for _ in range(ROUNDS):
        error = np.abs(seen * (1 + gain) + offset - wanted)
        near = error <= min(FARTHEST, OUTLIER * np.median(error) + 1)
        if not near.any():
            break
        a, b = seen[near], wanted[near]
        gain = np.mean((a - a.mean()) * (b - a - (b - a).mean())) / (a.var() + CALM)
        gain = np.rint(gain * GAIN_UNIT).clip(-128, 127) / GAIN_UNIT
        offset = np.mean(b - a * (1 + gain))
    return gain, offset


def expose(warped: Tensor, exposure: np.ndarray) -> Tensor:
    """`warped` (uint8 [4, 16 h, 16 w]) with an exposure int8 [3, 2]; integers, exact on every machine."""
    gain, offset = exposure.astype(np.int64).T[..., None]
    units = (np.arange(256) - MIDDLE) * (GAIN_UNIT + gain) * OFFSET_UNIT + offset * GAIN_UNIT
    total = GAIN_UNIT * OFFSET_UNIT
    levels = ((units + total // 2) // total + MIDDLE).clip(0, 255).astype(np.uint8)  # [3, 256]
    tables = torch.from_numpy(levels).to(warped.device)
    return torch.stack([*(table[pixels.int()] for table, pixels in zip(tables, warped, strict=False)), warped[3]])

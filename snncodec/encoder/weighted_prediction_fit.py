"""How bright the left view is in the right one: the encoder's robust fit of a gain and an offset per colour."""

from __future__ import annotations

import numpy as np

from snncodec.constants import BLOCK
from snncodec.decoder.weighted_prediction import GAIN_UNIT, MIDDLE, OFFSET_UNIT
from snncodec.model.prediction import PredictedView

ENOUGH = 2**15  # pixels to fit
AT_ONCE = 2**22  # pixels that are counted at once
ROUNDS = 4  # fits, each of them without what the last one left as outliers
FARTHEST, OUTLIER = 30.0, 3.0  # grey levels, and medians of all errors, at which a pixel shows something else
FLAT = 16.0  # variance below which pixels do not tell a gain


def fit_weights(predicted: PredictedView, right: np.ndarray) -> np.ndarray:
    """The weights int8 [3, 2] (gain, offset) with which a prediction (uint8) is most like `right` (uint8 [H, W, 3]).

    Only matched blocks count. Zeros change nothing.
    """
    height, width = right.shape[:2]
    pixels = predicted.pixels[0, :, :height, :width].cpu().numpy()
    matched = predicted.matched[0, 0].cpu().numpy().repeat(BLOCK, 0).repeat(BLOCK, 1)[:height, :width]
    if not matched.any():
        return np.zeros((3, 2), dtype=np.int8)
    rows, columns = np.divmod(every(matched.ravel(), -(-int(matched.sum()) // ENOUGH)), width)
    seen, wanted = (view - float(MIDDLE) for view in (pixels[:, rows, columns], right[rows, columns].T))
    weights = np.array([_fit(*channel) for channel in zip(seen, wanted, strict=True)]) * (GAIN_UNIT, OFFSET_UNIT)
    return np.rint(weights).clip(-128, 127).astype(np.int8)


def every(mask: np.ndarray, step: int) -> np.ndarray:
    """The places of every `step`-th truth of a mask, bool [n], from the first one on; part by part, to save memory."""
    places, passed = [np.empty(0, dtype=np.int64)], 0
    for start in range(0, mask.size, AT_ONCE):
        found = np.flatnonzero(mask[start : start + AT_ONCE])
        places.append(found[-passed % step :: step] + start)
        passed += found.size
    return np.concatenate(places)


def _fit(seen: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """By how much more than one `seen` [n] is to be multiplied, and what is to be added, for most of `wanted` [n]."""
    gain, offset = 0.0, float(np.median(wanted - seen))
    for _ in range(ROUNDS):
        error = np.abs(seen * (1 + gain) + offset - wanted)
        near = error <= min(FARTHEST, OUTLIER * np.median(error) + 1)
        if not near.any():
            break
        a, b = seen[near], wanted[near]
        gain = np.mean((a - a.mean()) * (b - a - (b - a).mean())) / (a.var() + FLAT)
        gain = np.rint(gain * GAIN_UNIT).clip(-128, 127) / GAIN_UNIT
        offset = np.mean(b - a * (1 + gain))
    return gain, offset

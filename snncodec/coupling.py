"""How a right view is coded given the left one: two pictures in, a prediction and the mode of every block out.

A block is coded alone, or with the prediction, or its latents are copied from it. Estimates choose the displacement
field; what is gained by it is then measured by coding the view both ways, and blocks without a gain are left alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor

from snncodec.config import BLOCK
from snncodec.disparity import LEAST_SHARE
from snncodec.prediction import Prediction, encode_prediction, predict
from snncodec.trial import try_view
from snncodec.weights import Weights

SAMPLE = 20  # blocks to a side of the window in which kernels are compared
SHARP_TO_SMOOTH = (2, 0, 1, 3, 4, 5)  # kernels
LOOKS = ((0, LEAST_SHARE), (5, 0.1))  # kernels and what a field must save with them; the second finds bad focus: there
# is something that saves 0.2 or more, but what is smooth saves up to 0.06 of strangers, too
MARGIN = 6.0  # bits that a block must gain by being alone: its neighbours lose a little


class Coupling(NamedTuple):
    """What the right view is coded with."""

    section: bytes  # DISPARITY
    warped: Tensor  # uint8 [4, 16 h, 16 w], the prediction and where it counts
    copied: np.ndarray  # bool [h, w]


def couple(loaded: Weights, seen: Tensor, right: np.ndarray, quality: int) -> Coupling | None:
    """The coupling of `right` (uint8 [H, W, 3]) to the decoded left view (uint8 [3, 16 h, 16 w]).

    None if the views have so little in common that coding them independently costs less.
    """
    step = float(loaded.model.steps[quality - 1])
    for kernel, share in LOOKS:
        prediction = predict(seen, right, step, kernel, share)
        if prediction.field[2].any():
            break
    else:
        return None
    kernel = best_kernel(loaded, seen, right, quality, prediction)
    if kernel != prediction.kernel:
        prediction = predict(seen, right, step, kernel)
    alone = try_view(loaded, right, quality)
    given = try_view(loaded, right, quality, prediction.apply(seen))
    gains = (alone.bits + alone.pixel_error - given.bits - given.pixel_error).cpu().numpy()
    prediction.field[2] *= gains > -MARGIN
    section, prediction = encode_prediction(prediction)
    matched = prediction.field[2] > 0
    if gains[matched].sum() < 8 * len(section):
        return None
    copied = (given.copy_error <= given.bits + given.latent_error).cpu().numpy() & matched
    return Coupling(section, prediction.apply(seen), copied)


def best_kernel(loaded: Weights, seen: Tensor, right: np.ndarray, quality: int, prediction: Prediction) -> int:
    """The kernel with which the matched blocks in the middle of the view are cheapest, as far as steps do not lose."""
    shape = prediction.field.shape[1:]
    first = [max(0, (length - SAMPLE) // 2) for length in shape]
    blocks = tuple(slice(start, start + SAMPLE) for start in first)
    pixels = tuple(slice(start * BLOCK, (start + SAMPLE) * BLOCK) for start in first)
    matched = prediction.field[2][blocks] > 0

    def cost(kernel: int) -> float:
        warped = prediction._replace(kernel=kernel).apply(seen)[:, *pixels]
        trial = try_view(loaded, right[pixels], quality, warped)
        return float((trial.bits + trial.pixel_error).cpu().numpy()[matched].sum())

    best, least = prediction.kernel, cost(prediction.kernel)
    place = SHARP_TO_SMOOTH.index(best)
    for way in SHARP_TO_SMOOTH[place + 1 :], SHARP_TO_SMOOTH[:place][::-1]:
        for kernel in way:
            if (bits := cost(kernel)) > least:
                break
            best, least = kernel, bits
        if best != prediction.kernel:
            break
    return best

"""How a right view is coded given the left one: two pictures in, a prediction and the mode of every block out.

A block is coded intra, or inter (with the prediction), or skipped (its latents are copied from it). Estimates choose
the displacement field; what is gained by it is then measured by coding the view both ways, and blocks without a gain
are left intra.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from snncodec.constants import BLOCK
from snncodec.decoder.inter_view import InterViewPrediction, encode_inter_view
from snncodec.decoder.tiling import Tile
from snncodec.decoder.view import as_picture
from snncodec.encoder.displacement_search import LEAST_SHARE, DisplacementSearch
from snncodec.encoder.rd_trial import Trial, try_view
from snncodec.encoder.weighted_prediction_fit import fit_weights
from snncodec.model.prediction import PredictedView
from snncodec.model.weights import LoadedWeights

SAMPLE = 20  # blocks to a side of the window in which kernels are compared
SHARP_TO_SMOOTH = (2, 0, 1, 3, 4, 5, 6)  # kernels
SEARCH_ATTEMPTS = ((0, LEAST_SHARE), (5, 0.1))  # kernels and what a field must save with them; the second finds bad
# focus: there is something that saves 0.2 or more, but what is smooth saves up to 0.06 of unrelated pairs, too
INTRA_MARGIN_BITS = 6.0  # that a block must gain by being intra: its neighbours lose a little


@dataclass(frozen=True, eq=False)
class InterViewModes:
    """What the right view is coded with."""

    section: bytes  # DISPARITY
    predicted: PredictedView  # uint8
    skipped: np.ndarray  # bool [h, w]


@dataclass(frozen=True, eq=False)
class ModeDecision:
    """The modes of an inter-view coded right view, or None; and the trial to go on from, if one was made."""

    modes: InterViewModes | None
    trial: Trial | None


def decide_inter_view(
    loaded: LoadedWeights, left_reconstruction: Tensor, right: np.ndarray, quality: int
) -> ModeDecision:
    """How to code `right` (uint8 [H, W, 3]) given the decoded left view (uint8 [3, 16 h, 16 w]).

    Without inter-view modes if the views have so little in common that coding them independently costs less.
    """
    prediction = find_prediction(loaded, left_reconstruction, right, quality)
    if prediction is None:
        return ModeDecision(None, None)
    intra = try_view(loaded, right, quality)
    inter = try_view(loaded, right, quality, prediction.apply(left_reconstruction))
    gains = intra.cost - inter.cost
    field = replace(prediction.field, matched=prediction.field.matched & (gains > -INTRA_MARGIN_BITS))
    section, prediction = encode_inter_view(replace(prediction, field=field))
    matched = prediction.field.matched
    if gains[matched].sum() < 8 * len(section):
        return ModeDecision(None, intra)
    skipped = inter.coded.skip_distortion <= inter.coded.bits + inter.coded.distortion
    modes = InterViewModes(section, prediction.apply(left_reconstruction), skipped.cpu().numpy() & matched)
    return ModeDecision(modes, inter)


def find_prediction(
    loaded: LoadedWeights, left_reconstruction: Tensor, right: np.ndarray, quality: int
) -> InterViewPrediction | None:
    """The prediction of the right view that estimates find best, or None for views with too little in common."""
    left = as_picture(left_reconstruction, *right.shape[:2])
    search = DisplacementSearch(left, right, float(loaded.codec.steps[quality - 1]))
    for kernel, share in SEARCH_ATTEMPTS:
        prediction = predict_with(search, left_reconstruction, right, kernel, share)
        if prediction.field.matched.any():
            break
    else:
        return None
    kernel = best_kernel(loaded, left_reconstruction, right, quality, prediction)
    if kernel == prediction.kernel:
        return prediction
    found = predict_with(search, left_reconstruction, right, kernel)
    return found if found.field.matched.any() else replace(prediction, kernel=kernel)


def predict_with(
    search: DisplacementSearch,
    left_reconstruction: Tensor,
    right: np.ndarray,
    kernel: int = 0,
    least_share: float = LEAST_SHARE,
) -> InterViewPrediction:
    """The best prediction with one interpolation kernel: its field, and its weights."""
    unweighted = InterViewPrediction(search.find(kernel, least_share), kernel, np.zeros((3, 2), dtype=np.int8))
    return replace(unweighted, weights=fit_weights(unweighted.apply(left_reconstruction), right))


def best_kernel(
    loaded: LoadedWeights,
    left_reconstruction: Tensor,
    right: np.ndarray,
    quality: int,
    prediction: InterViewPrediction,
) -> int:
    """The kernel with which matched blocks in the middle of the view are cheapest, as far as steps on the way gain."""
    first = (max(0, (length - SAMPLE) // 2) for length in prediction.field.matched.shape)
    lengths = prediction.field.matched.shape
    part = Tile(*(slice(at, min(at + SAMPLE, length)) for at, length in zip(first, lengths, strict=True)))
    pixels, matched = right[part.pixels(BLOCK)], prediction.field.matched[part]

    def cost(kernel: int) -> float:
        predicted = replace(prediction, kernel=kernel).apply(left_reconstruction, part)
        return float(try_view(loaded, pixels, quality, predicted).cost[matched].sum())

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

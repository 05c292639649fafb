"""How a right view is coded given the left one: two pictures in, a prediction and the mode of every block out.

A block is coded intra, or inter (with the prediction), or skipped (its latents are copied from it). Estimates choose
the displacement field, and leave blocks intra that would gain too little; whether it is better to skip a block is
measured by coding the view for trial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from snncodec.constants import BLOCK
from snncodec.decoder.inter_view import InterViewPrediction, encode_inter_view
from snncodec.decoder.tiling import Tile
from snncodec.decoder.view import as_picture, map_coding_tiles
from snncodec.encoder.analysis import analyse_view
from snncodec.encoder.block_cost import coefficient_bits
from snncodec.encoder.displacement_search import LEAST_SHARE, DisplacementSearch
from snncodec.encoder.effort import Effort
from snncodec.encoder.rd_trial import Trial, try_view
from snncodec.encoder.weighted_prediction_fit import fit_weights
from snncodec.model.exact_codec import ExactCodec
from snncodec.model.prediction import PredictedLatents, PredictedView
from snncodec.model.weights import LoadedWeights
from snncodec.stopwatch import timed

SAMPLE = 20  # blocks to a side of the window in which kernels are compared
SHARP_TO_SMOOTH = (2, 0, 1, 3, 4, 5, 6)  # kernels
SEARCH_ATTEMPTS = ((0, LEAST_SHARE), (5, 0.1))  # kernels and what a field must save with them; the second finds bad
# focus: there is something that saves 0.2 or more, but what is smooth saves up to 0.06 of unrelated pairs, too
LEAST_GAIN_BITS, LEAST_GAIN_SHARE = 5.0, 0.05  # that a block must be estimated to gain by the prediction


@dataclass(frozen=True, eq=False)
class InterViewModes:
    """What the right view is coded with."""

    section: bytes  # DISPARITY
    predicted: PredictedView  # uint8
    skipped: np.ndarray  # bool [h, w]


def decide_inter_view(
    loaded: LoadedWeights, left_reconstruction: Tensor, right: np.ndarray, quality: int, effort: Effort
) -> tuple[InterViewModes | None, Trial | None]:
    """How to code `right` (uint8 [H, W, 3]) given the decoded left view (uint8 [3, 16 h, 16 w]).

    And the trial to go on from, if one was made. Neither if the views have so little in common that coding them
    independently costs less.
    """
    prediction = find_prediction(loaded, left_reconstruction, right, quality, effort)
    if prediction is None:
        return None, None
    latents = analyse_view(loaded.codec, right, quality)
    gains, enough = estimate_gains(loaded.codec, latents, quality, prediction.apply(left_reconstruction))
    matched = prediction.field.matched & enough
    section, prediction = encode_inter_view(replace(prediction, field=replace(prediction.field, matched=matched)))
    if gains[matched].sum() < 8 * len(section):
        return None, None
    predicted, trial, skipped = prediction.apply(left_reconstruction), None, np.zeros_like(matched)
    if effort.inter_trial:
        trial = try_view(loaded, right, quality, predicted)
        coded = trial.coded
        skipped = matched & (coded.skip_distortion <= coded.bits + coded.distortion).cpu().numpy()
    return InterViewModes(section, predicted, skipped), trial


@timed("search")
def estimate_gains(
    codec: ExactCodec, latents: Tensor, quality: int, predicted: PredictedView
) -> tuple[np.ndarray, np.ndarray]:
    """Bits that each block is estimated to gain by the prediction, float64 [h, w], and whether that is enough.

    `latents` are those of the right view in steps, float32 [1, N2, h, w].
    """
    intra, inter = torch.zeros((2, *latents.shape[2:]), dtype=torch.float64, device=latents.device)

    def estimate(tile: Tile, prediction: PredictedLatents | None) -> Tensor:
        assert prediction is not None  # it was given
        there = latents[(..., *tile)]
        intra[tile] = coefficient_bits(there).sum((0, 1))
        inter[tile] = coefficient_bits(there - prediction.values).sum((0, 1))
        return there

    map_coding_tiles(codec, (latents.shape[2], latents.shape[3]), quality, predicted, estimate)
    gains = (intra - inter).cpu().numpy()
    return gains, gains > np.maximum(LEAST_GAIN_BITS, LEAST_GAIN_SHARE * intra.cpu().numpy())


@timed("search")
def find_prediction(
    loaded: LoadedWeights, left_reconstruction: Tensor, right: np.ndarray, quality: int, effort: Effort
) -> InterViewPrediction | None:
    """The prediction of the right view that estimates find best, or None for views with too little in common."""
    left = as_picture(left_reconstruction, *right.shape[:2])
    search = DisplacementSearch(left, right, float(loaded.codec.steps[quality - 1]), effort)
    for kernel, share in SEARCH_ATTEMPTS:
        prediction = predict_with(search, left_reconstruction, right, kernel, share)
        if prediction.field.matched.any():
            break
    else:
        return None
    kernel = best_kernel(prediction, kernel_cost(loaded.codec, left_reconstruction, right, quality, prediction))
    if kernel == prediction.kernel:
        return prediction
    if effort.search_again:
        found = predict_with(search, left_reconstruction, right, kernel)
        return found if found.field.matched.any() else replace(prediction, kernel=kernel)
    other = replace(prediction, kernel=kernel, weights=np.zeros((3, 2), dtype=np.int8))
    return replace(other, weights=fit_weights(other.apply(left_reconstruction), right))


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


def kernel_cost(
    codec: ExactCodec, left_reconstruction: Tensor, right: np.ndarray, quality: int, prediction: InterViewPrediction
) -> Callable[[int], float]:
    """What matched blocks in the middle of the view are estimated to cost with a kernel, but for a constant."""
    lengths = prediction.field.matched.shape
    first = (max(0, (length - SAMPLE) // 2) for length in lengths)
    part = Tile(*(slice(at, min(at + SAMPLE, length)) for at, length in zip(first, lengths, strict=True)))
    latents, matched = analyse_view(codec, right[part.pixels(BLOCK)], quality), prediction.field.matched[part]

    def cost(kernel: int) -> float:
        predicted = replace(prediction, kernel=kernel).apply(left_reconstruction, part)
        return -float(estimate_gains(codec, latents, quality, predicted)[0][matched].sum())

    return cost


def best_kernel(prediction: InterViewPrediction, cost: Callable[[int], float]) -> int:
    """The kernel of least cost, as far as steps from that of the prediction on the way gain."""
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

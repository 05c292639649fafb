"""How a right view is coded given the left one: two pictures in, a prediction and the mode of every block out.

A block is coded intra, or inter (with the prediction), or skipped (its latents are copied from it). Estimates choose
the displacement field, leave blocks intra that would gain too little, and skip those where no more is worth coding;
with more effort that is measured by coding the view for trial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from snncodec.bitstream.displacement_field import DisplacementField
from snncodec.constants import BLOCK
from snncodec.decoder.inter_view import InterViewPrediction, encode_inter_view
from snncodec.decoder.tiling import in_tiles, middle
from snncodec.decoder.weighted_prediction import apply_weights
from snncodec.encoder.analysis import analyse_view, predicted_latents
from snncodec.encoder.block_cost import coefficient_bits
from snncodec.encoder.displacement_search import LEAST_SHARE, DisplacementSearch
from snncodec.encoder.effort import Effort
from snncodec.encoder.rd_trial import Trial, try_view
from snncodec.encoder.rdoq import squared_step_bits
from snncodec.encoder.weighted_prediction_fit import fit_weights
from snncodec.model.exact_codec import ExactCodec
from snncodec.model.prediction import PredictedView
from snncodec.model.weights import LoadedWeights
from snncodec.stopwatch import timed

SAMPLE = 20  # blocks to a side of the window in which kernels are compared
SHARP_TO_SMOOTH = (2, 0, 1, 3, 4, 5, 6)  # kernels
SEARCH_ATTEMPTS = ((0, LEAST_SHARE), (5, 0.1))  # kernels and what a field must save with them; the second finds bad
# focus: there is something that saves 0.2 or more, but what is smooth saves up to 0.06 of unrelated pairs, too
# What coding costs where leaving a latent out costs an error worth e bits: 1.06 e, and at most about 4.5 bits.
CODED_ERROR, CODED_BITS = 1.06, 4.5
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
    found = find_prediction(loaded, left_reconstruction, right, quality, effort)
    if found is None:
        return None, None
    prediction, predicted = found
    skipped = np.zeros_like(prediction.field.matched)
    if effort.intra_blocks:
        gains = estimate_gains(loaded.codec, analyse_view(loaded.codec, right, quality), quality, predicted)
        matched = prediction.field.matched & gains.enough
        prediction = replace(prediction, field=replace(prediction.field, matched=matched))
        skipped = matched & gains.skippable
    section, prediction = encode_inter_view(prediction)
    if effort.intra_blocks and gains.bits[matched].sum() < 8 * len(section):
        return None, None
    predicted, trial = prediction.apply(left_reconstruction), None
    if effort.inter_trial:
        trial = try_view(loaded, right, quality, predicted)
        coded = trial.coded
        skipped = matched & (coded.skip_distortion <= coded.bits + coded.distortion).cpu().numpy()
    return InterViewModes(section, predicted, skipped), trial


@dataclass(frozen=True, eq=False)
class Gains:
    """What each block is estimated to gain by the prediction, [h, w]."""

    bits: np.ndarray  # float64
    enough: np.ndarray  # bool: so many that the prediction is worth it
    skippable: np.ndarray  # bool: nothing but the prediction is worth coding


@timed("search")
def estimate_gains(codec: ExactCodec, latents: Tensor, quality: int, predicted: PredictedView) -> Gains:
    """What blocks gain by a prediction; `latents` are those of the right view in steps, float32 [1, N2, h, w]."""

    def estimate(there: Tensor, pixels: Tensor, matched: Tensor) -> Tensor:
        residual = there - predicted_latents(codec, quality, pixels, matched)
        costs = [coefficient_bits(there).sum(1), coefficient_bits(residual).sum(1)]
        errors = residual.square_().mul_(squared_step_bits(quality))
        return torch.stack([*costs, (errors - (CODED_ERROR * errors).clamp_(max=CODED_BITS)).sum(1)], dim=1)

    maps, shape = [latents, predicted.pixels, predicted.matched], (latents.shape[2], latents.shape[3])
    intra, inter, excess = in_tiles(estimate, maps, shape, 1)[0].double().cpu().numpy()
    enough = intra - inter > np.maximum(LEAST_GAIN_BITS, LEAST_GAIN_SHARE * intra)
    return Gains(intra - inter, enough, excess <= 0)


@timed("search")
def find_prediction(
    loaded: LoadedWeights, left_reconstruction: Tensor, right: np.ndarray, quality: int, effort: Effort
) -> tuple[InterViewPrediction, PredictedView] | None:
    """The prediction of the right view that estimates find best, and what it shows; None if too little is in common."""
    height, width = right.shape[:2]
    left = left_reconstruction[:, :height, :width].permute(1, 2, 0).cpu().numpy()
    search = DisplacementSearch(left, right, float(loaded.codec.steps[quality - 1]), effort)
    for kernel, share in SEARCH_ATTEMPTS:
        prediction, predicted = predict_with(search, left_reconstruction, right, kernel, share)
        if prediction.field.matched.any():
            break
    else:
        return None
    if not effort.kernels:
        return prediction, predicted
    kernel = best_kernel(prediction, kernel_cost(loaded.codec, left_reconstruction, right, quality, prediction))
    if effort.search_again:
        found = predict_with(search, left_reconstruction, right, kernel, start=prediction.field)
        if found[0].field.matched.any():
            return found
    if kernel == prediction.kernel:
        return prediction, predicted
    return with_weights(prediction.field, kernel, left_reconstruction, right)


def predict_with(
    search: DisplacementSearch,
    left_reconstruction: Tensor,
    right: np.ndarray,
    kernel: int = 0,
    least_share: float = LEAST_SHARE,
    start: DisplacementField | None = None,
) -> tuple[InterViewPrediction, PredictedView]:
    """The best prediction with one interpolation kernel, its field and its weights; and what it shows."""
    return with_weights(search.find(kernel, least_share, start), kernel, left_reconstruction, right)


def with_weights(
    field: DisplacementField, kernel: int, left_reconstruction: Tensor, right: np.ndarray
) -> tuple[InterViewPrediction, PredictedView]:
    """A field and a kernel with the weights that suit them best, and what they show."""
    unweighted = InterViewPrediction(field, kernel, np.zeros((3, 2), dtype=np.int8))
    seen = unweighted.apply(left_reconstruction)
    weights = fit_weights(seen, right)
    return replace(unweighted, weights=weights), replace(seen, pixels=apply_weights(seen.pixels[0], weights)[None])


def kernel_cost(
    codec: ExactCodec, left_reconstruction: Tensor, right: np.ndarray, quality: int, prediction: InterViewPrediction
) -> Callable[[int], float]:
    """What matched blocks in the middle of the view are estimated to cost with a kernel, but for a constant."""
    rows, columns = prediction.field.matched.shape
    part = middle((rows, columns), SAMPLE)
    latents, matched = analyse_view(codec, right[part.pixels(BLOCK)], quality), prediction.field.matched[part]

    def cost(kernel: int) -> float:
        predicted = replace(prediction, kernel=kernel).apply(left_reconstruction, part)
        return -float(estimate_gains(codec, latents, quality, predicted).bits[matched].sum())

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

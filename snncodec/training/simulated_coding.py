"""Coding without bytes, with gradients: views and qualities in, estimated bits and decoded pixels out.

Latents are quantised as the encoder does it, with the gradient of the identity; bits are those of logistic densities.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

import torch
from torch import Tensor

from snncodec.constants import block_shape
from snncodec.encoder.quantiser import code_residuals
from snncodec.encoder.symbol_sinks import NullSink
from snncodec.model.context_model import PassInput
from snncodec.model.latent_grid import table_indexes
from snncodec.model.prediction import PredictedView
from snncodec.model.stereo_codec import StereoCodec
from snncodec.training.fit_tables import logistic_tables
from snncodec.training.logistic import cell_of, logistic_bits


@dataclass(frozen=True, eq=False)
class SimulatedViews:
    """What training needs of one batch."""

    bits: Tensor  # [N], of one view
    pixels: Tensor | None  # [N, 3, H, W] decoded, minus 128
    squared_error: Tensor  # [N], of the latents in steps, with a gradient for the means only


def simulate_coding(
    model: StereoCodec,
    pixels: Tensor,
    quality: Tensor,
    *,
    encode: bool = True,
    decode: bool = True,
    predicted: PredictedView | None = None,
) -> SimulatedViews:
    """Code pixels [N, 3, H, W] (minus 128, H and W multiples of 16) at qualities [N], differentiably.

    Without `encode` the spiking encoder E is left out, without `decode` no pixels are made; early stages train so.
    `predicted` (pixels minus 128) is what left views tell of right ones.
    """
    step, shape = model.steps[quality - 1].to(pixels.dtype), block_shape(pixels.shape[2], pixels.shape[3])
    latents = analyse(model, pixels, step, quality, encode, predicted) / step.view(-1, 1, 1, 1)
    prediction = None if predicted is None else model.project_prediction(predicted, quality)
    inferred, coded = model.infer_hyper(len(pixels), shape, quality, prediction)
    hyper = model.hyper_analysis(latents, quality)
    hyper = torch.where(coded, hyper + (hyper.round() - hyper).detach(), inferred)
    bits = [(logistic_bits(hyper, model.hyper_index.view(1, -1, 1, 1)) * coded).sum((1, 2, 3))]
    errors: list[Tensor] = []

    def code_pass(given: PassInput) -> Tensor:
        assert given.targets is not None  # they are the latents
        residual = given.targets - given.mean
        coded = code_residuals(residual.detach(), table_indexes(given.index.detach()), logistic_tables(), NullSink())
        levels = residual + (coded.levels - residual).detach()
        cells = cell_of(coded.levels, coded.quantisers)
        bits.append(logistic_bits(levels, given.index, *cells).view(len(pixels), -1).sum(1))
        errors.append((given.targets.detach() - given.mean - coded.levels).square().view(len(pixels), -1).sum(1))
        return levels + given.mean

    values = model.run_context_model(hyper, quality, shape, code_pass, latents, prediction)
    decoded = None
    if decode:
        offsets = model.decoder_offsets(quality)
        decoded = model.decoder(model.transform, values * step.view(-1, 1, 1, 1), step, offsets, predicted)
    return SimulatedViews(reduce(add, bits), decoded, reduce(add, errors))


def analyse(
    model: StereoCodec, pixels: Tensor, step: Tensor, quality: Tensor, encode: bool, predicted: PredictedView | None
) -> Tensor:
    """Latents [N, N2, H/16, W/16] in pixel units, of the linear transform alone or with the spiking encoder."""
    if not encode:
        return model.transform.analysis(pixels)
    if predicted is None:
        return model.left_encoder(model.transform, pixels, step, quality)
    return model.right_encoder(model.left_encoder, model.transform, pixels, step, quality, predicted)

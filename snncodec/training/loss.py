"""What training minimises, rate + lambda * distortion of a batch, and the rate-distortion curve of validation crops.

In: a model, views and qualities; out: a loss, or a curve. It draws no data and takes no steps.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from snncodec.constants import DEFAULT_EFFORT
from snncodec.decoder.view import as_picture
from snncodec.encoder.displacement_search import DisplacementSearch
from snncodec.encoder.effort import LEVELS
from snncodec.encoder.mode_decision import predict_with
from snncodec.encoder.rdoq import SQUARED_STEP_BITS
from snncodec.model.prediction import PredictedView
from snncodec.model.quality import COARSEST
from snncodec.model.stereo_codec import StereoCodec
from snncodec.training.initial_transform import DEAD_ZONE
from snncodec.training.simulated_coding import SimulatedViews, simulate_coding
from snncodec.training.stages import Stage

LAMBDA = 3 * SQUARED_STEP_BITS  # weight of the MSE, a mean over three channels, in squared steps, against bpp
TYPICAL_BPP = 0.15  # at the coarsest step; a step half as large costs about twice as much
VALIDATION_QUALITIES = (5, 15, 30, 50, 70, 90)


def rd_cost(model: StereoCodec, views: Tensor, quality: Tensor, stage: Stage) -> tuple[Tensor, Tensor, Tensor]:
    """(loss, bpp [N], MSE [N]): rate + lambda * distortion, each picture divided by what its quality typically costs.

    `views` [N, V, 3, H, W]: one picture, or a left and a right view, of which the right one is coded given the left;
    in a stage on both views the figures are means over the two.
    """
    *before, pixels = (view.contiguous(memory_format=torch.channels_last) for view in views.unbind(1))
    predicted, left = None, None
    if before and torch.is_grad_enabled() and not stage.both_views:
        predicted = predict_right(model, decode_roughly(model, before[0], quality), pixels, quality)
    elif before:
        left = simulate_coding(model, before[0], quality, encode=stage.encode)
        assert left.pixels is not None  # it was decoded
        predicted = predict_right(model, left.pixels, pixels, quality)
    coded = simulate_coding(model, pixels, quality, encode=stage.encode, decode=stage.decode, predicted=predicted)
    figures = measure(model, coded, pixels, quality)
    if left is None or not stage.both_views:
        return figures
    loss, bpp, mse = ((a + b) / 2 for a, b in zip(measure(model, left, before[0], quality), figures, strict=True))
    return loss, bpp, mse


def measure(
    model: StereoCodec, coded: SimulatedViews, pixels: Tensor, quality: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """`rd_cost` of what `pixels` were coded to."""
    area = pixels.shape[2] * pixels.shape[3]
    step = model.steps[quality - 1].to(pixels.dtype)
    bpp, latent = coded.bits / area, SQUARED_STEP_BITS * coded.squared_error / area
    if coded.pixels is None:
        mse, distortion = coded.squared_error.detach() * step**2 / (3 * area), latent
    else:
        mse = (coded.pixels - pixels).square().mean((1, 2, 3))
        distortion = LAMBDA / step**2 * mse + latent - latent.detach()
    typical = TYPICAL_BPP * COARSEST / step
    return ((bpp + distortion) / typical).mean(), bpp.detach(), mse.detach()


@torch.no_grad()
def decode_roughly(model: StereoCodec, pixels: Tensor, quality: Tensor) -> Tensor:
    """About what pixels [N, 3, H, W] (minus 128) are decoded to, for views that only predict: no network is asked."""
    step = model.steps[quality - 1].to(pixels.dtype).view(-1, 1, 1, 1)
    latents = model.transform.analysis(pixels) / step
    return model.transform.synthesis(latents.sign() * (latents.abs() + DEAD_ZONE).floor() * step)


@torch.no_grad()
def predict_right(model: StereoCodec, left: Tensor, right: Tensor, quality: Tensor) -> PredictedView:
    """What decoded left views [N, 3, H, W] (minus 128) tell of right ones, found as for files; pixels minus 128."""
    lefts, rights = ((x + 128).round().clamp(0, 255).to(torch.uint8) for x in (left, right))
    predictions = []
    for view, target, q in zip(lefts, rights, quality.tolist(), strict=True):
        decoded, wanted = (as_picture(x, *x.shape[1:]) for x in (view, target))
        search = DisplacementSearch(decoded, wanted, float(model.steps[q - 1]), LEVELS[DEFAULT_EFFORT])
        predictions.append(predict_with(search, view, wanted)[1].centred())
    return PredictedView(torch.cat([p.pixels for p in predictions]), torch.cat([p.matched for p in predictions]))


@torch.no_grad()
def validation_curve(model: StereoCodec, views: Tensor, stage: Stage) -> tuple[float, list[tuple[float, float]]]:
    """Mean loss over six qualities of `views` [N, V, 3, H, W], and (bpp, PSNR) of each quality; rates are estimated."""
    losses, points = [], []
    for quality in VALIDATION_QUALITIES:
        chunks = [chunk.to(model.steps.device) for chunk in views.split(8)]
        results = [rd_cost(model, c, torch.full((len(c),), quality, device=c.device), stage) for c in chunks]
        bpp, mse = (torch.cat([result[i] for result in results]) for i in (1, 2))
        losses.append(sum(result[0].item() * len(result[1]) for result in results) / len(views))
        points.append((bpp.mean().item(), (10 * torch.log10(255**2 / mse)).mean().item()))
    return math.fsum(losses) / len(losses), points

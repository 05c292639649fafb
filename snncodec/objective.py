"""What training minimises and in which stages: rate + lambda * distortion of a batch, and the plan of a run.

In: a model, views and qualities; out: a loss, or a rate-distortion curve. It draws no data and takes no steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from snncodec.model import COARSEST, Output, StereoCodec
from snncodec.prediction import predict
from snncodec.rounding import DISTORTION
from snncodec.views import as_picture, centred

LAMBDA = 24.0  # lambda = 24 / step**2 makes bpp + lambda * MSE optimal for a uniform quantiser of that step
VALIDATION_QUALITIES = (5, 15, 30, 50, 70, 90)


@dataclass(frozen=True)
class Stage:
    """What one stage trains, and how: modules by name prefix, share of the budget, batch and learning rate."""

    share: float
    rate: float
    crop: int
    batch: int
    trains: tuple[str, ...] = ("",)
    encode: bool = True
    decode: bool = True
    on_grid: bool = False  # trains on the fixed-point grid that files are coded with
    pairs: bool = False  # right views, given the left ones; else single pictures
    both: bool = False  # of a pair, left views as well


ENTROPY = (
    "hyper_encoder",
    "hyper_decoder",
    "context_model",
    "hyper_offsets",
    "prior_offsets",
    "index_offsets",
    "hyper_index",
)
COUPLED = ("fusion", "right_encoder.side", "decoder.side")  # what only right views use
SINGLE = (*ENTROPY, "left_encoder", "encoder_offsets", "decoder.synthesis", "decoder.network", "decoder_offsets")
PLAN = {
    "prior": Stage(0.22, 1e-3, 192, 4, ENTROPY, encode=False, decode=False),
    "decoder": Stage(0.08, 1e-3, 192, 4, ("decoder.network", "decoder_offsets"), encode=False),
    "joint": Stage(0.3, 7e-4, 192, 4, SINGLE),
    "stereo": Stage(0.15, 1e-3, 256, 2, COUPLED, on_grid=True, pairs=True),
    "both": Stage(0.25, 3e-4, 256, 2, SINGLE + COUPLED, on_grid=True, pairs=True, both=True),
}


def cost(model: StereoCodec, views: Tensor, quality: Tensor, stage: Stage) -> tuple[Tensor, Tensor, Tensor]:
    """(loss, bpp [N], MSE [N]): rate + lambda * distortion, each picture divided by what its quality typically costs.

    `views` [N, V, 3, H, W]: one picture, or a left and a right view, of which the right one is coded given the left;
    in a stage on `both` the figures are means over the two.
    """
    *before, pixels = (view.contiguous(memory_format=torch.channels_last) for view in views.unbind(1))
    warped = None
    if before:
        with torch.set_grad_enabled(stage.both and torch.is_grad_enabled()):
            left = model(before[0], quality, encode=stage.encode)
        warped = prediction(model, left.pixels, pixels, quality)
    output = model(pixels, quality, encode=stage.encode, decode=stage.decode, warped=warped)
    figures = measure(model, output, pixels, quality)
    if not stage.both:
        return figures
    return tuple((a + b) / 2 for a, b in zip(measure(model, left, before[0], quality), figures, strict=True))


def measure(model: StereoCodec, output: Output, pixels: Tensor, quality: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`cost` of what the model made of `pixels`."""
    area = pixels.shape[2] * pixels.shape[3]
    step = model.steps[quality - 1].to(pixels.dtype)
    bpp, latent = output.bits / area, DISTORTION * output.latent_error / area
    if output.pixels is None:
        mse, distortion = output.latent_error.detach() * step**2 / (3 * area), latent
    else:
        mse = (output.pixels - pixels).square().mean((1, 2, 3))
        distortion = LAMBDA / step**2 * mse + latent - latent.detach()
    typical = 0.15 * COARSEST / step
    return ((bpp + distortion) / typical).mean(), bpp.detach(), mse.detach()


@torch.no_grad()
def prediction(model: StereoCodec, left: Tensor, right: Tensor, quality: Tensor) -> Tensor:
    """Decoded left views displaced [N, 4, H, W], as for a file: what right views are coded with."""
    seen, rights = ((x + 128).round().clamp(0, 255).to(torch.uint8) for x in (left, right))
    warped = []
    for view, target, q in zip(seen, rights, quality.tolist(), strict=True):
        found = predict(view, as_picture(target, *target.shape[1:]), float(model.steps[q - 1]))
        warped.append(centred(found.apply(view)[None]))
    return torch.cat(warped)


@torch.no_grad()
def validation_curve(model: StereoCodec, views: Tensor, stage: Stage) -> tuple[float, list[tuple[float, float]]]:
    """Mean loss over six qualities of `views` [N, V, 3, H, W], and (bpp, PSNR) of each quality; rates are estimated."""
    losses, points = [], []
    for quality in VALIDATION_QUALITIES:
        chunks = [chunk.to(model.steps.device) for chunk in views.split(8)]
        results = [cost(model, c, torch.full((len(c),), quality, device=c.device), stage) for c in chunks]
        bpp, mse = (torch.cat([result[i] for result in results]) for i in (1, 2))
        losses.append(sum(result[0].item() * len(result[1]) for result in results) / len(views))
        points.append((bpp.mean().item(), (10 * torch.log10(255**2 / mse)).mean().item()))
    return math.fsum(losses) / len(losses), points

"""Normative. The decoder of both views, x^ = B y^ + step * D(B y^): latents in, pixels out (g_s in the literature).

What D adds to a flat picture is taken away from what it adds to any: flat stays flat, at every quality.

`Decoder` is trained in ordinary floats; `ExactDecoder` codes: B in float64, the network on integers.
"""

from __future__ import annotations

from functools import partial
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.model.config import ModelConfig
from snncodec.model.lapped_transform import LappedTransform
from snncodec.model.local_contrast import exact_contrast, exact_difference, scaled_contrast, scaled_difference
from snncodec.model.pixel_networks import PixelNetwork, PredictionConditioning
from snncodec.model.prediction import PredictedView
from snncodec.spiking.fixed_point import FRACTION_BITS
from snncodec.spiking.layers import exact_copy

GAINS, FULL_GAIN = 16, 8  # what D adds counts n eighths, a number from 0 to 15 that the encoder chooses for each view


class Decoder(nn.Module):
    """x^ = B y^ + step * D(B y^): latents [N, N2, h, w] in pixel units, steps [N] -> pixels [N, 3, 16 h, 16 w]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.network = PixelNetwork(config, config.blocks, 3 * config.patch**2, 1)
        self.conditioning = PredictionConditioning(config, 1)

    def forward(
        self,
        transform: LappedTransform,
        latents: Tensor,
        step: Tensor,
        offsets: Tensor,
        predicted: PredictedView | None = None,
    ) -> Tensor:
        """`predicted` (pixels minus 128) is what the left view tells of right ones."""
        pixels, step = transform.synthesis(latents), step.view(-1, 1, 1, 1)
        condition = None
        if predicted is not None:
            difference = scaled_difference(predicted.pixels, pixels, step)
            condition = partial(self.conditioning, difference=difference, matched=predicted.matched)
        correction = self.network(scaled_contrast(pixels, step), offsets, condition)
        correction = correction - self.network.answer_to_zero(offsets)
        return pixels + F.pixel_shuffle(correction, self.network.patch) * step

    def exact(self, bits: int = FRACTION_BITS) -> ExactDecoder:
        """The decoder of files; the networks' numbers are multiples of 2**-bits."""
        network, conditioning = exact_copy(self.network, bits), exact_copy(self.conditioning, bits)
        return ExactDecoder(cast(PixelNetwork, network), conditioning)


class ExactDecoder(nn.Module):
    """`Decoder` on the fixed-point grid: float64 latents and steps in, pixels out, alike everywhere."""

    def __init__(self, network: PixelNetwork, conditioning: nn.Module) -> None:
        super().__init__()
        self.network, self.conditioning = network, conditioning

    def forward(
        self,
        transform: LappedTransform,
        latents: Tensor,
        step: Tensor,
        offsets: Tensor,
        predicted: PredictedView | None = None,
    ) -> tuple[Tensor, Tensor]:
        """B y^, float64, and D(B y^), in steps, as the networks' floats."""
        pixels, step, kind = transform.synthesis(latents), step.view(-1, 1, 1, 1), offsets.dtype
        condition = None
        if predicted is not None:
            difference = exact_difference(predicted.pixels, pixels, step).to(kind)
            condition = partial(self.conditioning, difference=difference, matched=predicted.matched)
        correction = self.network(exact_contrast(pixels, step).to(kind), offsets, condition)
        if self.network.time_steps > 1:  # the proof of these covers what is read out, but no difference of two
            correction = correction.double()
        correction = correction - self.network.answer_to_zero(offsets)
        return pixels, F.pixel_shuffle(correction, self.network.patch)

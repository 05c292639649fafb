"""Normative. The decoder of both views, x^ = B y^ + step * D(B y^, y^): latents in, pixels out (g_s in the literature).

`Decoder` is trained in ordinary floats; `ExactDecoder` codes: B in float64, the network on integers.
"""

from __future__ import annotations

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.model.config import ModelConfig
from snncodec.model.lapped_transform import LappedTransform
from snncodec.model.local_contrast import exact_contrast, exact_difference, scaled_contrast, scaled_difference
from snncodec.model.pixel_networks import PixelNetwork, PredictionConditioning
from snncodec.model.prediction import PredictedView
from snncodec.spiking.fixed_point import FRACTION_BITS
from snncodec.spiking.layers import exact_copy


class Decoder(nn.Module):
    """x^ = B y^ + step * D(B y^): latents [N, N2, h, w] in pixel units, steps [N] -> pixels [N, 3, 16 h, 16 w]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.network, self.conditioning = PixelNetwork(config, 3 * config.patch**2, 1), PredictionConditioning(config)

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
        return pixels + F.pixel_shuffle(correction, self.network.patch) * step

    def exact(self, bits: int = FRACTION_BITS) -> ExactDecoder:
        """The decoder of files; the networks' numbers are multiples of 2**-bits."""
        network, conditioning = exact_copy(self.network, bits), exact_copy(self.conditioning, bits)
        return ExactDecoder(network, conditioning, self.network.patch)


class ExactDecoder(nn.Module):
    """`Decoder` on the fixed-point grid: float64 latents and steps in, float64 pixels out, alike everywhere."""

    def __init__(self, network: nn.Module, conditioning: nn.Module, patch: int) -> None:
        super().__init__()
        self.network, self.conditioning, self.patch = network, conditioning, patch

    def forward(
        self,
        transform: LappedTransform,
        latents: Tensor,
        step: Tensor,
        offsets: Tensor,
        predicted: PredictedView | None = None,
    ) -> Tensor:
        pixels, step, kind = transform.synthesis(latents), step.view(-1, 1, 1, 1), offsets.dtype
        condition = None
        if predicted is not None:
            difference = exact_difference(predicted.pixels, pixels, step).to(kind)
            condition = partial(self.conditioning, difference=difference, matched=predicted.matched)
        correction = self.network(exact_contrast(pixels, step).to(kind), offsets, condition)
        return pixels + F.pixel_shuffle(correction, self.patch).to(pixels.dtype) * step

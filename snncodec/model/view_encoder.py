"""The encoders of both views, y = A x + step * E(x): pixels go in, latents come out (g_a in the literature).

They run in ordinary floats: two machines may make different latents of one picture.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from snncodec.constants import BLOCK
from snncodec.model.config import ModelConfig
from snncodec.model.lapped_transform import LappedTransform
from snncodec.model.local_contrast import scaled_contrast, scaled_difference
from snncodec.model.pixel_networks import Condition, PixelNetwork, PredictionConditioning
from snncodec.model.prediction import PredictedView


class LeftEncoder(nn.Module):
    """y = A x + step * E(x): pixels [N, 3, H, W] (minus 128), steps [N] -> latents [N, N2, H/16, W/16]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.network = PixelNetwork(config, config.encoder_blocks, config.refined, BLOCK // config.patch)

    def forward(
        self,
        transform: LappedTransform,
        pixels: Tensor,
        step: Tensor,
        offsets: Tensor,
        condition: Condition | None = None,
    ) -> Tensor:
        """`condition` is how a prediction moves the network's membrane; left views have none."""
        step, latents = step.view(-1, 1, 1, 1), transform.analysis(pixels.to(transform.filter.dtype))
        refinement = (self.network(scaled_contrast(pixels, step), offsets, condition) * step).to(latents.dtype)
        return torch.cat([latents[:, : refinement.shape[1]] + refinement, latents[:, refinement.shape[1] :]], dim=1)


class RightEncoder(nn.Module):
    """The right view's encoder: the left one's, whose weights it shares, with a look at the prediction."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.conditioning = PredictionConditioning(config, min(1, config.encoder_blocks))

    def forward(
        self,
        left_encoder: LeftEncoder,
        transform: LappedTransform,
        pixels: Tensor,
        step: Tensor,
        offsets: Tensor,
        predicted: PredictedView,
    ) -> Tensor:
        """As `LeftEncoder.forward`; `predicted` has pixels minus 128."""
        difference = scaled_difference(predicted.pixels, pixels, step.view(-1, 1, 1, 1))
        condition = partial(self.conditioning, difference=difference, matched=predicted.matched)
        return left_encoder(transform, pixels, step, offsets, condition)

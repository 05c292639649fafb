"""The encoders of both views, y = A x + step * E(x): pixels go in, latents come out (g_a in the literature).

E is a spiking network of `encoder_blocks` residual blocks; a model with none has none.

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
from snncodec.model.quality import QualityOffsets


class LeftEncoder(nn.Module):
    """y = A x + step * E(x): pixels [N, 3, H, W] (minus 128), steps, qualities [N] -> latents [N, N2, H/16, W/16]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.network: PixelNetwork | None = None
        if config.encoder_blocks:
            self.network = PixelNetwork(config, config.encoder_blocks, config.refined, BLOCK // config.patch)
            self.offsets = QualityOffsets(config.M)

    def forward(
        self,
        transform: LappedTransform,
        pixels: Tensor,
        step: Tensor,
        quality: Tensor,
        condition: Condition | None = None,
    ) -> Tensor:
        """`condition` is how a prediction moves the network's membrane; left views have none."""
        step, latents = step.view(-1, 1, 1, 1), transform.analysis(pixels.to(transform.filter.dtype))
        if self.network is None:
            return latents
        refinement = (self.network(scaled_contrast(pixels, step), self.offsets(quality), condition) * step).to(
            latents.dtype
        )
        return torch.cat([latents[:, : refinement.shape[1]] + refinement, latents[:, refinement.shape[1] :]], dim=1)


class RightEncoder(nn.Module):
    """The right view's encoder: the left one's, whose weights it shares, with a look at the prediction."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.conditioning = PredictionConditioning(config, 0) if config.encoder_blocks else None

    def forward(
        self,
        left_encoder: LeftEncoder,
        transform: LappedTransform,
        pixels: Tensor,
        step: Tensor,
        quality: Tensor,
        predicted: PredictedView,
    ) -> Tensor:
        """As `LeftEncoder.forward`; `predicted` has pixels minus 128."""
        condition = None
        if self.conditioning is not None:
            difference = scaled_difference(predicted.pixels, pixels, step.view(-1, 1, 1, 1))
            condition = partial(self.conditioning, difference=difference, matched=predicted.matched)
        return left_encoder(transform, pixels, step, quality, condition)

"""Normative. Hyper-latents z: `HyperEncoder` (h_a) summarises latents, `HyperDecoder` (h_s) starts the context model.

Hyper-latents lie at stride 64 and are coded first; what they become is the membrane from which `ContextModel` starts.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.model.companding import COMPAND_MAX, compand
from snncodec.model.config import ModelConfig
from snncodec.spiking.layers import FixedPointConv2d, ResidualBlock, mean_over_time, repeat_over_time
from snncodec.spiking.neurons import Spike

HYPER_STRIDE = 4  # in blocks: one hyper-latent cell covers 4 x 4 blocks = 64 x 64 pixels
HYPER_MAX = 127  # hyper-latents enter the network clipped to +-127; they are coded without a limit


class HyperEncoder(nn.Module):
    """Latents in steps [N, N2, h, w] -> hyper-latents [N, Z, ceil(h/4), ceil(w/4)], not rounded."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.time_steps, self.inputs, width = config.T, config.refined, config.prior_width
        self.stem = FixedPointConv2d(config.refined, width, input_max=COMPAND_MAX)
        nn.init.normal_(self.stem.weight, std=0.02)
        self.spike1, self.spike2 = Spike(width, config.spiking), Spike(width, config.spiking)
        self.down1 = FixedPointConv2d(width, width, 3, stride=2, input_max=self.spike1.max_output)
        self.down2 = FixedPointConv2d(width, config.hyper_channels, 3, stride=2, input_max=self.spike1.max_output)

    def forward(self, latents: Tensor, offsets: Tensor) -> Tensor:
        companded = compand(pad_to_hyper_cells(latents[:, : self.inputs]))
        membrane = repeat_over_time(self.stem(companded) + offsets[:, :, None, None], self.time_steps)
        return mean_over_time(self.down2(self.spike2(self.down1(self.spike1(membrane)))), self.time_steps)


class HyperDecoder(nn.Module):
    """Rounded hyper-latents [N, Z, h', w'] -> the membrane [T * N, C, 4 h', 4 w'] that passes start from."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.time_steps, width, inner = config.T, config.prior_width, config.prior_width * 4 // 5
        self.stem = FixedPointConv2d(config.hyper_channels, width, 3, input_max=HYPER_MAX)
        self.block1 = ResidualBlock(width, config.spiking, kernel=1)
        self.spike1, self.spike2 = Spike(width, config.spiking), Spike(inner, config.spiking)
        self.up1 = FixedPointConv2d(width, 4 * inner, input_max=self.spike1.max_output)
        self.up2 = FixedPointConv2d(inner, 4 * width, input_max=self.spike1.max_output)

    def forward(self, hyper: Tensor) -> Tensor:
        membrane = self.block1(repeat_over_time(self.stem(hyper.clamp(-HYPER_MAX, HYPER_MAX)), self.time_steps))
        membrane = F.pixel_shuffle(self.up1(self.spike1(membrane)), 2)
        return F.pixel_shuffle(self.up2(self.spike2(membrane)), 2)


def hyper_shape(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of hyper-latents for a map of blocks."""
    return -(-height // HYPER_STRIDE), -(-width // HYPER_STRIDE)


def pad_to_hyper_cells(x: Tensor) -> Tensor:
    """A map of blocks [N, C, h, w], continued by its border to whole cells of 4 x 4 blocks."""
    height, width = x.shape[2:]
    return F.pad(x, (0, -width % HYPER_STRIDE, 0, -height % HYPER_STRIDE), mode="replicate")

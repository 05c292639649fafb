"""Normative. The spiking residual network on pixels that encoders (E) and decoder (D) share, and how predictions enter.

Zero-mean pixels in quantisation steps go in, corrections in quantisation steps come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.constants import BLOCK
from snncodec.model.config import ModelConfig
from snncodec.model.local_contrast import INPUT_MAX, INPUT_SCALE
from snncodec.spiking.layers import FixedPointConv2d, ResidualBlock, mean_over_time, repeat_over_time
from snncodec.spiking.neurons import Spike

Condition = Callable[[Tensor], Tensor]  # a membrane [T * N, M, H / patch, W / patch], moved by what a prediction says


class PixelNetwork(nn.Module):
    """Patches -> membrane at stride `patch` -> residual blocks -> linear read-out.

    In: zero-mean pixels in steps [N, 3, H, W] and per-channel offsets [N, M] that tell it the quality. Out:
    [N, outputs, H / (patch * stride), W / (patch * stride)]. `in_bfloat16` trains the convolutions in that type.
    """

    def __init__(self, config: ModelConfig, blocks: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.time_steps, self.patch, self.in_bfloat16 = config.T, config.patch, False
        self.stem = FixedPointConv2d(3 * config.patch**2, config.M, input_max=INPUT_MAX)
        nn.init.normal_(self.stem.weight, std=0.5 / (INPUT_SCALE * config.patch))
        self.blocks = nn.Sequential(*[ResidualBlock(config.M, config.spiking) for _ in range(blocks)])
        self.spike = Spike(config.M, config.spiking)
        self.read_out = FixedPointConv2d(config.M, outputs, stride, stride=stride, input_max=self.spike.max_output)
        nn.init.normal_(self.read_out.weight, std=1e-4)
        nn.init.zeros_(self.read_out.get_parameter("bias"))

    def forward(self, pixels: Tensor, offsets: Tensor, conditioning: Condition | None = None) -> Tensor:
        """`conditioning` is what a prediction has to say to the membrane."""
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=self.in_bfloat16):
            membrane = self.stem(patches_of(pixels, self.patch)) + offsets[:, :, None, None]
            membrane = repeat_over_time(membrane, self.time_steps)
            if conditioning is not None:
                membrane = conditioning(membrane)
            out = self.read_out(self.spike(self.blocks(membrane)))
        return mean_over_time(out.to(pixels.dtype), self.time_steps)

    def answer_to_zero(self, offsets: Tensor) -> Tensor:
        """What is read out where pixels are zero, [N, outputs, 1, 1]; the same everywhere, as borders continue maps."""
        return self(offsets.new_zeros((len(offsets), 3, self.patch, self.patch)), offsets)


class PredictionConditioning(nn.Module):
    """How a prediction enters a pixel network: its difference from the pixels moves membranes, and residual blocks."""

    def __init__(self, config: ModelConfig, blocks: int) -> None:
        super().__init__()
        self.time_steps, self.patch = config.T, config.patch
        self.stem = FixedPointConv2d(3 * config.patch**2, config.M, input_max=INPUT_MAX)
        self.blocks = nn.Sequential(*[ResidualBlock(config.M, config.spiking) for _ in range(blocks)])
        for numbers in self.stem.parameters():  # starts by saying nothing
            nn.init.zeros_(numbers)
        for block in cast(Iterable[ResidualBlock], self.blocks):
            for numbers in block.conv2.parameters():
                nn.init.zeros_(numbers)

    def forward(self, membrane: Tensor, difference: Tensor, matched: Tensor) -> Tensor:
        """A membrane moved by the scaled difference [N, 3, H, W] of a prediction, in matched blocks [N, 1, h, w]."""
        moved = self.stem(patches_of(difference, self.patch))
        moved = self.blocks(membrane + repeat_over_time(moved, self.time_steps))
        size = BLOCK // self.patch
        counts = matched.repeat_interleave(size, 2).repeat_interleave(size, 3)
        return torch.where(repeat_over_time(counts, self.time_steps), moved, membrane)


def patches_of(pixels: Tensor, patch: int) -> Tensor:
    """Pixels [N, 3, H, W] as patches [N, 3 patch^2, H / patch, W / patch], channels-last, as all that follows."""
    return F.pixel_unshuffle(pixels, patch).contiguous(memory_format=torch.channels_last)

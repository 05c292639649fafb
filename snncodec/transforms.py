"""Pixels <-> latents: a complete linear transform and the spiking networks that refine both of its ends.

`Analysis` (A) and `Synthesis` (B) are a lapped KLT: orthogonal filters across block borders, then a 768 x 768 matrix on
16 x 16 x 3 blocks. `PixelNetwork` is the spiking residual body that the encoders (E) and the `Decoder` (D) share.
Pixels are floats minus 128, images are multiples of 16. It does not quantise and knows no probabilities.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.config import BLOCK, ModelConfig
from snncodec.exact import ExactConv2d, snap
from snncodec.neurons import Spike, mean_over_time, spread

OVERLAP = BLOCK // 2  # pixels on each side of a block border that the lapped filter mixes
MEAN_RADIUS = 8  # the local mean is taken over 17 x 17 pixels
INPUT_SCALE, INPUT_MAX = 16, 511  # the decoder network sees (pixel - local mean) / step in units of 1/16
LINEAR_BITS = 14  # fraction bits of the linear kernels
PIXEL_BITS = 8  # fraction bits of pixels between the linear kernels


def lap(x: Tensor, filter: Tensor) -> Tensor:
    """Apply a [16, 16] filter across every vertical and horizontal block border of x [N, 3, H, W].

    The time-domain form of the lapped orthogonal transform (Tran, Liang, Tu, "Lapped Transform via Time-Domain Pre-
    and Post-Filtering", IEEE TSP 2003). Image borders are left alone, so the inverse is the transposed filter.
    """
    return lap_rows(lap_rows(x, filter).transpose(2, 3), filter).transpose(2, 3)


def lap_rows(x: Tensor, filter: Tensor) -> Tensor:
    """Filter x [N, C, H, W] along H, across the borders at multiples of 16."""
    if x.shape[2] <= BLOCK:
        return x
    inner = x[:, :, OVERLAP:-OVERLAP].unflatten(2, (-1, BLOCK))
    inner = torch.einsum("ij,ncbjw->ncbiw", filter, inner).flatten(2, 3)
    return torch.cat([x[:, :, :OVERLAP], inner, x[:, :, -OVERLAP:]], dim=2)


class Analysis(nn.Module):
    """A: pixels [N, 3, H, W] -> latents [N, N2, H/16, W/16]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.filter = nn.Parameter(torch.eye(BLOCK))
        self.matrix = nn.Parameter(torch.eye(config.N2, 3 * BLOCK * BLOCK))

    def forward(self, pixels: Tensor) -> Tensor:
        blocks = F.pixel_unshuffle(lap(pixels, self.filter), BLOCK)
        return F.conv2d(blocks, self.matrix[:, :, None, None])


class Synthesis(nn.Module):
    """B: latents [N, N2, h, w] -> pixels [N, 3, 16 h, 16 w]; in float64 on snapped kernels it is exact."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(3 * BLOCK * BLOCK, config.N2))
        self.filter = nn.Parameter(torch.eye(BLOCK))

    def forward(self, latents: Tensor) -> Tensor:
        blocks = F.conv2d(latents, self.matrix[:, :, None, None])
        if self.training:
            return lap(F.pixel_shuffle(blocks, BLOCK), self.filter)
        pixels = lap_rows(snap(F.pixel_shuffle(blocks, BLOCK), PIXEL_BITS), self.filter)
        return snap(lap_rows(snap(pixels, PIXEL_BITS).transpose(2, 3), self.filter).transpose(2, 3), PIXEL_BITS)

    def adjoint(self, pixels: Tensor) -> Tensor:
        """B transposed, nearly A: pixels [N, 3, 16 h, 16 w] -> latents [N, N2, h, w], as exact as `forward`."""
        lapped = lap(pixels, self.filter.T) if self.training else self._lap_exactly(pixels)
        return F.conv2d(F.pixel_unshuffle(lapped, BLOCK), self.matrix.T[:, :, None, None])

    def _lap_exactly(self, pixels: Tensor) -> Tensor:
        for _ in range(2):
            pixels = snap(lap_rows(pixels, self.filter.T), PIXEL_BITS).transpose(2, 3)
        return pixels


def local_mean(x: Tensor) -> Tensor:
    """Mean over 17 x 17 pixels of x [N, C, H, W]; outside the image counts as the border pixel."""
    return local_sum(x) / (2 * MEAN_RADIUS + 1) ** 2


def local_sum(x: Tensor) -> Tensor:
    """Sums over 17 x 17 pixels, separably, as differences of running sums; exact for fixed-point numbers."""
    width = 2 * MEAN_RADIUS + 1
    x = F.pad(x.contiguous(), [MEAN_RADIUS] * 4, mode="replicate")
    for dim, before in ((2, (0, 0, 1, 0)), (3, (1, 0))):
        sums, size = F.pad(x.cumsum(dim), before), x.shape[dim] - width + 1
        x = sums.narrow(dim, width, size) - sums.narrow(dim, 0, size)
    return x


class Residual(nn.Module):
    """A residual block with a membrane shortcut: m + Conv(Spike(Conv(Spike(m)))) (MS-ResNet, Hu et al. 2021)."""

    def __init__(self, channels: int, config: ModelConfig, kernel: int = 3) -> None:
        super().__init__()
        self.spike1, self.spike2 = Spike(channels, config), Spike(channels, config)
        self.conv1 = ExactConv2d(channels, channels, kernel, input_max=self.spike1.max_output)
        self.conv2 = ExactConv2d(channels, channels, kernel, input_max=self.spike1.max_output)
        nn.init.normal_(self.conv2.weight, std=0.01)

    def forward(self, membrane: Tensor) -> Tensor:
        return membrane + self.conv2(self.spike2(self.conv1(self.spike1(membrane))))


class PixelNetwork(nn.Module):
    """The spiking body on pixels: patches -> membrane at stride `patch` -> residual blocks -> linear read-out.

    In: zero-mean pixels in quantisation steps [N, 3, H, W] and per-channel offsets [N, M] that tell it the quality.
    Out: [N, outputs, H / (patch * stride), W / (patch * stride)]. `bfloat16` trains the convolutions in that type.
    """

    def __init__(self, config: ModelConfig, outputs: int, stride: int) -> None:
        super().__init__()
        self.steps, self.patch, self.bfloat16 = config.T, config.patch, False
        self.stem = ExactConv2d(3 * config.patch**2, config.M, input_max=INPUT_MAX)
        nn.init.normal_(self.stem.weight, std=0.5 / (INPUT_SCALE * config.patch))
        self.blocks = nn.Sequential(*[Residual(config.M, config) for _ in range(config.blocks)])
        self.spike = Spike(config.M, config)
        self.read_out = ExactConv2d(config.M, outputs, stride, stride=stride, input_max=self.spike.max_output)
        nn.init.normal_(self.read_out.weight, std=1e-4)
        nn.init.zeros_(self.read_out.bias)

    def forward(self, pixels: Tensor, offsets: Tensor, side: Side | None = None, aside: Tensor | None = None) -> Tensor:
        """`side` adds what `aside`, the distance of a prediction [N, 4, H, W], has to say."""
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=self.bfloat16 and self.training):
            membrane = self.stem(F.pixel_unshuffle(pixels, self.patch)) + offsets[:, :, None, None]
            membrane = spread(membrane, self.steps)
            membrane = side(membrane, aside) if side else membrane
            spikes = self.spike(self.blocks(membrane))
            out = self.read_out(spikes)
        return mean_over_time(out.to(pixels.dtype), self.steps)


class Side(nn.Module):
    """How a prediction enters a pixel network: its distance from the pixels moves membranes, then a residual block.

    The fourth channel of the distance is 1 where the prediction counts, and 0 where membranes are left as they are.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.steps, self.patch = config.T, config.patch
        self.stem = ExactConv2d(3 * config.patch**2, config.M, input_max=INPUT_MAX)
        self.block = Residual(config.M, config)
        for layer in (self.stem, self.block.conv2):  # starts by saying nothing
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, membrane: Tensor, distance: Tensor) -> Tensor:
        moved = self.block(membrane + spread(self.stem(F.pixel_unshuffle(distance[:, :3], self.patch)), self.steps))
        counts = spread(distance[:, 3:, :: self.patch, :: self.patch], self.steps)
        return membrane + (moved - membrane) * counts


class LeftEncoder(nn.Module):
    """y = A x + step * E(x): pixels [N, 3, H, W] -> latents [N, N2, H/16, W/16]. Runs in plain float."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.analysis = Analysis(config)
        self.network = PixelNetwork(config, config.refined, BLOCK // config.patch)
        self.side: Side | None = None

    def forward(self, pixels: Tensor, step: Tensor, offsets: Tensor, warped: Tensor | None = None) -> Tensor:
        step = step.view(-1, 1, 1, 1)
        latents = self.analysis(pixels)
        scaled = in_steps(pixels - local_mean(pixels), step)
        aside = None if warped is None else distance(warped, pixels, step)
        refinement = self.network(scaled, offsets, None if aside is None else self.side, aside) * step
        return torch.cat([latents[:, : refinement.shape[1]] + refinement, latents[:, refinement.shape[1] :]], dim=1)


class RightEncoder(LeftEncoder):
    """The right view's encoder: the left's transform and network (shared by `StereoCodec`), and a look at `warped`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.side = Side(config)


def in_steps(pixels: Tensor, step: Tensor) -> Tensor:
    """Pixel differences in sixteenths of a quantisation step, as the networks see them in training."""
    return (pixels * (INPUT_SCALE / step)).clamp(-INPUT_MAX, INPUT_MAX)


def distance(warped: Tensor, pixels: Tensor, step: Tensor) -> Tensor:
    """How far a prediction [N, 4, H, W] is from pixels, `in_steps`; its fourth channel stays as it is."""
    return torch.cat([in_steps(warped[:, :3] - pixels, step), warped[:, 3:]], dim=1)


class Decoder(nn.Module):
    """x^ = B y^ + step * D(B y^): latents [N, N2, h, w] -> pixels [N, 3, 16 h, 16 w].

    In `eval()` the result is exact: B in float64, the network on integers, in the type that `exact.prove` chose.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.synthesis = Synthesis(config)
        self.network, self.side = PixelNetwork(config, 3 * config.patch**2, 1), Side(config)

    def forward(self, latents: Tensor, step: Tensor, offsets: Tensor, warped: Tensor | None = None) -> Tensor:
        return self.refine(self.synthesis(latents), step, offsets, warped)

    def refine(self, pixels: Tensor, step: Tensor, offsets: Tensor, warped: Tensor | None = None) -> Tensor:
        """Add the spiking network's correction to linear pixels, with a look at a prediction `warped` of them."""
        step, aside = step.view(-1, 1, 1, 1), None
        if self.training:
            scaled = in_steps(pixels - local_mean(pixels), step)
            aside = None if warped is None else distance(warped, pixels, step)
        else:
            kind = self.network.stem.weight.dtype
            scaled = exact_contrast(pixels, step).to(kind)
            aside = None if warped is None else exact_distance(warped, pixels, step).to(kind)
        side = None if warped is None else self.side
        correction = F.pixel_shuffle(self.network(scaled, offsets, side, aside), self.network.patch)
        return pixels + correction.to(pixels.dtype) * step


def exact_contrast(pixels: Tensor, step: Tensor) -> Tensor:
    """(pixel - local mean) / step in units of 1/16, as integers; every operation is exact or a single IEEE division."""
    area, pixels = (2 * MEAN_RADIUS + 1) ** 2, snap(pixels, 2)
    contrast = (pixels * area - local_sum(pixels)) * INPUT_SCALE / (step * area)
    return contrast.round().clamp(-INPUT_MAX, INPUT_MAX)


def exact_distance(warped: Tensor, pixels: Tensor, step: Tensor) -> Tensor:
    """`distance` as integers; a single IEEE division."""
    scaled = ((warped[:, :3] - snap(pixels, 2)) * INPUT_SCALE / step).round().clamp(-INPUT_MAX, INPUT_MAX)
    return torch.cat([scaled, warped[:, 3:]], dim=1)

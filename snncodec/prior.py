"""Which latents are likely: hyper-latents and a spiking context model, in passes that are its time steps.

In: latents decoded so far, in units of the quantisation step; out: a mean and an index of a probability table for each
latent of the next pass. A membrane map starts from the `HyperDecoder`, integrates the symbols of each pass, takes one
residual spiking step and is read out. It neither quantises nor codes: a `code` function does, the same loop for all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.config import ModelConfig
from snncodec.exact import ExactConv2d
from snncodec.neurons import Spike, mean_over_time, spread
from snncodec.transforms import Residual

HYPER_STRIDE = 4  # in blocks: one hyper-latent cell covers 4 x 4 blocks = 64 x 64 pixels
HYPER_MAX = 127  # hyper-latents enter the network clipped to +-127; they are coded without a limit
COMPAND_STEPS, COMPAND_MAX = 8, 40  # companding works on eighths of a step and saturates at +-40
PREDICT_MAX = 2**15  # the linear predictor sees latents in eighths of a step, clipped to +-2**15
INDEX_GAIN = 8  # table indexes are read out in eighths of a weight's unit, or they would learn too slowly
EVEN, ODD = ((0, 0), (1, 1)), ((0, 1), (1, 0))  # the two halves of a checkerboard
QUARTERS = (((0, 0),), ((1, 1),), ((0, 1),), ((1, 0),))  # the first group's smoother order: four quarters
PREDICTED_GROUPS, MEAN_GROUPS, SIGNED_GROUPS = 3, 5, 4  # groups with a linear predictor, a mean, signs as context

# code(channels, targets, mean, index): what to do with one pass. All but `channels` are token arrays [cells, channels].
Code = Callable[[slice, Tensor, Tensor, Tensor], Tensor]


class Aid(Protocol):
    """What another view tells the passes; `stereo.Help` is one. Membranes are [T * N, C, h, w]."""

    def copy(self, number: int, cells: Tensor, placed: Tensor) -> tuple[Tensor, Tensor]: ...

    def start(self, membrane: Tensor) -> Tensor: ...

    def attend(self, membrane: Tensor) -> Tensor: ...

    def judge(
        self, number: int, tokens: Tensor, mean: Tensor, index: Tensor, cells: Tensor
    ) -> tuple[Tensor, Tensor]: ...

    def learn(self, number: int, membrane: Tensor, values: Tensor, cells: Tensor) -> Tensor: ...


def compand(values: Tensor) -> Tensor:
    """sign(v) * round(4 log2(1 + |v|)) of v in steps, by comparing |8 v| with stored integer thresholds."""
    eighths = (values * COMPAND_STEPS).round()
    thresholds = torch.tensor(COMPAND_THRESHOLDS, dtype=values.dtype, device=values.device)
    return eighths.sign() * torch.bucketize(eighths.abs().contiguous(), thresholds, right=True).to(values.dtype)


# The least |8 v| that compands to 1, 2, ..., 40: ceil(8 * (2**((k - 0.5) / 4) - 1)).
COMPAND_THRESHOLDS = (
    1, 3, 5, 7, 10, 13, 17, 22, 27, 34, 42, 51, 62, 75, 91, 110, 132, 158, 190, 227, 272, 324, 387, 462, 551, 656, 782,
    932, 1109, 1320, 1572, 1871, 2226, 2648, 3151, 3749, 4459, 5304, 6309, 7505,
)  # fmt: skip


class HyperEncoder(nn.Module):
    """Latents in steps [N, N2, h, w] -> hyper-latents [N, Z, ceil(h/4), ceil(w/4)], not rounded; exact in eval()."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.steps, self.inputs, width = config.T, config.refined, config.prior_width
        self.stem = ExactConv2d(config.refined, width, input_max=COMPAND_MAX)
        nn.init.normal_(self.stem.weight, std=0.02)
        self.spike1, self.spike2 = Spike(width, config), Spike(width, config)
        self.down1 = ExactConv2d(width, width, 3, stride=2, input_max=self.spike1.max_output)
        self.down2 = ExactConv2d(width, config.hyper_channels, 3, stride=2, input_max=self.spike1.max_output)

    def forward(self, latents: Tensor, offsets: Tensor) -> Tensor:
        height, width = latents.shape[2:]
        padding = (0, -width % HYPER_STRIDE, 0, -height % HYPER_STRIDE)
        companded = compand(F.pad(latents[:, : self.inputs], padding, mode="replicate"))
        membrane = spread(self.stem(companded) + offsets[:, :, None, None], self.steps)
        return mean_over_time(self.down2(self.spike2(self.down1(self.spike1(membrane)))), self.steps)


class HyperDecoder(nn.Module):
    """Rounded hyper-latents [N, Z, h/4, w/4] -> the membrane [T * N, C, h', w'] that the context model starts from."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.steps, width, inner = config.T, config.prior_width, config.prior_width * 4 // 5
        self.stem = ExactConv2d(config.hyper_channels, width, 3, input_max=HYPER_MAX)
        self.block1 = Residual(width, config, kernel=1)
        self.spike1, self.spike2 = Spike(width, config), Spike(inner, config)
        self.up1 = ExactConv2d(width, 4 * inner, input_max=self.spike1.max_output)
        self.up2 = ExactConv2d(inner, 4 * width, input_max=self.spike1.max_output)

    def forward(self, hyper: Tensor) -> Tensor:
        membrane = self.block1(spread(self.stem(hyper.clamp(-HYPER_MAX, HYPER_MAX)), self.steps))
        membrane = F.pixel_shuffle(self.up1(self.spike1(membrane)), 2)
        return F.pixel_shuffle(self.up2(self.spike2(membrane)), 2)


class Context(nn.Module):
    """Symbols of one pass -> what they add to the membrane. Wide groups go through a narrow spiking layer."""

    def __init__(self, channels: int, signed: bool, config: ModelConfig) -> None:
        super().__init__()
        self.signed, self.steps, width = signed, config.T, config.prior_width
        self.narrow, self.spike = None, None
        if signed:
            self.conv = ExactConv2d(2 * channels, width, 3, input_max=COMPAND_MAX)
            nn.init.normal_(self.conv.weight, std=0.01)
        else:
            inner = max(8, width * 2 // 5)
            self.narrow = ExactConv2d(channels, inner, input_max=COMPAND_MAX)
            nn.init.normal_(self.narrow.weight, std=0.5 / channels**0.5)
            self.spike = Spike(inner, config)
            self.conv = ExactConv2d(inner, width, 3, input_max=self.spike.max_output)

    def forward(self, values: Tensor) -> Tensor:
        companded = compand(values)
        if self.signed:
            return spread(self.conv(torch.cat([companded, companded.abs()], dim=1)), self.steps)
        return self.conv(self.spike(spread(self.narrow(companded.abs()), self.steps)))


def pass_order(config: ModelConfig) -> list[tuple[int, tuple[tuple[int, int], ...]]]:
    """Group and lattice points of every pass."""
    return [(g, o) for g in range(len(config.groups)) for o in (QUARTERS if g == 0 else (EVEN, ODD))]


class Pass(nn.Module):
    """One time step: channels [start, stop) at the lattice points `offsets` of every 2 x 2 cell."""

    def __init__(self, group: int, offsets: tuple[tuple[int, int], ...], last: bool, config: ModelConfig) -> None:
        super().__init__()
        start, size, width = sum(config.groups[:group]), config.groups[group], config.prior_width
        self.group, self.channels, self.offsets, self.steps = group, slice(start, start + size), offsets, config.T
        self.spike, self.read_spike = Spike(width, config), Spike(width, config)
        self.mix = ExactConv2d(width, width, input_max=self.spike.max_output)
        self.has_mean = group < MEAN_GROUPS
        self.read_out = ExactConv2d(width, size * (1 + self.has_mean), input_max=self.spike.max_output)
        nn.init.normal_(self.mix.weight, std=0.02)
        nn.init.normal_(self.read_out.weight, std=0.01)
        self.predictor = None
        if group < PREDICTED_GROUPS:
            self.predictor = ExactConv2d(start + size, size, 3, input_max=PREDICT_MAX, bias=False)
            nn.init.zeros_(self.predictor.weight)
        self.context = None if last else Context(size, group < SIGNED_GROUPS, config)

    def cells(self, count: int, height: int, width: int, device: torch.device) -> Tensor:
        """Indexes of this pass's blocks in a flattened [count, height, width] map, in raster order."""
        grid = torch.arange(count * height * width, device=device).view(count, height, width)
        return torch.cat([grid[:, row::2, column::2].flatten() for row, column in self.offsets]).sort().values

    def tokens(self, membrane: Tensor, cells: Tensor) -> Tensor:
        """The membranes of some cells, [T * cells, C]."""
        return membrane.permute(0, 2, 3, 1).unflatten(0, (self.steps, -1)).flatten(1, 3)[:, cells].flatten(0, 1)

    def read(self, tokens: Tensor) -> tuple[Tensor | None, Tensor]:
        """Mean (or None) and table index, both real, [cells, channels] each."""
        out = mean_over_time(self.read_out.linear(self.read_spike(tokens)), self.steps)
        size = self.channels.stop - self.channels.start
        return (out[:, size:] if self.has_mean else None), out[:, :size] * INDEX_GAIN


class ContextModel(nn.Module):
    """The entropy model: runs all passes over a map of latents and hands each to `code`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        order = pass_order(config)
        last = len(order) - 1
        self.passes = nn.ModuleList(Pass(g, o, i == last, config) for i, (g, o) in enumerate(order))
        self.groups, self.attended, self.steps = config.groups, config.attended, config.T

    def forward(
        self, membrane: Tensor, start: Tensor, targets: Tensor | None, code: Code, aid: Aid | None = None
    ) -> Tensor:
        """Latents in steps [N, N2, h, w], as `code` returns them pass by pass.

        `membrane` [T * N, C, h, w] is where the passes start; `start` [N, N2] is added to the table indexes;
        `targets` [N, N2, h, w] are the latents to code, or None when decoding (`code` then gets None); `aid` is what
        another view has to say: cells that it copies are not handed to `code`.
        """
        count, (height, width) = len(start), membrane.shape[2:]
        maps: list[Tensor] = []
        membrane = aid.start(membrane) if aid else membrane
        for number, step in enumerate(self.passes):
            if step.group == len(maps):
                maps.append(membrane.new_zeros(count * height * width, self.groups[step.group]))
                if aid and step.group in self.attended:
                    membrane = aid.attend(membrane)
            cells, placed = step.cells(count, height, width, membrane.device), torch.zeros_like(maps[-1])
            if aid:
                cells, placed = aid.copy(number, cells, placed)
            membrane = membrane + step.mix(step.spike(membrane))
            tokens = step.tokens(membrane, cells)
            mean, index = step.read(tokens)
            mean = torch.zeros_like(index) if mean is None else mean
            if step.predictor is not None:
                known = as_map(torch.cat(maps, dim=1), count, height, width).detach()
                eighths = (known * COMPAND_STEPS).round().clamp(-PREDICT_MAX, PREDICT_MAX)
                mean = mean + as_tokens(step.predictor(eighths))[cells]
            wanted = None if targets is None else as_tokens(targets[:, step.channels])[cells]
            index = index + start[:, step.channels][cells // (height * width)]
            if aid:
                mean, index = aid.judge(number, tokens, mean, index, cells)
            values = code(step.channels, wanted, mean, index)
            placed = placed.index_copy(0, cells, values.to(membrane.dtype))
            maps[-1] = maps[-1] + placed
            if step.context is not None:
                membrane = membrane + step.context(as_map(placed.detach(), count, height, width))
            membrane = aid.learn(number, membrane, values, cells) if aid else membrane
        return as_map(torch.cat(maps, dim=1), count, height, width)


def as_tokens(x: Tensor) -> Tensor:
    """[N, C, h, w] -> [N * h * w, C]"""
    return x.permute(0, 2, 3, 1).flatten(0, 2)


def as_map(tokens: Tensor, count: int, height: int, width: int) -> Tensor:
    """[N * h * w, C] -> [N, C, h, w]"""
    return tokens.view(count, height, width, -1).permute(0, 3, 1, 2)

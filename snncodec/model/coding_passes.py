"""Normative. The passes in which latents are coded: which channels of which blocks, in which order.

Every pass codes one group of channels at one part of a checkerboard; the first group takes four passes, for a smoother
start. A pass is a time step of the spiking context model: what was coded before it is known to it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snncodec.model.companding import COMPAND_MAX, COMPAND_SCALE, compand, with_magnitudes
from snncodec.model.config import ModelConfig
from snncodec.spiking.layers import FixedPointConv2d, mean_over_time, repeat_over_time
from snncodec.spiking.neurons import Spike

PREDICT_MAX = 2**15  # the linear predictor sees latents in eighths of a step, clipped to +-2**15
INDEX_GAIN = 8  # table indexes are read out in eighths of a weight's unit, or they would learn too slowly
EVEN, ODD = ((0, 0), (1, 1)), ((0, 1), (1, 0))  # the two halves of a checkerboard
QUARTERS = (((0, 0),), ((1, 1),), ((0, 1),), ((1, 0),))  # the first group's smoother order: four quarters
WINDOW, CENTRE = [(row, column) for row in range(3) for column in range(3)], (1, 1)  # of 3 x 3 blocks
PREDICTED_GROUPS, MEAN_GROUPS, SIGNED_GROUPS = 3, 5, 4  # groups with a linear predictor, a mean, signs as context

Lattice = tuple[tuple[int, int], ...]  # places inside every 2 x 2 blocks


def pass_order(config: ModelConfig) -> list[tuple[int, Lattice]]:
    """Group and lattice points of every pass."""
    return [(group, lattice) for group in range(len(config.groups)) for lattice in lattices_of(group)]


def lattices_of(group: int) -> tuple[Lattice, ...]:
    """The passes of a group."""
    return QUARTERS if group == 0 else (EVEN, ODD)


class SymbolContext(nn.Module):
    """Latents of one pass -> what they add to the membrane. Wide groups go through a narrow spiking layer."""

    def __init__(self, channels: int, signed: bool, config: ModelConfig) -> None:
        super().__init__()
        self.time_steps, width = config.T, config.prior_width
        self.narrow: FixedPointConv2d | None = None
        self.spike: Spike | None = None
        if signed:
            self.conv = FixedPointConv2d(2 * channels, width, 3, input_max=COMPAND_MAX, magnitudes=True)
            nn.init.normal_(self.conv.weight, std=0.01)
        else:
            inner = max(8, width * 2 // 5)
            self.narrow = FixedPointConv2d(channels, inner, input_max=COMPAND_MAX)
            nn.init.normal_(self.narrow.weight, std=0.5 / channels**0.5)
            self.spike = Spike(inner, config.spiking)
            self.conv = FixedPointConv2d(inner, width, 3, input_max=self.spike.max_output)

    def forward(self, values: Tensor) -> Tensor:
        companded = compand(values)
        if self.narrow is None or self.spike is None:
            return repeat_over_time(self.conv(with_magnitudes(companded)), self.time_steps)
        return self.conv(self.spike(repeat_over_time(self.narrow(companded.abs()), self.time_steps)))


class CodingPass(nn.Module):
    """The networks of one pass: channels [start, stop) at the lattice points `lattice` of every 2 x 2 blocks."""

    def __init__(self, group: int, lattice: Lattice, last: bool, config: ModelConfig) -> None:
        super().__init__()
        start, size, width = sum(config.groups[:group]), config.groups[group], config.prior_width
        self.group, self.channels, self.lattice, self.time_steps = group, slice(start, start + size), lattice, config.T
        self.spike, self.read_spike = Spike(width, config.spiking), Spike(width, config.spiking)
        self.mix = FixedPointConv2d(width, width, input_max=self.spike.max_output)
        self.has_mean = group < MEAN_GROUPS
        self.read_out = FixedPointConv2d(width, size * (1 + self.has_mean), input_max=self.spike.max_output)
        nn.init.normal_(self.mix.weight, std=0.02)
        nn.init.normal_(self.read_out.weight, std=0.01)
        self.predictor = None
        if group < PREDICTED_GROUPS:
            self.predictor = FixedPointConv2d(start + size, size, 3, input_max=PREDICT_MAX, bias=False)
            nn.init.zeros_(self.predictor.weight)
        self.context = None if last else SymbolContext(size, group < SIGNED_GROUPS, config)

    def cells(self, count: int, height: int, width: int, device: torch.device) -> Tensor:
        """Indexes of this pass's blocks in a flattened [count, height, width] map, in raster order."""
        grid = torch.arange(count * height * width, device=device).view(count, height, width)
        return torch.cat([grid[:, row::2, column::2].flatten() for row, column in self.lattice]).sort().values

    def predict(self, known: Tensor) -> Tensor:
        """The linear prediction [N, channels, h, w] of this pass's means from latents decoded so far, in steps."""
        assert self.predictor is not None  # a pass without one is not asked
        return self.predictor((known * COMPAND_SCALE).round().clamp(-PREDICT_MAX, PREDICT_MAX))

    @torch.no_grad()
    def level_predictor(self, means: Tensor, evenly: bool) -> None:
        """Make the predictor expect nothing of AC coefficients where the mean colours of blocks do not change.

        `means`, bool [N2], says which channels are mean colours. What their weights add up to is taken `evenly` from
        all places of the window, the least change to weights in training, or from one, so that all stay on their grid.
        """
        if self.predictor is None:
            return
        weight, start, means = self.predictor.weight, self.channels.start, means[: self.channels.stop]
        moved = means * ~means[start:, None]  # the mean colours among inputs, for outputs that are none
        window = sorted(WINDOW, key=CENTRE.__ne__)  # the centre first
        for inputs, places in ((slice(start), window), (slice(start, None), self.known_places)):
            changed = places if evenly else places[:1]
            surplus = sum(weight[:, inputs, row, column] for row, column in places) * moved[:, inputs]
            for row, column in changed:
                weight[:, inputs, row, column] -= surplus / len(changed)

    @property
    def known_places(self) -> list[tuple[int, int]]:
        """Rows and columns, in a window of 3 x 3 blocks, where latents of this group were coded in earlier passes."""
        lattices = lattices_of(self.group)
        earlier = [point for lattice in lattices[: lattices.index(self.lattice)] for point in lattice]
        row, column = self.lattice[0]
        return [(i, j) for i, j in WINDOW if ((row + i - 1) % 2, (column + j - 1) % 2) in earlier]

    def tokens(self, membrane: Tensor, cells: Tensor) -> Tensor:
        """The membranes of some cells, [T * cells, C]."""
        return membrane.permute(0, 2, 3, 1).unflatten(0, (self.time_steps, -1)).flatten(1, 3)[:, cells].flatten(0, 1)

    def read(self, tokens: Tensor) -> tuple[Tensor | None, Tensor]:
        """Mean (or None) and table index, both real, [cells, channels] each."""
        out = mean_over_time(self.read_out.linear(self.read_spike(tokens)), self.time_steps)
        size = self.channels.stop - self.channels.start
        return (out[:, size:] if self.has_mean else None), out[:, :size] * INDEX_GAIN

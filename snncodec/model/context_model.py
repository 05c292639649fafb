"""Normative. The context model: which latents are likely, given hyper-latents and all that is coded already.

In: latents decoded so far, in quantisation steps; out: a mean and an index of a frequency table for each latent of the
next pass. A membrane map starts from the `HyperDecoder`, integrates the symbols of each pass, takes one residual
spiking update and is read out. It neither quantises nor codes: a `code` function does, the same loop for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from snncodec.model.coding_passes import CodingPass, pass_order
from snncodec.model.config import ModelConfig
from snncodec.spiking.layers import integrate


@dataclass(frozen=True, eq=False)
class PassInput:
    """The latents that one pass codes, and what is expected of them; arrays of tokens [cells, channels]."""

    channels: slice
    cells: Tensor  # int64 [cells], indexes into the flattened map [N, h, w]
    targets: Tensor | None  # latents to code, in steps; None when decoding
    mean: Tensor  # real, in steps
    index: Tensor  # real index of a frequency table


CodePass = Callable[[PassInput], Tensor]  # returns the decoded latents in steps, [cells, channels]


class Conditioner(Protocol):
    """What another view tells the passes; membranes are [T * N, C, h, w]."""

    def take_skipped(self, number: int, cells: Tensor, coded: Tensor) -> Tensor:
        """The cells of pass `number` that are left to code; others are written to the map `coded` [N * h * w, C]."""
        ...

    def start(self, membrane: Tensor) -> Tensor:
        """The membrane that the passes start from."""
        ...

    def attend(self, group: int, membrane: Tensor) -> Tensor:
        """The membrane before the first pass of a group."""
        ...

    def adjust_parameters(
        self, number: int, tokens: Tensor, cells: Tensor, mean: Tensor, index: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Mean and table index of pass `number`, of which `tokens` are the membranes."""
        ...

    def integrate_error(self, number: int, membrane: Tensor, cells: Tensor, values: Tensor) -> Tensor:
        """The membrane after pass `number` decoded `values` [cells, channels]."""
        ...


class NullConditioner:
    """No other view: everything stays as it is."""

    def take_skipped(self, number: int, cells: Tensor, coded: Tensor) -> Tensor:
        return cells

    def start(self, membrane: Tensor) -> Tensor:
        return membrane

    def attend(self, group: int, membrane: Tensor) -> Tensor:
        return membrane

    def adjust_parameters(
        self, number: int, tokens: Tensor, cells: Tensor, mean: Tensor, index: Tensor
    ) -> tuple[Tensor, Tensor]:
        return mean, index

    def integrate_error(self, number: int, membrane: Tensor, cells: Tensor, values: Tensor) -> Tensor:
        return membrane


class ContextModel(nn.Module):
    """Runs all passes over a map of latents and hands each to `code`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        order = pass_order(config)
        last = len(order) - 1
        self.passes = nn.ModuleList(CodingPass(g, o, i == last, config) for i, (g, o) in enumerate(order))
        self.groups = config.groups

    @property
    def membrane_type(self) -> torch.dtype:
        """The float type of its membranes."""
        return cast(CodingPass, self.passes[0]).spike.threshold.dtype

    def level_predictors(self, means: Tensor, evenly: bool) -> None:
        """See `CodingPass.level_predictor`."""
        for coding_pass in cast(Iterable[CodingPass], self.passes):
            coding_pass.level_predictor(means, evenly)

    def forward(
        self,
        membrane: Tensor,
        index_offsets: Tensor,
        targets: Tensor | None,
        code: CodePass,
        conditioner: Conditioner,
        truncated: bool = False,
    ) -> Tensor:
        """Latents in steps [N, N2, h, w], as `code` returns them pass by pass.

        `membrane` [T * N, C, h, w] is where the passes start; `index_offsets` [N, N2] are added to the table indexes;
        `targets` [N, N2, h, w] are the latents to code, or None when decoding; cells that `conditioner` knows already
        are not handed to `code`. If the maps are `truncated`, no others of the last group are: they are zero.
        """
        shape = (len(index_offsets), membrane.shape[2], membrane.shape[3])
        membrane, maps = conditioner.start(membrane), list[Tensor]()  # [N * h * w, channels] of each group
        for number, coding_pass in enumerate(cast(Iterable[CodingPass], self.passes)):
            channels = coding_pass.channels
            if coding_pass.group == len(maps):
                maps.append(membrane.new_zeros(math.prod(shape), self.groups[coding_pass.group]))
                membrane = conditioner.attend(coding_pass.group, membrane)
            coded = torch.zeros_like(maps[-1])
            cells = conditioner.take_skipped(number, coding_pass.cells(*shape, membrane.device), coded)
            if truncated and coding_pass.group == len(self.groups) - 1:
                maps[-1] += coded
                continue
            membrane = integrate(membrane, coding_pass.mix(coding_pass.spike(membrane)))
            tokens = coding_pass.tokens(membrane, cells)
            mean, index = expect(coding_pass, tokens, cells, maps, shape)
            wanted = None if targets is None else as_tokens(targets[:, channels])[cells]
            index = index + index_offsets[cells // (shape[1] * shape[2]) if shape[0] > 1 else slice(None), channels]
            mean, index = conditioner.adjust_parameters(number, tokens, cells, mean, index)
            values = code(PassInput(channels, cells, wanted, mean, index))
            coded = coded.index_copy_(0, cells, values.to(membrane.dtype))
            maps[-1] += coded
            if coding_pass.context is not None:
                membrane = integrate(membrane, coding_pass.context(as_map(coded.detach(), *shape)))
            membrane = conditioner.integrate_error(number, membrane, cells, values)
        return as_map(torch.cat(maps, dim=1), *shape)


def expect(
    coding_pass: CodingPass, tokens: Tensor, cells: Tensor, known: list[Tensor], shape: tuple[int, int, int]
) -> tuple[Tensor, Tensor]:
    """Mean and table index of a pass, of its membranes and of what is `known` of all groups so far."""
    mean, index = coding_pass.read(tokens)
    mean = torch.zeros_like(index) if mean is None else mean
    if coding_pass.predictor is not None:
        mean = mean + as_tokens(coding_pass.predict(as_map(torch.cat(known, dim=1), *shape).detach()))[cells]
    return mean, index


def as_tokens(x: Tensor) -> Tensor:
    """[N, C, h, w] -> [N * h * w, C]"""
    return x.permute(0, 2, 3, 1).flatten(0, 2)


def as_map(tokens: Tensor, count: int, height: int, width: int) -> Tensor:
    """[N * h * w, C] -> [N, C, h, w]"""
    return tokens.view(count, height, width, -1).permute(0, 3, 1, 2)

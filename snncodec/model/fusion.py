"""Normative. What the entropy model of the right view learns from the left one, whose displaced latents are offered.

`Fusion` is the spiking network that decides, block by block and channel by channel, how far they are believed. Where
the field says that a block is not matched, the right view is coded as if it were alone.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from snncodec.model.attention import CrossAttention
from snncodec.model.coding_passes import INDEX_GAIN, SIGNED_GROUPS, SymbolContext, pass_order
from snncodec.model.companding import COMPAND_MAX, compand, with_magnitudes
from snncodec.model.config import ModelConfig
from snncodec.model.context_model import as_map, as_tokens
from snncodec.model.latent_grid import snap_latents
from snncodec.model.prediction import PredictedLatents
from snncodec.spiking.layers import FixedPointConv2d, integrate, mean_over_time, repeat_over_time
from snncodec.spiking.neurons import Spike

LEADING = 96  # latent channels of the prediction that features are made of


class FusionGate(nn.Module):
    """One pass's trust in the prediction: a gate between the context's mean and it, and a change of table index.

    The index also grows, channel by channel, with how far the two are apart (`disagreement_gain`).
    """

    def __init__(self, group: int, compares: bool, config: ModelConfig) -> None:
        super().__init__()
        self.time_steps, self.size = config.T, config.groups[group]
        self.spike = Spike(config.prior_width, config.spiking)
        self.read_out = FixedPointConv2d(config.prior_width, 2 * self.size, input_max=self.spike.max_output)
        nn.init.zeros_(self.read_out.weight)
        nn.init.zeros_(self.read_out.get_parameter("bias"))
        nn.init.constant_(self.read_out.get_parameter("bias")[: self.size], 0.5)
        self.disagreement_gain = nn.Parameter(torch.zeros(self.size))
        self.prediction_error_context = SymbolContext(self.size, group < SIGNED_GROUPS, config) if compares else None
        if self.prediction_error_context is not None:
            for numbers in self.prediction_error_context.conv.parameters():
                nn.init.zeros_(numbers)

    def forward(
        self, tokens: Tensor, mean: Tensor, index: Tensor, predicted: Tensor, matched: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Mean and table index [cells, size] after a look at predicted latents; `tokens` are membranes [T * cells, C].

        `matched` is 1 or 0 [cells, 1].
        """
        out = mean_over_time(self.read_out.linear(self.spike(tokens)), self.time_steps) * matched
        mean = snap_latents(mean)
        difference = predicted - mean
        disagreement = self.disagreement_gain * compand(difference.detach()).abs() * matched
        gate, shift = out[:, : self.size].clamp(0, 1), out[:, self.size :] * INDEX_GAIN
        return mean + gate * difference, index + shift + disagreement


class Fusion(nn.Module):
    """Features of the prediction that passes start from, a `FusionGate` for each pass, and attention if asked for."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.time_steps, self.leading, width = config.T, min(LEADING, config.N2), config.prior_width
        self.stem = FixedPointConv2d(2 * self.leading, width, 3, input_max=COMPAND_MAX, magnitudes=True)
        self.start_spike = Spike(width, config.spiking)
        self.start = FixedPointConv2d(width, width, input_max=self.start_spike.max_output)
        self.attention, self.attended = CrossAttention(config) if config.attended else None, config.attended
        order = pass_order(config)
        compared = [group < config.compared for group, _ in order[:-1]] + [False]  # nothing comes after the last pass
        self.gates = nn.ModuleList(
            FusionGate(group, compares, config) for (group, _), compares in zip(order, compared, strict=True)
        )
        starts = [sum(config.groups[:group]) for group, _ in order]
        self.channels = [slice(a, a + config.groups[g]) for a, (g, _) in zip(starts, order, strict=True)]
        nn.init.normal_(self.stem.weight, std=0.02)
        for numbers in self.start.parameters():
            nn.init.zeros_(numbers)

    def condition(self, predicted: PredictedLatents, skipped: Tensor | None = None) -> StereoConditioner:
        """The conditioner of one run of the context model.

        Where `skipped`, bool [N, h, w], the right latents are taken to be the predicted ones, and not coded.
        """
        matched = predicted.matched.to(predicted.values.dtype)
        companded = compand(predicted.values[:, : self.leading]) * matched
        features = self.start_spike(repeat_over_time(self.stem(with_magnitudes(companded)), self.time_steps))
        return StereoConditioner(self, features, predicted.values, matched, skipped)


class StereoConditioner:
    """`Fusion` at work on one map; the `Conditioner` that `ContextModel.forward` asks at every pass."""

    def __init__(
        self, fusion: Fusion, features: Tensor, predicted: Tensor, matched: Tensor, skipped: Tensor | None
    ) -> None:
        self.fusion, self.features = fusion, features
        self.shape, self.predicted, self.matched = predicted[:, 0].shape, as_tokens(predicted), as_tokens(matched)
        self.counts = repeat_over_time(matched, fusion.time_steps)
        self.skipped = None if skipped is None else skipped.flatten()

    def take_skipped(self, number: int, cells: Tensor, coded: Tensor) -> Tensor:
        """The cells of pass `number` that are left to code; the predicted latents of the others go to `coded`."""
        if self.skipped is None:
            return cells
        skipped = self.skipped[cells]
        taken, channels = cells[skipped], self.fusion.channels[number]
        coded.index_copy_(0, taken, self.predicted[taken, channels].to(coded.dtype))
        return cells[~skipped]

    def start(self, membrane: Tensor) -> Tensor:
        return membrane + self.fusion.start(self.features) * self.counts

    def attend(self, group: int, membrane: Tensor) -> Tensor:
        """The membrane with what the symbols decoded so far find on their row of the displaced view."""
        if self.fusion.attention is None or group not in self.fusion.attended:
            return membrane
        return membrane + self.fusion.attention(membrane, self.features) * self.counts

    def adjust_parameters(
        self, number: int, tokens: Tensor, cells: Tensor, mean: Tensor, index: Tensor
    ) -> tuple[Tensor, Tensor]:
        predicted, matched = self.predicted[cells, self.fusion.channels[number]], self.matched[cells]
        return self.fusion.gates[number](tokens, mean, index, predicted, matched)

    def integrate_error(self, number: int, membrane: Tensor, cells: Tensor, values: Tensor) -> Tensor:
        """The membrane after a comparison of what was decoded [cells, size] with what had been predicted."""
        context = cast(FusionGate, self.fusion.gates[number]).prediction_error_context
        if context is None:
            return membrane
        error = (values.detach() - self.predicted[cells, self.fusion.channels[number]]) * self.matched[cells]
        placed = error.new_zeros(len(self.predicted), error.shape[1]).index_copy(0, cells, error)
        return integrate(membrane, context(as_map(placed, *self.shape)) * self.counts)

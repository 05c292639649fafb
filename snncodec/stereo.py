"""What the entropy model of the right view learns from the left one: latents of the displaced left view are offered.

`Fusion` is the spiking network that decides, block by block and channel by channel, how far they are believed. Where
the field says that a block is not matched, the right view is coded as if it were alone. Everything here is exact.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.config import ModelConfig
from snncodec.exact import ExactConv2d, snap
from snncodec.neurons import Spike, mean_over_time, spread
from snncodec.prior import COMPAND_MAX, INDEX_GAIN, SIGNED_GROUPS, Context, Pass, as_map, as_tokens, compand, pass_order

WINDOW = range(-2, 3)  # blocks on the epipolar row around the displaced place that attention looks at
HEAD = 32  # channels of queries and keys
GATE_START = 2.0  # spikes that a query and a key must share before the gate opens; one that never opens learns nothing
LOOK = 96  # leading latent channels of the prediction that are looked at
VALUE_BITS, VALUE_MAX = 6, 2.0**17  # decoded latents, in steps, fit float32 exactly: multiples of 1/64, bounded


class Belief(nn.Module):
    """One pass's trust in the prediction: a gate between the context's mean and it, and a change of table index.

    The index also grows, channel by channel, with how far the two are apart (`doubt`).
    """

    def __init__(self, group: int, compares: bool, config: ModelConfig) -> None:
        super().__init__()
        self.steps, self.size = config.T, config.groups[group]
        self.spike = Spike(config.prior_width, config)
        self.read_out = ExactConv2d(config.prior_width, 2 * self.size, input_max=self.spike.max_output)
        nn.init.zeros_(self.read_out.weight)
        nn.init.constant_(self.read_out.bias[: self.size], 0.5)
        nn.init.zeros_(self.read_out.bias[self.size :])
        self.doubt = nn.Parameter(torch.zeros(self.size))
        self.surprise = Context(self.size, group < SIGNED_GROUPS, config) if compares else None
        if self.surprise is not None:
            nn.init.zeros_(self.surprise.conv.weight)
            nn.init.zeros_(self.surprise.conv.bias)

    def forward(
        self, tokens: Tensor, mean: Tensor, index: Tensor, predicted: Tensor, matched: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Mean and table index [cells, size] after a look at the prediction; `tokens` are membranes [T * cells, C]."""
        out = mean_over_time(self.read_out.linear(self.spike(tokens)), self.steps) * matched
        mean = mean if self.training else snap(mean, VALUE_BITS).clamp(-VALUE_MAX, VALUE_MAX)
        apart = predicted - mean
        doubt = self.doubt * compand(apart.detach()).abs() * matched
        return mean + out[:, : self.size].clamp(0, 1) * apart, index + out[:, self.size :] * INDEX_GAIN + doubt


class Attention(nn.Module):
    """Spike-driven cross-attention between the right view and the displaced left one, along the epipolar row.

    Scores are integers and the attention map is spikes, without softmax, so the result is exact, and the gate stays
    silent where nothing matches. After the spike-driven self-attention of Yao et al., "Spike-driven Transformer",
    NeurIPS 2023.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, values = config.prior_width, max(HEAD, config.prior_width * 2 // 5)
        self.spike = Spike(width, config)
        self.query, self.query_spike = ExactConv2d(width, HEAD, input_max=self.spike.max_output), Spike(HEAD, config)
        self.key, self.key_spike = (
            ExactConv2d(width, HEAD + values, input_max=self.spike.max_output),
            Spike(HEAD + values, config),
        )
        self.gate = Spike(len(WINDOW), config)
        self.read_out = ExactConv2d(values, width, input_max=self.spike.max_output**2 * len(WINDOW))
        nn.init.zeros_(self.read_out.weight)
        nn.init.zeros_(self.read_out.bias)
        nn.init.constant_(self.gate.threshold, GATE_START)

    def forward(self, membrane: Tensor, features: Tensor) -> Tensor:
        """What a right membrane [T * N, C, h, w] takes from spikes of the displaced left view [T * N, C, h, w]."""
        query = self.query_spike(self.query(self.spike(membrane)))
        seen = F.pad(self.key_spike(self.key(features)), (-WINDOW[0], WINDOW[-1]))
        views = [seen.narrow(3, shift - WINDOW[0], membrane.shape[3]) for shift in WINDOW]
        gates = self.gate(torch.stack([(query * view[:, :HEAD]).sum(1) for view in views], dim=1))
        return self.read_out(sum(gates[:, i : i + 1] * view[:, HEAD:] for i, view in enumerate(views)))


class Fusion(nn.Module):
    """What the right view's entropy model takes from the displaced left one: features to start from, and `Belief`s."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.steps, self.look, width = config.T, min(LOOK, config.N2), config.prior_width
        self.stem = ExactConv2d(2 * self.look, width, 3, input_max=COMPAND_MAX)
        self.start_spike = Spike(width, config)
        self.start = ExactConv2d(width, width, input_max=self.start_spike.max_output)
        self.attention = Attention(config) if config.attended else None
        order = pass_order(config)
        compared = [group < config.compared for group, _ in order[:-1]] + [False]  # nothing comes after the last pass
        self.beliefs = nn.ModuleList(
            Belief(group, compares, config) for (group, _), compares in zip(order, compared, strict=True)
        )
        nn.init.normal_(self.stem.weight, std=0.02)
        nn.init.zeros_(self.start.weight)
        nn.init.zeros_(self.start.bias)

    def help(self, expected: Tensor, passes: Iterable[Pass], copied: Tensor | None = None) -> Help:
        """Help for one run of the context model, from what `StereoCodec.expect` returns [N, N2 + 1, h, w].

        Where `copied`, bool [N, h, w], the right latents are taken to be the predicted ones, and not coded.
        """
        predicted, matched = expected[:, :-1], expected[:, -1:]
        companded = compand(predicted[:, : self.look]) * matched
        features = self.start_spike(spread(self.stem(torch.cat([companded, companded.abs()], dim=1)), self.steps))
        return Help(self, features, predicted, matched, [step.channels for step in passes], copied)


class Help:
    """`Fusion` at work on one map; the `Aid` that `ContextModel.forward` asks at every pass."""

    def __init__(
        self,
        fusion: Fusion,
        features: Tensor,
        predicted: Tensor,
        matched: Tensor,
        channels: list[slice],
        copied: Tensor | None,
    ) -> None:
        self.fusion, self.features, self.channels = fusion, features, channels
        self.shape, self.predicted, self.matched = predicted[:, 0].shape, as_tokens(predicted), as_tokens(matched)
        self.counts, self.copied = spread(matched, fusion.steps), None if copied is None else copied.flatten()

    def copy(self, number: int, cells: Tensor, placed: Tensor) -> tuple[Tensor, Tensor]:
        """The cells of pass `number` that are left to code, and `placed` with the predicted latents of the others."""
        if self.copied is None:
            return cells, placed
        taken, channels = cells[self.copied[cells]], self.channels[number]
        return cells[~self.copied[cells]], placed.index_copy(0, taken, self.predicted[taken, channels].to(placed.dtype))

    def start(self, membrane: Tensor) -> Tensor:
        """The membrane that the passes start from."""
        return membrane + self.fusion.start(self.features) * self.counts

    def attend(self, membrane: Tensor) -> Tensor:
        """The membrane with what the symbols decoded so far find on their row of the displaced view."""
        return membrane + self.fusion.attention(membrane, self.features) * self.counts

    def judge(self, number: int, tokens: Tensor, mean: Tensor, index: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and table index of pass `number` after a look at the prediction."""
        predicted, matched = self.predicted[cells, self.channels[number]], self.matched[cells]
        return self.fusion.beliefs[number](tokens, mean, index, predicted, matched)

    def learn(self, number: int, membrane: Tensor, values: Tensor, cells: Tensor) -> Tensor:
        """The membrane after a comparison of what was decoded [cells, size] with what had been predicted."""
        surprise = self.fusion.beliefs[number].surprise
        if surprise is None:
            return membrane
        difference = (values.detach() - self.predicted[cells, self.channels[number]]) * self.matched[cells]
        placed = difference.new_zeros(len(self.predicted), difference.shape[1]).index_copy(0, cells, difference)
        return membrane + surprise(as_map(placed, *self.shape)) * self.counts

"""What the left view tells about the right one: spiking cross-attention along the epipolar row.

In: the right view's membrane in mid-coding and the decoded left latents; out: what to add to that membrane. Rectified
views share rows, so a right block looks at left blocks of its own row. It estimates no disparity and moves no pixels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.config import ModelConfig
from snncodec.exact import ExactConv2d
from snncodec.neurons import Spike, spread
from snncodec.prior import COMPAND_MAX, compand

WINDOW = range(-2, 17)  # blocks: what is at column x on the right is at column x + disparity on the left
HEAD = 32  # channels of queries and keys
LOOK = 36  # leading left latent channels that are looked at


class Fusion(nn.Module):
    """Spike-driven cross-attention without softmax: integer queries, keys and values, a firing threshold as the gate.

    Scores are integers and the attention map is spikes, so the result is exact, and the gate stays silent where nothing
    matches. After the spike-driven self-attention of Yao et al., "Spike-driven Transformer", NeurIPS 2023.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.steps, self.look, width = config.T, min(LOOK, config.N2), config.prior_width
        self.values = max(HEAD, width * 2 // 5)
        self.spike = Spike(width, config)
        self.query, self.query_spike = ExactConv2d(width, HEAD, input_max=self.spike.max_output), Spike(HEAD, config)
        self.stem = ExactConv2d(2 * self.look, HEAD + self.values, 3, input_max=COMPAND_MAX)
        self.left_spike = Spike(HEAD + self.values, config)
        self.gate = Spike(len(WINDOW), config)
        reach = self.spike.max_output**2 * len(WINDOW)
        self.read_out = ExactConv2d(self.values, width, input_max=reach)
        nn.init.normal_(self.stem.weight, std=0.02)
        nn.init.zeros_(self.read_out.weight)
        nn.init.constant_(self.gate.threshold, HEAD)

    def observe(self, left: Tensor) -> Tensor:
        """Left latents in steps [N, N2, h, w] -> keys and values [T * N, K + V, h, w + 18], padded to the window."""
        companded = compand(left[:, : self.look]).to(self.stem.weight.dtype)
        features = self.stem(torch.cat([companded, companded.abs()], dim=1))
        return F.pad(self.left_spike(spread(features, self.steps)), (-WINDOW[0], WINDOW[-1]))

    def forward(self, membrane: Tensor, seen: Tensor) -> Tensor:
        """What a right membrane [T * N, C, h, w] takes from `seen`, which `observe` returned for the same columns."""
        query = self.query_spike(self.query(self.spike(membrane)))
        views = [seen.narrow(3, shift - WINDOW[0], membrane.shape[3]) for shift in WINDOW]
        scores = torch.stack([(query * view[:, :HEAD]).sum(1) for view in views], dim=1)
        gates = self.gate(scores)
        return self.read_out(sum(gates[:, i : i + 1] * view[:, HEAD:] for i, view in enumerate(views)))

    @staticmethod
    def around(seen: Tensor, rows: slice, columns: slice) -> Tensor:
        """The part of `observe`'s result that a tile of the right view looks at."""
        return seen[:, :, rows, columns.start : columns.stop + len(WINDOW) - 1]

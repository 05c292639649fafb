"""Normative. Spike-driven cross-attention between the right view and the left one, where a configuration asks for it.

Scores are integers and the attention map is spikes, without softmax, so the result is exact, and the gate stays silent
where nothing matches. After the spike-driven self-attention of Yao et al., "Spike-driven Transformer", NeurIPS 2023.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.model.config import ModelConfig
from snncodec.spiking.layers import FixedPointConv2d
from snncodec.spiking.neurons import Spike

WINDOW = range(-2, 3)  # blocks on the epipolar row around the displaced place that attention looks at
HEAD_CHANNELS = 32  # of queries and keys
GATE_START = 2.0  # spikes that a query and a key must share before the gate opens; one that never opens learns nothing


class CrossAttention(nn.Module):
    """A right membrane [T * N, C, h, w] and spikes of the displaced left view, alike -> what the former gains."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, values, neuron = config.prior_width, max(HEAD_CHANNELS, config.prior_width * 2 // 5), config.spiking
        self.spike = Spike(width, neuron)
        peak = self.spike.max_output
        self.query, self.query_spike = (
            FixedPointConv2d(width, HEAD_CHANNELS, input_max=peak),
            Spike(HEAD_CHANNELS, neuron),
        )
        self.key, self.key_spike = (
            FixedPointConv2d(width, HEAD_CHANNELS + values, input_max=peak),
            Spike(HEAD_CHANNELS + values, neuron),
        )
        self.gate = Spike(len(WINDOW), neuron)
        self.read_out = FixedPointConv2d(values, width, input_max=peak**2 * len(WINDOW))
        for numbers in self.read_out.parameters():
            nn.init.zeros_(numbers)
        nn.init.constant_(self.gate.threshold, GATE_START)

    def forward(self, membrane: Tensor, features: Tensor) -> Tensor:
        query = self.query_spike(self.query(self.spike(membrane)))
        keys = F.pad(self.key_spike(self.key(features)), (-WINDOW[0], WINDOW[-1]))
        views = [keys.narrow(3, shift - WINDOW[0], membrane.shape[3]) for shift in WINDOW]
        gates = self.gate(torch.stack([(query * view[:, :HEAD_CHANNELS]).sum(1) for view in views], dim=1))
        return self.read_out(sum(gates[:, i : i + 1] * view[:, HEAD_CHANNELS:] for i, view in enumerate(views)))

"""Normative. What depends on the quality 1..100: quantisation steps, and per-channel offsets of the networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snncodec.constants import QUALITIES
from snncodec.spiking.fixed_point import FRACTION_BITS, snap

COARSEST, FINEST = 192.0, 5.0  # quantisation steps at quality 1 and 100, geometric in between
STEP_BITS, STEP_MAX = 6, 1024  # steps and dequantised latents are multiples of 1/64
NODES = 9  # per-channel offsets are learned at 9 qualities and interpolated


def quality_steps() -> Tensor:
    """Quantisation steps [100] in pixel units, multiples of 1/64; shipped with the weights."""
    exponents = torch.arange(QUALITIES, dtype=torch.float64) / (QUALITIES - 1)
    return snap(COARSEST * (FINEST / COARSEST) ** exponents, STEP_BITS)


class QualityOffsets(nn.Module):
    """Per-channel offsets of a network as a function of quality: [N] qualities 1..100 -> [N, channels]."""

    def __init__(self, channels: int, nodes: int = NODES) -> None:
        super().__init__()
        self.nodes = nn.Parameter(torch.zeros(nodes, channels))

    def forward(self, quality: Tensor) -> Tensor:
        position = (quality - 1).double() * (len(self.nodes) - 1) / (QUALITIES - 1)
        low = position.floor().clamp(max=len(self.nodes) - 2).long()
        return torch.lerp(self.nodes[low], self.nodes[low + 1], (position - low)[:, None].to(self.nodes.dtype))

    @torch.no_grad()
    def exact(self, bits: int = FRACTION_BITS) -> ExactOffsets:
        """The offsets of all 100 qualities, snapped to multiples of 2**-bits."""
        return ExactOffsets(snap(self(torch.arange(1, QUALITIES + 1, device=self.nodes.device)).double(), bits))

    @torch.no_grad()
    def fit(self, values: Tensor) -> None:
        """Set the nodes so that the offsets of all qualities are as near as can be to `values` [100, channels]."""
        unit = QualityOffsets(len(self.nodes), len(self.nodes)).double()
        unit.nodes.copy_(torch.eye(len(self.nodes), dtype=torch.float64))
        shares = unit(torch.arange(1, QUALITIES + 1))  # of each node in the offset of each quality
        self.nodes.copy_(torch.linalg.lstsq(shares, values.double().cpu()).solution)


class ExactOffsets(nn.Module):
    """The offsets of all qualities as stored numbers [100, channels]."""

    values: Tensor

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.register_buffer("values", values)

    def forward(self, quality: Tensor) -> Tensor:
        return self.values[quality - 1]

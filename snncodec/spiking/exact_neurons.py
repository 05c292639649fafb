"""Normative. Spiking neurons for coding: fixed-point membranes in, spikes (or counts) out, alike on every machine.

Membranes, offsets and thresholds are multiples of 2**-12, so sums and products with the leak are exact (see
fixed_point.py). A count is voltage / threshold rounded to the nearest integer, halves to the even one. The division
rounds, but never across a half: on a grid of u = 2**-12, a quotient below 4 that is no half is at least u / threshold
away from one. In float32 its rounding error is at most 2**-23, and thresholds are below 2**10.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snncodec.spiking.config import LEAK_UNIT, NeuronConfig

MAX_COUNT = 4  # an integer LIF neuron fires 0..4 times a time step: four binary slots in spike-driven hardware
MIN_THRESHOLD, MAX_THRESHOLD = 1 / 16, 1023.0
RELU_LEVELS, RELU_MAX = 16, 16.0  # the CNN twin rounds to 1/16 and saturates at 16, so that it is exact too
ROWS = 16  # of a map that are looked at at once
MAX_OUTPUT = {"ilif": float(MAX_COUNT), "lif": 1.0, "relu": RELU_MAX}


class ExactSpike(nn.Module):
    """The neuron that `Spike` describes, on the fixed-point grid; input and output [T * N, C, ...], time first."""

    offset: Tensor
    threshold: Tensor
    in_bytes = False  # whether counts come as uint8, which is what a `ByteConvolution` takes

    def __init__(self, offset: Tensor, threshold: Tensor, neuron: NeuronConfig) -> None:
        super().__init__()
        self.neuron = neuron
        self.register_buffer("offset", offset)
        self.register_buffer("threshold", threshold)

    @property
    def refinement(self) -> int:
        """How much finer than the grid of its inputs voltages get by leaking, or products of the CNN twin's outputs."""
        if self.neuron.kind == "relu":
            return RELU_LEVELS**2
        steps, unit = self.neuron.time_steps, self.leak_unit
        return unit ** (steps if self.neuron.kind == "lif" else steps - 1)

    @property
    def leak_unit(self) -> int:
        """The smallest power of two of which 1 / tau is a fraction."""
        return next(unit for unit in (2, 4, 8, LEAK_UNIT) if (unit / self.neuron.tau).is_integer())

    @property
    def fires_once(self) -> bool:
        """Whether it is an integer neuron with a single time step."""
        return self.neuron.kind == "ilif" and self.neuron.time_steps == 1

    def forward(self, membrane: Tensor) -> Tensor:
        shape = (1, -1) + (1,) * (membrane.dim() - 2)
        offset, threshold = self.offset.view(shape), self.threshold.view(shape)
        if self.in_bytes:
            return self._fire_bytes(membrane, offset, threshold)
        drive = membrane + offset
        if self.neuron.kind == "relu":
            return drive.clamp_(0, RELU_MAX).mul_(RELU_LEVELS).round_().div_(RELU_LEVELS)
        if self.fires_once:
            return counts_of(drive, threshold)
        fire = self._fire_lif if self.neuron.kind == "lif" else self._fire_ilif
        steps = self.neuron.time_steps
        return fire(drive.unflatten(0, (steps, len(drive) // steps)), threshold).flatten(0, 1)

    def _fire_bytes(self, membrane: Tensor, offset: Tensor, threshold: Tensor) -> Tensor:
        """Counts uint8 [N, C, H, W] of a single time step, a few rows at a time, which stay in the cache."""
        counts = torch.empty_like(membrane, dtype=torch.uint8)
        for part, drive in zip(counts.split(ROWS, 2), membrane.split(ROWS, 2), strict=True):
            part.copy_(counts_of(drive + offset, threshold))
        return counts

    def _fire_ilif(self, drive: Tensor, threshold: Tensor) -> Tensor:
        """Counts [T, N, ...]: the voltage leaks by 1 / tau, and every spike takes a threshold away (soft reset)."""
        leak, out, voltage = round(LEAK_UNIT / self.neuron.tau) / LEAK_UNIT, [], torch.zeros_like(drive[0])
        for current in drive:
            voltage = voltage * (1 - leak) + current
            out.append(counts_of(voltage.clone(), threshold))
            voltage = voltage - out[-1] * threshold
        return torch.stack(out)

    def _fire_lif(self, drive: Tensor, threshold: Tensor) -> Tensor:
        """Spikes [T, N, ...]: the voltage decays towards its input, and a spike sets it to zero (hard reset)."""
        leak, out, voltage = round(LEAK_UNIT / self.neuron.tau) / LEAK_UNIT, [], torch.zeros_like(drive[0])
        for current in drive:
            voltage = voltage + (current - voltage) * leak
            out.append((voltage >= threshold).to(drive.dtype))
            voltage = voltage * (1 - out[-1])
        return torch.stack(out)


def counts_of(voltage: Tensor, threshold: Tensor) -> Tensor:
    """How often each voltage, which is overwritten, holds its threshold: 0 to 4, rounded to the nearest."""
    return voltage.div_(threshold).clamp_(0, MAX_COUNT).round_()

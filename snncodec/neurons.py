"""Spiking neurons: membrane potentials in, spikes (or spike counts) out; the only file that knows spikingjelly.

A `Spike` layer keeps no state: it starts from a resting membrane at every call, runs its T steps and forgets them.
In `train()` it is differentiable; in `eval()` it compares fixed-point membranes with fixed-point thresholds, which is
exact on every machine (see exact.py). It does not hold weights other than its thresholds and offsets.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from snncodec.config import LEAK_UNIT, ModelConfig

MAX_COUNT = 4  # an integer LIF neuron fires 0..4 times a step: four binary slots in spike-driven hardware
MIN_THRESHOLD = 1 / 16
RELU_STEPS, RELU_MAX = 16, 16.0  # the CNN twin rounds to 1/16 and saturates, so that it is exact too


@cache
def lif_node(tau: float) -> nn.Module:
    """spikingjelly's LIF neuron with the sketch's settings: decaying input, hard reset to 0, ATan surrogate."""
    from spikingjelly.activation_based import neuron, surrogate

    return neuron.LIFNode(tau=tau, surrogate_function=surrogate.ATan(), step_mode="m")


def spread(x: Tensor, steps: int) -> Tensor:
    """Repeat a constant input [N, ...] over time: [T * N, ...], time first (T = 1 copies nothing)."""
    return x if steps == 1 else x.repeat(steps, *[1] * (x.dim() - 1))


def mean_over_time(x: Tensor, steps: int) -> Tensor:
    """[T * N, ...] -> [N, ...]; exact for power-of-two T."""
    return x if steps == 1 else x.unflatten(0, (steps, len(x) // steps)).sum(0) / steps


class Spike(nn.Module):
    """Per-channel learned threshold and offset, then an integer LIF, LIF or ReLU neuron.

    Input and output [T * N, C, ...], T steps folded into the batch, time first. `ilif` follows Luo et al.,
    "Integer-Valued Training and Spike-Driven Inference SNN", ECCV 2024 (spikingjelly `ILIFNode`): soft reset, counts
    0..4, rectangular surrogate. `lif` is spikingjelly's `LIFNode` (hard reset, ATan surrogate).
    """

    def __init__(self, channels: int, config: ModelConfig) -> None:
        super().__init__()
        self.kind, self.steps, self.tau = config.neuron, config.T, config.tau
        self.offset = nn.Parameter(torch.zeros(channels))
        self.threshold = nn.Parameter(torch.ones(channels))

    @property
    def max_output(self) -> float:
        return {"ilif": float(MAX_COUNT), "lif": 1.0, "relu": RELU_MAX}[self.kind]

    @property
    def finer(self) -> int:
        """How much finer than the grid of its inputs voltages get by leaking, or products of the CNN twin's outputs."""
        if self.kind == "relu":
            return RELU_STEPS**2
        unit = next(u for u in (2, 4, 8, LEAK_UNIT) if (u / self.tau).is_integer())
        return unit ** (self.steps if self.kind == "lif" else self.steps - 1)

    def forward(self, membrane: Tensor) -> Tensor:
        shape = (1, -1) + (1,) * (membrane.dim() - 2)
        offset, threshold = self.offset.view(shape), self.threshold.view(shape)
        if self.kind == "relu":
            return relu_grid(membrane + offset, self.training)
        if not self.training:
            return self._exact(membrane + offset, threshold)
        if self.kind == "ilif":
            return fire_ilif(membrane, offset, threshold, self.steps, self.tau)
        drive = (membrane + offset) / threshold.clamp_min(MIN_THRESHOLD)
        node = lif_node(self.tau)
        node.reset()
        spikes = node(drive.unflatten(0, (self.steps, -1))).flatten(0, 1)
        node.reset()
        return spikes

    def _exact(self, drive: Tensor, threshold: Tensor) -> Tensor:
        """The same spikes by comparisons alone: additions and powers of two, so every intermediate is exact."""
        voltage, out, leak = None, [], round(LEAK_UNIT / self.tau) / LEAK_UNIT  # a product stays on the grid
        for current in drive.unflatten(0, (self.steps, len(drive) // self.steps)):
            if self.kind == "lif":
                voltage = current * leak if voltage is None else voltage + (current - voltage) * leak
                spikes = (voltage >= threshold).to(drive.dtype)
                voltage = voltage * (1 - spikes)
            else:
                voltage = current if voltage is None else voltage * (1 - leak) + current
                spikes = (voltage > 0.5 * threshold).to(drive.dtype)  # halves go to the even count, as in round()
                spikes += voltage >= 1.5 * threshold
                spikes += voltage > 2.5 * threshold
                spikes += voltage >= 3.5 * threshold
                voltage = voltage - spikes * threshold if self.steps > 1 else voltage
            out.append(spikes)
        return out[0] if len(out) == 1 else torch.cat(out)


def ilif_counts(membrane: Tensor, offset: Tensor, threshold: Tensor, steps: int, tau: float) -> Tensor:
    """Spike counts [T * N, ...] of spikingjelly's `ILIFNode` on (membrane + offset) / threshold, starting at rest.

    The same arithmetic and gradients, several times faster on a CPU, above all under `compile_neurons`.
    """
    drive, voltage, out = (membrane + offset) / threshold.clamp_min(MIN_THRESHOLD), None, []
    for current in drive.unflatten(0, (steps, -1)):
        voltage = current if voltage is None else voltage * (1 - 1 / tau) + current
        clipped = voltage.clamp(0, MAX_COUNT)
        out.append(clipped + (clipped.round() - clipped).detach())
        voltage = voltage - out[-1]
    return out[0] if steps == 1 else torch.cat(out)


fire_ilif = ilif_counts  # what training calls; `compile_neurons` puts the compiled function here


def compile_neurons() -> bool:
    """Compile the integer LIF for training (about four times faster); False where torch.compile does not work."""
    global fire_ilif
    torch._dynamo.config.recompile_limit = 64  # ranks, number types and gradient modes each need a version of their own
    compiled = torch.compile(ilif_counts, dynamic=True)
    try:
        threshold = torch.ones(1, 3, 1, 1, requires_grad=True)
        compiled(torch.zeros(2, 3, 4, 4), torch.zeros(1, 3, 1, 1), threshold, 1, 2.0).sum().backward()
    except Exception:  # no compiler, no support for this Python: torch raises many kinds
        return False
    fire_ilif = compiled
    return True


def relu_grid(x: Tensor, training: bool) -> Tensor:
    """ReLU on a grid of 1/16, clipped at 16: small integers in units of 1/16."""
    clipped = x.clamp(0, RELU_MAX)
    rounded = (clipped * RELU_STEPS).round() / RELU_STEPS
    return clipped + (rounded - clipped).detach() if training else rounded

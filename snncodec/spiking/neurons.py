"""Spiking neurons for training: membrane potentials in, spikes (or counts) out; the only file that knows spikingjelly.

A `Spike` layer keeps no state: it starts from a resting membrane at every call, runs its T time steps and forgets them.
It is differentiable; `exact` returns its counterpart for coding (see exact_neurons.py), which fires alike.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from snncodec.spiking.config import NeuronConfig
from snncodec.spiking.exact_neurons import MAX_COUNT, MAX_OUTPUT, MIN_THRESHOLD, RELU_LEVELS, RELU_MAX, ExactSpike
from snncodec.spiking.fixed_point import FRACTION_BITS, snap

if TYPE_CHECKING:
    from spikingjelly.activation_based.neuron import LIFNode


@cache
def lif_node(tau: float) -> LIFNode:
    """spikingjelly's LIF neuron with the sketch's settings: decaying input, hard reset to 0, ATan surrogate."""
    from spikingjelly.activation_based import neuron, surrogate

    return neuron.LIFNode(tau=tau, surrogate_function=surrogate.ATan(), step_mode="m")


class Spike(nn.Module):
    """Per-channel learned threshold and offset, then an integer LIF, LIF or ReLU neuron.

    Input and output [T * N, C, ...], T time steps folded into the batch, time first. `ilif` follows Luo et al.,
    "Integer-Valued Training and Spike-Driven Inference SNN", ECCV 2024 (spikingjelly `ILIFNode`): soft reset, counts
    0..4, rectangular surrogate. `lif` is spikingjelly's `LIFNode` (hard reset, ATan surrogate).
    """

    def __init__(self, channels: int, neuron: NeuronConfig) -> None:
        super().__init__()
        self.neuron = neuron
        self.offset = nn.Parameter(torch.zeros(channels))
        self.threshold = nn.Parameter(torch.ones(channels))

    @property
    def max_output(self) -> float:
        return MAX_OUTPUT[self.neuron.kind]

    def forward(self, membrane: Tensor) -> Tensor:
        shape = (1, -1) + (1,) * (membrane.dim() - 2)
        offset, threshold = self.offset.view(shape), self.threshold.view(shape)
        steps, tau = self.neuron.time_steps, self.neuron.tau
        if self.neuron.kind == "relu":
            return relu_grid(membrane + offset)
        if self.neuron.kind == "ilif":
            return fire_ilif(membrane, offset, threshold, steps, tau)
        drive = (membrane + offset) / threshold.clamp_min(MIN_THRESHOLD)
        node = lif_node(tau)
        node.reset()
        spikes = node(drive.unflatten(0, (steps, -1))).flatten(0, 1)
        node.reset()
        return spikes

    @torch.no_grad()
    def exact(self, bits: int = FRACTION_BITS) -> ExactSpike:
        """The neuron that files are coded with: offsets are multiples of 2**-bits, thresholds of twice that."""
        threshold = snap(self.threshold.double().clamp_min(MIN_THRESHOLD), bits - 1)
        return ExactSpike(snap(self.offset.double(), bits), threshold, self.neuron)


def ilif_counts(membrane: Tensor, offset: Tensor, threshold: Tensor, time_steps: int, tau: float) -> Tensor:
    """Spike counts [T * N, ...] of spikingjelly's `ILIFNode` on (membrane + offset) / threshold, starting at rest.

    The same arithmetic and gradients, several times faster on a CPU, above all under `compile_neurons`.
    """
    drive, voltage, out = (membrane + offset) / threshold.clamp_min(MIN_THRESHOLD), None, []
    for current in drive.unflatten(0, (time_steps, -1)):
        voltage = current if voltage is None else voltage * (1 - 1 / tau) + current
        clipped = voltage.clamp(0, MAX_COUNT)
        out.append(clipped + (clipped.round() - clipped).detach())
        voltage = voltage - out[-1]
    return out[0] if time_steps == 1 else torch.cat(out)


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


def relu_grid(x: Tensor) -> Tensor:
    """ReLU on a grid of 1/16, clipped at 16, with the gradient of the clipped ReLU."""
    clipped = x.clamp(0, RELU_MAX)
    return clipped + ((clipped * RELU_LEVELS).round() / RELU_LEVELS - clipped).detach()

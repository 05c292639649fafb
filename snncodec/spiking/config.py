"""Which neuron a network is made of, as a frozen dataclass; computes nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from snncodec.errors import WeightsError

NEURONS = ("ilif", "lif", "relu")
LEAK_UNIT = 16  # the leak 1 / tau of a membrane is a multiple of 1/16


@dataclass(frozen=True)
class NeuronConfig:
    """Kind of neuron, simulated time steps T and membrane time constant tau (in time steps)."""

    kind: str = "ilif"  # ilif (counts 0..4), lif (binary spikes) or relu (the CNN twin)
    time_steps: int = 1
    tau: float = 2.0

    def __post_init__(self) -> None:
        if self.kind not in NEURONS:
            raise WeightsError(f"unknown neuron {self.kind!r}, expected one of {', '.join(NEURONS)}")
        if self.time_steps < 1 or self.time_steps & (self.time_steps - 1):
            raise WeightsError(f"T = {self.time_steps} time steps: their mean is exact for powers of two only")
        if self.kind == "relu" and self.time_steps != 1:
            raise WeightsError(f"T = {self.time_steps} time steps do not suit the {self.kind} neuron")
        if not 1 < self.tau < math.inf or not (LEAK_UNIT / self.tau).is_integer():
            raise WeightsError(f"tau = {self.tau} has no exact leak: 1 / tau must be in sixteenths, as for tau = 2.0")

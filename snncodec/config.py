"""The sizes of a model and the options of a training run, as frozen dataclasses.

Nothing here computes: every other module takes its numbers from one of these, and unknown fields are errors.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snncodec.errors import InputError, WeightsError

NEURONS = ("ilif", "lif", "relu")
STAGES = ("prior", "decoder", "joint", "stereo", "both")
BLOCK = 16  # stride of the linear transform in pixels; its blocks are 16 x 16 x 3 = 768 numbers
LEAK_UNIT = 16  # the leak 1 / tau of a membrane is a multiple of 1/16
MAX_WIDTH, MAX_DEPTH = 4096, 64  # of networks; what a weights file may ask for before anything is allocated
MAX_PIXELS = 2**28  # of one view, unless the caller sets another limit
QUALITIES = 100  # qualities run from 1 to 100


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of a `StereoCodec`; M, N2, T and tau keep the names of the sketch this codec grew from."""

    neuron: str = "ilif"  # ilif (counts 0..4), lif (binary spikes) or relu (the CNN twin)
    M: int = 64  # channels of the spiking networks that work on pixels
    N2: int = 768  # latent channels kept, in order of variance; 768 is complete
    T: int = 1  # simulated time steps; outputs are averaged over them
    tau: float = 2.0  # membrane time constant in steps
    patch: int = 4  # stride of the pixel networks
    blocks: int = 2  # residual blocks in each pixel network
    refined: int = 192  # leading latent channels that the spiking encoder refines
    prior_width: int = 160  # membrane channels of the entropy model
    hyper_channels: int = 64  # hyper-latent channels, at stride 64
    groups: tuple[int, ...] = (3, 9, 24, 60, 160, 512)  # latent channels coded together; they sum to N2
    compared: int = 6  # leading groups whose latents are compared with those predicted from the left view
    attended: tuple[int, ...] = ()  # groups before which the right view attends to the left one

    def __post_init__(self) -> None:
        if self.neuron not in NEURONS:
            raise WeightsError(f"unknown neuron {self.neuron!r}, expected one of {', '.join(NEURONS)}")
        if sum(self.groups) != self.N2 or min(self.groups) < 1 or self.N2 > 3 * BLOCK * BLOCK:
            raise WeightsError(f"channel groups {self.groups} do not add up to N2 = {self.N2} latent channels")
        if self.T < 1 or self.T & (self.T - 1):
            raise WeightsError(f"T = {self.T} time steps: their mean is exact for powers of two only")
        if self.neuron == "relu" and self.T != 1:
            raise WeightsError(f"T = {self.T} time steps do not suit the {self.neuron} neuron")
        if not 1 < self.tau < math.inf or not (LEAK_UNIT / self.tau).is_integer():
            raise WeightsError(f"tau = {self.tau} has no exact leak: 1 / tau must be in sixteenths, as for tau = 2.0")
        sizes = (self.M, self.patch, self.refined, self.prior_width, self.hyper_channels)
        if min(sizes) < 1 or self.blocks < 0 or BLOCK % self.patch or self.refined > self.N2:
            raise WeightsError("sizes must be positive, patch must divide 16 and refined must not exceed N2")
        if max(sizes) > MAX_WIDTH or max(self.blocks, self.T) > MAX_DEPTH:
            raise WeightsError(f"widths above {MAX_WIDTH} and more than {MAX_DEPTH} blocks or time steps are refused")

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """Read back `to_dict`; a field that is missing or unknown is a `WeightsError`."""
        names = {f.name for f in dataclasses.fields(cls)}
        if set(values) != names:
            raise WeightsError(f"model configuration has unexpected fields: {sorted(set(values) ^ names)}")
        return cls(**{**values, **{name: tuple(values[name]) for name in ("groups", "attended")}})


PRESETS = {
    "base": ModelConfig(),
    "tiny": ModelConfig(M=8, N2=48, patch=8, blocks=1, refined=12, prior_width=16, hyper_channels=4, groups=(3, 9, 36)),
    # The research sketch's sizes (Conv + LIF, T = 4 steps averaged) around real quantisation and a real bitstream.
    "sketch": ModelConfig(
        neuron="lif", M=256, N2=25, T=4, tau=2.0, patch=8, blocks=1, refined=25, hyper_channels=25, groups=(3, 9, 13)
    ),
}


@dataclass(frozen=True)
class TrainOptions:
    """What `snncodec train` was asked for; see its help for the meaning of each field."""

    data: list[Path]
    val: Path | None = None
    preset: str = "base"
    neuron: str | None = None  # replaces the preset's neuron
    resume: Path | None = None
    init: str | None = None
    seed: int = 0
    steps: int | None = None
    minutes: float | None = None
    crop: int | None = None  # side of the training crops in pixels; None means the stages' own
    device: str = "auto"
    out: Path = Path("runs/base")
    stages: tuple[str, ...] = field(default=STAGES)

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise InputError(f"unknown preset {self.preset!r}, expected one of {', '.join(PRESETS)}")
        if unknown := [s for s in self.stages if s not in STAGES]:
            raise InputError(f"unknown stage {unknown[0]!r}, expected some of {', '.join(STAGES)}")
        if not self.stages:
            raise InputError("no stage to run, expected some of " + ", ".join(STAGES))
        if self.resume and self.init:
            raise InputError("--resume continues a run and --init starts a new one from weights; give one of them")
        if self.neuron and (self.resume or self.init):
            raise InputError("--neuron describes a new model; one that is resumed or started from weights has its own")
        if (self.steps is None) == (self.minutes is None):
            raise InputError("give the length of the run either as --steps or as --minutes")
        if self.crop is not None and (self.crop < 2 * BLOCK or self.crop % BLOCK):
            raise InputError(f"training crops of {self.crop} pixels do not work; use a multiple of 16 from 32 on")
        if not 0 < (self.steps or self.minutes or 0) < math.inf:
            raise InputError("the length of a run must be positive")

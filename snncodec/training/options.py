"""What `snncodec train` was asked for, as a frozen dataclass; loads no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from snncodec.constants import BLOCK
from snncodec.errors import InputError
from snncodec.model.config import PRESETS

STAGES = ("prior", "decoder", "joint", "stereo", "stereo_joint")
RECIPE = ("prior", "decoder", "stereo")  # what the shipped weights `base` were trained with; the others brought nothing


@dataclass(frozen=True)
class TrainOptions:
    """The options of a training run; see the help of the command for the meaning of each field."""

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
    stages: tuple[str, ...] = RECIPE
    strict: bool = False  # a picture that cannot be read ends the run; else it is left out

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

    @property
    def budget(self) -> float:
        """The length of the run: in steps where they are given, else in seconds."""
        return self.steps or 60 * (self.minutes or 0)

"""The sizes of a model, as a frozen dataclass, and the presets; every network takes its numbers from here."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from snncodec.constants import BLOCK
from snncodec.errors import WeightsError
from snncodec.spiking.config import NeuronConfig

MAX_WIDTH, MAX_DEPTH = 4096, 64  # of networks; what a weights file may ask for before anything is allocated
MAX_GROUPS = 32  # of latent channels


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of a `StereoCodec`; M, N2, T and tau keep the names of the sketch this codec grew from."""

    neuron: str = "ilif"  # ilif (counts 0..4), lif (binary spikes) or relu (the CNN twin)
    M: int = 64  # channels of the spiking networks that work on pixels
    N2: int = 768  # latent channels kept, in order of variance; 768 is complete
    T: int = 1  # simulated time steps; outputs are averaged over them
    tau: float = 2.0  # membrane time constant in time steps
    patch: int = 4  # stride of the pixel networks
    blocks: int = 2  # residual blocks in the decoder's pixel network
    encoder_blocks: int = 0  # and in the encoders', which are linear without any: analysis by synthesis does as well
    refined: int = 192  # leading latent channels that spiking encoders refine and see
    prior_width: int = 160  # membrane channels of the entropy model
    hyper_channels: int = 64  # hyper-latent channels, at stride 64
    groups: tuple[int, ...] = (3, 9, 24, 60, 160, 512)  # latent channels coded together; they sum to N2
    compared: int = 4  # leading groups whose latents are compared with those predicted from the left view
    attended: tuple[int, ...] = ()  # groups before which the right view attends to the left one

    def __post_init__(self) -> None:
        self.spiking  # noqa: B018  (checks the neuron, T and tau)
        if not self.groups or sum(self.groups) != self.N2 or min(self.groups) < 1 or self.N2 > 3 * BLOCK * BLOCK:
            raise WeightsError(f"channel groups {self.groups} do not add up to N2 = {self.N2} latent channels")
        if len(self.groups) > MAX_GROUPS:
            raise WeightsError(f"more than {MAX_GROUPS} groups of latent channels are refused")
        sizes = (self.M, self.patch, self.refined, self.prior_width, self.hyper_channels)
        if min(sizes) < 1 or min(self.blocks, self.encoder_blocks) < 0 or BLOCK % self.patch or self.refined > self.N2:
            raise WeightsError("sizes must be positive, patch must divide 16 and refined must not exceed N2")
        if max(sizes) > MAX_WIDTH or max(self.blocks, self.encoder_blocks, self.T) > MAX_DEPTH:
            raise WeightsError(f"widths above {MAX_WIDTH} and more than {MAX_DEPTH} blocks or time steps are refused")

        whole = type(self.compared) is int and all(type(group) is int for group in self.attended)
        if not whole or not 0 <= self.compared <= self.N2 or not set(self.attended) <= set(range(self.N2)):
            raise WeightsError("compared must be a number of groups, and attended must name groups")
        if len(set(self.attended)) < len(self.attended):
            raise WeightsError("a group is attended twice")

    @property
    def spiking(self) -> NeuronConfig:
        """The neuron of all networks."""
        return NeuronConfig(self.neuron, self.T, self.tau)

    @property
    def least_numbers(self) -> int:
        """How many numbers a model has at least; the true number is at most three times as large (see the tests)."""
        width, passes = self.prior_width, 2 * len(self.groups) + 2
        pixels = 18 * self.M**2 * (self.blocks + self.encoder_blocks + 1) + 3 * self.patch**2 * self.M
        contexts = sum(36 * size * width for size in self.groups[:4])
        predictors = sum(18 * sum(self.groups[: g + 1]) * size for g, size in enumerate(self.groups[:3]))
        hyper = 9 * width * (width + 2 * self.hyper_channels)
        return pixels + passes * width**2 + 2 * self.N2 * width + contexts + predictors + hyper

    def check_stored(self, stored: int) -> None:
        """`ValueError` if so many numbers cannot be such a model, which is to be asked before one is made."""
        if self.least_numbers > stored:
            raise ValueError(f"it has {stored:,} numbers, and needs {self.least_numbers:,} at least")

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
    "tiny": ModelConfig(
        M=8,
        N2=48,
        patch=8,
        blocks=1,
        encoder_blocks=1,
        refined=12,
        prior_width=16,
        hyper_channels=4,
        groups=(3, 9, 36),
    ),
    # A third of the widths of base, for experiments that have an hour of a core and not a day.
    "small": ModelConfig(M=24, patch=8, blocks=1, refined=96, prior_width=56, hyper_channels=24),
    # The research sketch's sizes (Conv + LIF, T = 4 steps averaged) around real quantisation and a real bitstream; its
    # fusion attends to the left view before each group but the first.
    "sketch": ModelConfig(
        neuron="lif",
        M=256,
        N2=25,
        T=4,
        tau=2.0,
        patch=8,
        blocks=1,
        encoder_blocks=1,
        refined=25,
        hyper_channels=25,
        groups=(3, 9, 13),
        attended=(1, 2),
    ),
}

"""What is measured: a stereo pair comes in, files go out and come back as a pair; snncodec itself among its peers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snncodec.benchmark.baselines import find_baselines
from snncodec.benchmark.coder import Coder
from snncodec.bitstream import container
from snncodec.bitstream.container import Tag
from snncodec.constants import DEFAULT_EFFORT
from snncodec.errors import InputError
from snncodec.io.images import StereoPair

if TYPE_CHECKING:
    from snncodec.codec import Codec

OURS = "snncodec"


@dataclass(frozen=True)
class StereoCoder:
    """snncodec as a `Coder`. No ICC profile is stored, as none is in the baselines' files."""

    codec: Codec
    qualities: tuple[int, ...]
    independent: bool
    effort: int
    name: str = OURS

    @property
    def settings(self) -> str:
        """Everything that its files depend on, but the pair, the quality and the program."""
        way = "each view alone" if self.independent else "the right view given the left one"
        return f"weights {self.codec.loaded.id.hex()}, {way}, effort={self.effort}, quality={list(self.qualities)}"

    def encode(self, pair: StereoPair, quality: int) -> tuple[bytes]:
        return (self.codec.encode(*pair.views(), quality, independent=self.independent, effort=self.effort),)

    def decode(self, files: tuple[bytes, ...]) -> StereoPair:
        return self.codec.decode(files[0])

    def view_bytes(self, files: tuple[bytes, ...]) -> tuple[int, int]:
        """What each view takes, the displacements counted with the right one; header and profile are in neither."""
        _, sections = container.read_header(files[0])
        lengths = {section.tag: section.length for section in sections}
        return lengths[Tag.LEFT], lengths.get(Tag.DISPARITY, 0) + lengths[Tag.RIGHT]


@dataclass(frozen=True)
class Contest:
    """Who is measured, in plain values that can be sent to another process; `enter` makes the coders."""

    qualities: tuple[int, ...]
    baselines: tuple[str, ...] = ()
    weights: str | Path = "base"
    device: str = "auto"
    independent: bool = False
    effort: int = DEFAULT_EFFORT

    def enter(self, names: Iterable[str] | None = None) -> dict[str, Coder]:
        """snncodec and its baselines by name, or those of `names` only; InputError for what is not there."""
        wanted = (OURS, *self.baselines) if names is None else tuple(names)
        others = {coder.name: coder for coder in find_baselines(name for name in wanted if name != OURS)}
        coders: dict[str, Coder] = {}
        if OURS in wanted:
            if not self.qualities:
                raise InputError("no quality to measure was given; name at least one between 1 and 100")
            from snncodec.codec import Codec  # with torch, which a process that measures a baseline does without

            codec = Codec(self.weights, self.device)
            coders[OURS] = StereoCoder(codec, self.qualities, self.independent, self.effort)
        return coders | others

    def settings(self) -> dict[str, Any]:
        """What was asked for, in values that JSON can write."""
        asked = {"weights": str(self.weights), "independent": self.independent, "effort": self.effort}
        return asked | {"device": self.device, "qualities": list(self.qualities)}

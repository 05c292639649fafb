"""One pair of many: what is to be coded and how, in plain values that any process or machine can be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from snncodec.io.output_names import Pictures

if TYPE_CHECKING:
    from snncodec.codec import Codec
    from snncodec.workflow.targets import Target


class Job(Protocol):
    """Work whose outcome is files; doing it twice does no harm."""

    @property
    def name(self) -> str:
        """What people are told about it."""
        ...

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files that it reads."""
        ...

    @property
    def targets(self) -> tuple[Path, ...]:
        """The files that it writes, all of them or none."""
        ...

    def run(self) -> list[str]:
        """Write the targets, over whatever is there; sentences on what could not be kept of its inputs.

        `SnncodecError` for what cannot be done.
        """
        ...


@dataclass(frozen=True)
class EncodeJob:
    """Two pictures, or one file that holds both views, to be made one file; `options` are those of `Codec.encode`."""

    name: str
    left: Path
    right: Path | None  # None where `left` holds both views
    target: Path
    quality: int | Target
    weights: str = "base"
    device: str = "auto"
    swap: bool = False
    strip: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.left, self.right, Path(self.weights)) if path)

    @property
    def targets(self) -> tuple[Path, ...]:
        return (self.target,)

    def run(self) -> list[str]:
        from snncodec.io.files import made_folders, write_bytes
        from snncodec.io.stereo_files import prepared, read_views
        from snncodec.workflow.targets import encode_to_target

        notes: list[str] = []
        pair = prepared(read_views(self.left, self.right, notes.append), self.swap, self.strip)
        codec = _codec(self.weights, self.device)
        if isinstance(self.quality, int):
            data = codec.encode(*pair.views(), self.quality, icc=pair.icc, exif=pair.exif, **self.options)
        else:
            data = encode_to_target(codec, pair, self.quality, **self.options).data
        with made_folders(self.target.parent):
            write_bytes(self.target, data, force=True)
        return notes


@dataclass(frozen=True)
class DecodeJob:
    """A file to be made pictures; `weights` None are those that it names, which are shipped."""

    name: str
    file: Path
    pictures: Pictures
    weights: str | None
    device: str
    max_pixels: int

    @property
    def inputs(self) -> tuple[Path, ...]:
        return (self.file, Path(self.weights)) if self.weights else (self.file,)

    @property
    def targets(self) -> tuple[Path, ...]:
        return self.pictures.files

    def run(self) -> list[str]:
        from snncodec.bitstream import container
        from snncodec.io.files import made_folders
        from snncodec.io.pair_outputs import write_pair
        from snncodec.model.weights_manifest import find_by_id

        with open(self.file, "rb") as stream:
            data = container.read(stream)
        codec = _codec(self.weights or str(find_by_id(container.read_header(data)[0].weights_id)), self.device)
        pair = codec.decode(data, self.pictures.content == "left", max_pixels=self.max_pixels)
        with made_folders(*(target.parent for target in self.targets)):
            write_pair(pair, self.pictures, force=True)
        return []


@lru_cache(maxsize=2)
def _codec(weights: str, device: str) -> Codec:
    """Weights are read once by each process."""
    from snncodec.codec import Codec

    return Codec(weights, device)

"""Golden files and what they must decode to: a folder comes in, files with hashes of their pixels go out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from snncodec.codec import Codec
from snncodec.errors import InputError

PACKAGE = Path(__file__).parents[1]
SHIPPED = "shipped"  # what the index calls files whose weights are found by their id


@dataclass(frozen=True)
class GoldenFile:
    """A coded file, and the SHA-256 of the pixels of its views."""

    name: str
    data: bytes
    weights: Path | None  # None: shipped ones
    sha256: tuple[str, str]  # of the left and the right view

    def decodes_alike(self, codec: Codec) -> bool:
        """Whether a codec with its weights makes the pixels of the day when the file was made."""
        pair = codec.decode(self.data)
        views = [view for view in (pair.left, pair.right) if view is not None]
        return tuple(hashlib.sha256(view.tobytes()).hexdigest() for view in views) == self.sha256


def golden_folder() -> Path:
    """Where golden files lie: inside the wheel, or among the tests of a checkout."""
    inside = PACKAGE / "_golden"
    return inside if inside.is_dir() else PACKAGE.parent / "tests" / "golden"


def golden_files(folder: Path) -> list[GoldenFile]:
    """The golden files of a folder, those left out whose weights are neither shipped nor beside them.

    `InputError` for a folder without an index or files.
    """
    try:
        index = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"there are no golden files in {folder}: {error}") from error
    files = []
    for name, entry in sorted(index.items()):
        shipped, weights = entry["weights"] == SHIPPED, folder / f"{entry['weights']}.safetensors"
        if (folder / name).is_file() and (shipped or weights.is_file()):
            hashes = entry["sha256_left"], entry["sha256_right"]
            files.append(GoldenFile(name, (folder / name).read_bytes(), None if shipped else weights, hashes))
    if not files:
        raise InputError(f"there are no golden files in {folder} with weights at hand")
    return files

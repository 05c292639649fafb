"""Which weights are shipped, and in which of them a file was coded; their tensors are not looked at.

`info` needs no more than this: nothing here loads torch.
"""

from __future__ import annotations

import json
from pathlib import Path

from snncodec.errors import UnsupportedError

PACKAGE = Path(__file__).parents[1]


def folder() -> Path:
    """Where the shipped weights lie: inside the wheel, or beside the package in a checkout."""
    inside = PACKAGE / "_weights"
    return inside if inside.is_dir() else PACKAGE.parent / "weights"


def manifest() -> dict[str, dict[str, object]]:
    """Name -> {"sha256": ..., "bytes": ...} of the shipped weights."""
    file = folder() / "MANIFEST.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def find_by_id(weights_id: bytes) -> str:
    """The name of the shipped weights with this id."""
    for name, entry in manifest().items():
        if str(entry["sha256"]).startswith(weights_id.hex()):
            return name
    raise UnsupportedError(
        f"this file needs weights {weights_id.hex()}, which are not shipped here; name their file with --weights"
    )

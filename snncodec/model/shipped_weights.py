"""The shipped weights by name, ready for coding; how weights become shipped ones. Files must match MANIFEST.json."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import torch

from snncodec.errors import WeightsError
from snncodec.io.files import write_bytes
from snncodec.model.weights import LoadedWeights, read_weights
from snncodec.model.weights_manifest import folder, manifest


def load_weights(name: str, device: torch.device) -> LoadedWeights:
    """Shipped weights by name, or any weights file by path, ready for coding on `device`."""
    shipped = manifest().get(name)
    file = folder() / f"{name}.safetensors" if shipped else Path(name)
    if not os.path.isfile(file):  # unlike Path.is_file, False for names that no file can have
        raise WeightsError(f"there are no weights {name[:200]!r}: expected a file, or one of {', '.join(manifest())}")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot read the weights {file}: {error.strerror or error}") from error
    if shipped and hashlib.sha256(data).hexdigest() != shipped["sha256"]:
        raise WeightsError(f"{file} is damaged: its sha256 is not the one in MANIFEST.json; install snncodec again")
    return read_weights(data, str(file), device)


def publish_weights(file: Path, name: str) -> Path:
    """Make `file` the shipped weights `name`: copy it to `folder` and enter its sha256 and size in MANIFEST.json.

    `WeightsError` for a file that is damaged or not provably exact, or an impossible name. Returns where it went.
    """
    if not re.fullmatch("[a-z0-9][a-z0-9_-]*", name):
        raise WeightsError(f"{name!r} cannot name shipped weights: use small letters, digits, - and _")
    data, entries = file.read_bytes(), manifest()
    read_weights(data, str(file), torch.device("cpu"))
    entries[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    target = folder() / f"{name}.safetensors"
    write_bytes(target, data, force=True)
    write_bytes(folder() / "MANIFEST.json", (json.dumps(entries, indent=2) + "\n").encode(), force=True)
    return target

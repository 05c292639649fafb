"""Checkpoints of a training run: plain tensors and numbers to a file and back, whole or not at all.

A file ends with the SHA-256 of what stands before. The last file is kept as previous.ckpt where a new one is written,
and serves where that is damaged. This file does not know what the fields mean, and loads nothing that could run code.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from snncodec.errors import TrainingError
from snncodec.io.files import write_bytes

PROGRESS = {"stage": str, "done": list, "spent": float, "step": int, "best": float}  # how far the run has come
FIELDS = ("config", "model", "average", "optimiser", "progress", "random")


SEAL = b"snncodec checkpoint, sha256 "  # in front of the hash at the end
END_OF_ARCHIVE = slice(-22, -18), b"PK\x05\x06"  # where torch's files end that have no hash
PREVIOUS = "previous.ckpt"


def write_checkpoint(state: dict[str, Any], file: Path) -> None:
    """Replace `file` by `state`, which has the keys `FIELDS`; what it held, if sound, becomes previous.ckpt."""
    file.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    torch.save(state, stream)
    data = stream.getvalue()
    if file.is_file() and _is_sealed(held := file.read_bytes()):
        write_bytes(file.with_name(PREVIOUS), held, force=True)
    write_bytes(file, data + SEAL + hashlib.sha256(data).digest(), force=True)


def read_last_checkpoint(file: Path, report: Callable[[str], None]) -> dict[str, Any]:
    """`read_checkpoint` of a file, or, where it is damaged or gone, of the previous one beside it."""
    try:
        return read_checkpoint(file)
    except TrainingError as error:
        previous = file.with_name(PREVIOUS)
        if file.name == PREVIOUS or not previous.is_file():
            raise
        report(f"{error}; the run continues from {previous}")
        return read_checkpoint(previous)


def read_checkpoint(file: Path) -> dict[str, Any]:
    """What `write_checkpoint` wrote, also without a hash, as earlier ones were; `TrainingError` for anything else."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise TrainingError(f"cannot read the checkpoint {file}: {error.strerror or error}") from error
    place, mark = END_OF_ARCHIVE
    if data[place] != mark and not _is_sealed(data):
        raise TrainingError(f"{file} is no checkpoint of a training run, or a damaged one")
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises what its parsers trip over, with advice that does not fit here
        raise TrainingError(f"{file} is no checkpoint of a training run, or a damaged one") from error
    if not isinstance(state, dict) or set(state) != set(FIELDS) or not _is_progress(state["progress"]):
        raise TrainingError(f"{file} is no checkpoint of a training run of this version")
    return state


def _is_sealed(data: bytes) -> bool:
    """Whether the bytes of a checkpoint end with the hash of those before."""
    body, seal = data[: -len(SEAL) - 32], data[-len(SEAL) - 32 :]
    return seal == SEAL + hashlib.sha256(body).digest()


def _is_progress(values: object) -> bool:
    """Whether all fields of `PROGRESS` are there, of their type and possible, and stages that are done have names."""
    if not isinstance(values, dict) or set(values) != set(PROGRESS):
        return False
    if not all(isinstance(values[name], kind) for name, kind in PROGRESS.items()):
        return False
    return 0 <= values["spent"] < math.inf and values["step"] >= 0 and all(isinstance(s, str) for s in values["done"])

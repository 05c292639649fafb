"""Checkpoints of a training run: plain tensors and numbers to a file and back, whole or not at all.

It does not know what the fields mean, and loads nothing that could run code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from snncodec.errors import TrainingError
from snncodec.io.files import write_files

PROGRESS = {"stage": str, "done": list, "spent": float, "step": int, "best": float}  # how far the run has come
FIELDS = ("config", "model", "average", "optimiser", "progress", "random")


def write_checkpoint(state: dict[str, Any], file: Path) -> None:
    """Replace `file` by `state`, which has the keys `FIELDS`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_files({file: lambda stream: torch.save(state, stream)}, force=True)


def read_checkpoint(file: Path) -> dict[str, Any]:
    """What `write_checkpoint` wrote; `TrainingError` for anything else."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise TrainingError(f"cannot read the checkpoint {file}: {error.strerror or error}") from error
    except Exception as error:  # torch raises what its parsers trip over, with advice that does not fit here
        raise TrainingError(f"{file} is no checkpoint of a training run, or a damaged one") from error
    if not isinstance(state, dict) or set(state) != set(FIELDS) or not _is_progress(state["progress"]):
        raise TrainingError(f"{file} is no checkpoint of a training run of this version")
    return state


def _is_progress(values: object) -> bool:
    """Whether all fields of `PROGRESS` are there and of their type, and the stages that are done have names."""
    if not isinstance(values, dict) or set(values) != set(PROGRESS):
        return False
    return all(isinstance(values[name], kind) for name, kind in PROGRESS.items()) and all(
        isinstance(stage, str) for stage in values["done"]
    )

"""What a benchmark ran on: processor, threads, and the versions of the packages whose work was measured."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("snncodec", "torch", "spikingjelly", "constriction", "numpy", "pillow", "bjontegaard", "pytorch-msssim")


def describe_environment(device: str) -> dict[str, Any]:
    """The machine and the packages, as plain values that JSON can hold."""
    import torch

    return {
        "gpu": torch.cuda.get_device_name() if device != "cpu" and torch.cuda.is_available() else None,
        "cpu": _cpu_name(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
    }


def _cpu_name() -> str:
    """The model of the processor; `platform.processor()` is empty on most Linux systems."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

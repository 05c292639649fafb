"""A pair and a codec come in; what a process takes that does nothing else but encode, or decode, it goes out."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from snncodec.benchmark.coders import Contest
from snncodec.benchmark.measurement import Task
from snncodec.worker_processes import worker_pool


def peak_memory(task: Task, contest: Contest) -> dict[str, Any]:
    """Peak resident memory of one process that encodes and another that decodes, in MB (10^6 bytes), Python and
    libraries included: `encode_peak_mb`, `decode_peak_mb`, None where the system does not tell; and what was coded."""
    encode_peak, files = _alone(_encode, task, contest)
    decode_peak, _ = _alone(_decode, task, contest, files)
    size = {"scene": task.picture.label, "quality": task.quality}
    return size | {"encode_peak_mb": encode_peak, "decode_peak_mb": decode_peak}


def _alone(work: Any, *arguments: Any) -> tuple[float | None, Any]:
    """Do the work in a fresh process; return the peak of its memory and the outcome."""
    with worker_pool(1) as process:
        return process.submit(_measured, work, *arguments).result()


def _measured(work: Any, *arguments: Any) -> tuple[float | None, Any]:
    outcome = work(*arguments)
    return peak_of_this_process(), outcome


def _encode(task: Task, contest: Contest) -> tuple[bytes, ...]:
    return contest.enter([task.coder])[task.coder].encode(task.picture.read(), task.quality)


def _decode(task: Task, contest: Contest, files: tuple[bytes, ...]) -> None:
    contest.enter([task.coder])[task.coder].decode(files)


def peak_of_this_process() -> float | None:
    """MB. On Linux from the memory itself: what getrusage tells there includes the process that started this one."""
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s*(\d+) kB", status.read_text())):
        return int(found[1]) * 1024 / 1e6
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6

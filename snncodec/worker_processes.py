"""Processes that work for this one: started afresh, and gone when it is gone, however it ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any


def worker_pool(processes: int, begin: Callable[..., object] | None = None, *arguments: Any) -> ProcessPoolExecutor:
    """A pool of processes, each of which calls `begin(*arguments)` first; all of it must be picklable."""
    return ProcessPoolExecutor(processes, get_context("spawn"), _begin, (begin, arguments))


def _begin(begin: Callable[..., object] | None, arguments: tuple[Any, ...]) -> None:
    Thread(target=_leave_with_parent, daemon=True).start()
    if begin:
        begin(*arguments)


def _leave_with_parent() -> None:
    """A process that waits for work does not notice that its parent was killed, and would wait for ever."""
    if parent := parent_process():
        parent.join()
        os._exit(1)

"""Where the time of coding goes: functions that belong to a stage are marked `timed`, and a `Stopwatch` adds them up.

A function that another timed one calls counts for its own stage only. While nobody measures, nothing is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

STAGES = ("transform", "network", "quantisation", "entropy_coder", "search", "warp", "rest")

P = ParamSpec("P")
R = TypeVar("R")
_running: ContextVar[Stopwatch | None] = ContextVar("stopwatch", default=None)


class Stopwatch:
    """Seconds of wall clock by stage, of what one thread does inside `measure`; what is not timed is the rest."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._inside = 0.0  # seconds of the stages that were entered during the present one

    @property
    def total(self) -> float:
        """Seconds of all stages."""
        return sum(self.seconds.values())

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Listen to what this thread does inside."""
        token = _running.set(self)
        try:
            with self.stage("rest"):
                yield
        finally:
            _running.reset(token)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What is done inside belongs to this stage, unless it says otherwise."""
        outer, self._inside, start = self._inside, 0.0, time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - start
            self.seconds[name] += elapsed - self._inside
            self._inside = outer + elapsed


def timed(stage: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Marks a function as part of a stage, one of `STAGES`."""

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def measured(*args: P.args, **kwargs: P.kwargs) -> R:
            stopwatch = _running.get()
            if stopwatch is None:
                return function(*args, **kwargs)
            with stopwatch.stage(stage):
                return function(*args, **kwargs)

        return measured

    return mark

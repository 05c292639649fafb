"""Ctrl-C while a run learns: the step in progress is finished and its state saved before the program ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def delayed_interrupt(patient: bool = False) -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether SIGINT or SIGTERM has come; both wait until it is asked.

    A second Ctrl-C interrupts at once, unless this is `patient`. Only the main thread can hear signals.
    """
    asked = threading.Event()

    def hear(number: int, _frame: FrameType | None) -> None:
        if asked.is_set() and number == signal.SIGINT and not patient:
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

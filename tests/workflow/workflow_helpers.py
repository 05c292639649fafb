"""Jobs that need no codec: they write, fail, wait or die as they are told."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from snncodec.errors import InputError
from snncodec.io.files import write_bytes


@dataclass(frozen=True)
class PlainJob:
    """Writes the number of its process to a file, after some seconds; `order` says what else it does."""

    name: str
    target: Path
    order: str = "write"
    seconds: float = 0.0
    inputs: tuple = ()

    @property
    def targets(self):
        return (self.target,)

    def run(self):
        time.sleep(self.seconds)
        flag = self.target.with_suffix(".died")
        if self.order == "die" or (self.order == "die once" and not flag.exists()):
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.order == "refuse":
            raise InputError(f"{self.name} is no picture")
        if self.order == "trip":
            raise ZeroDivisionError
        write_bytes(self.target, str(os.getpid()).encode(), force=True)
        return [f"{self.name} is done"]

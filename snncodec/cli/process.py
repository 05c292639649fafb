"""What a command sets in its own process before it works; a program that imports snncodec keeps its own settings."""

import ctypes
import gc
import os
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
KEPT_BYTES, LARGEST_KEPT_BYTES = 2**28, 2**24


def load_torch() -> None:
    """Import torch as suits a command: without garbage collections, which take a fifth of the time and find nothing.

    And let OpenMP threads sleep while they wait: they spin by default, which costs up to tenfold on a busy machine.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when torch loads
    keep_freed_memory()
    gc.disable()
    import torch  # noqa: F401

    gc.freeze()  # what has been imported stays, and need not be looked at later, either
    gc.enable()


def give_back_freed_memory() -> None:
    """Hand what glibc keeps back to the system, such as that of a reader; elsewhere, nothing happens."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def keep_freed_memory() -> None:
    """Let glibc keep the memory of tensors of up to 16 MiB for the next ones; elsewhere, nothing happens.

    By default it goes back to the system, and pages that come anew cost a tenth of all the time.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # other libraries than glibc have none
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)

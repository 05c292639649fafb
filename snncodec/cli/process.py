"""What a command sets in its own process before it works; a program that imports snncodec keeps its own settings."""

import ctypes
import gc
import os
import sys
import types

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
KEPT, KEPT_OF_LARGE_VIEWS = (2**28, 2**24), (2**24, 2**18)  # bytes in all, and of one tensor at most
LARGE_VIEW = 2**23  # pixels
SHAPES = "torch._meta_registrations"


def load_torch(compiler: bool = False) -> None:
    """Import torch as suits a command: without garbage collections, which take a fifth of the time and find nothing.

    What its `compiler` knows about the shapes of results takes a quarter; it is left out unless a command compiles, and
    comes when it is first asked for. OpenMP threads are made to sleep while they wait: by default they spin, which
    costs up to tenfold on a busy machine.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when torch loads
    keep_freed_memory()
    gc.disable()
    stand_in = types.ModuleType(SHAPES)
    deferred = not compiler and sys.modules.setdefault(SHAPES, stand_in) is stand_in
    import torch  # noqa: F401

    if deferred:
        del sys.modules[SHAPES]
    gc.freeze()  # what has been imported stays, and need not be looked at later, either
    gc.enable()


def keep_freed_memory(pixels: int = 0) -> None:
    """Let glibc keep the memory of freed tensors for the next ones; elsewhere, nothing happens.

    By default it goes back to the system, and pages that come anew cost a tenth of all the time. For views of many
    `pixels` less is kept: memory is what they lack.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc and hasattr(libc, "mallopt"):  # other libraries than glibc have none
        kept, largest = KEPT_OF_LARGE_VIEWS if pixels > LARGE_VIEW else KEPT
        libc.mallopt(M_MMAP_THRESHOLD, largest)
        libc.mallopt(M_TRIM_THRESHOLD, kept)
        libc.malloc_trim(0)

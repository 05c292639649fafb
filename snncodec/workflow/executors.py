"""Where many jobs run: processes of this machine, or the workers of a Dask cluster, behind `concurrent.futures`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from snncodec.errors import InputError
from snncodec.worker_processes import worker_pool

LOCAL, DASK = "local", "dask://"


@contextmanager
def open_executor(name: str, jobs: int) -> Iterator[Executor]:
    """`local`: `jobs` processes of one thread each, started afresh; `dask://HOST:PORT`: the workers of that scheduler.

    `InputError` for another name, a scheduler that does not answer, and where Dask is missing.
    """
    if name == LOCAL:
        pool = worker_pool(jobs, use_one_thread)
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    elif name.startswith(DASK):
        with _dask_executor(name.removeprefix(DASK)) as executor:
            yield executor
    else:
        raise InputError(f"there is no executor {name!r}; choose {LOCAL} or {DASK}HOST:PORT")


@contextmanager
def _dask_executor(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("a cluster needs Dask; install it with pip install 'snncodec[cluster]'") from error
    try:
        client = Client(f"tcp://{address}", timeout="10s")
    except (OSError, ValueError) as error:
        raise InputError(f"no Dask scheduler answers at {address} ({error})") from error
    with client:
        client.run(use_one_thread)
        executor = client.get_executor(pure=False)  # by Dask's own rule, what a lost worker had is done by another
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)


def use_one_thread() -> None:
    """Of a worker: others work beside it, and OpenMP's threads hinder each other."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)


def usable_cores() -> int:
    """How many processes run at once without waiting for each other."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

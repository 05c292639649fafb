"""The conditions under which files must decode alike: settings of a process, and of torch inside it.

What a variable of the environment decides has to be set before torch is loaded, and needs a process of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial

CAPABILITIES = ("default", "avx2", "avx512")  # of ATen's kernels
ONEDNN = ("SSE41", "AVX2", "AVX512_CORE", "AVX512_CORE_VNNI")  # the instructions that oneDNN may use at most
DTYPES = ("float16", "bfloat16", "float64")
PRECISIONS = ("bf16", "tf32")  # of products of float32


class NotHere(Exception):
    """This machine, or this build of torch, cannot do that."""


@dataclass(frozen=True)
class Condition:
    """One line of the report: its name, and a context in which files are decoded."""

    name: str
    hold: Callable[[], AbstractContextManager[None]]  # makes them so
    device: str = "cpu"
    at_once: int = 1  # threads of Python that decode


@dataclass(frozen=True)
class Process:
    """Conditions that share an environment."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    full: bool = False  # all conditions, or only with few and many threads


def processes(short: bool = False) -> list[Process]:
    """The processes of the matrix; few of them for the short form."""
    kernels = [Process(f"ATen {name}", {"ATEN_CPU_CAPABILITY": name}) for name in CAPABILITIES]
    instructions = [Process(f"oneDNN {name}", {"ONEDNN_MAX_CPU_ISA": name}) for name in ONEDNN]
    return [Process("", full=True), *(kernels[:1] if short else kernels + instructions)]


def conditions(process: Process) -> list[Condition]:
    """What is held inside a process, one after another."""
    first = f"{process.name}, " if process.name else ""
    most = max(2, os.cpu_count() or 1)
    numbers = sorted({1, 2, 3, most}) if process.full else [most]
    found = [Condition(f"{first}threads {number}", partial(_threads, process, number)) for number in numbers]
    if process.full:
        found += _settings()
    return found


def _settings() -> list[Condition]:
    """What a program may have set in torch, and devices."""
    products = [Condition(f"float32 products in {name}", partial(_precision, name)) for name in PRECISIONS]
    dtypes = [Condition(f"default dtype {name}", partial(_default_dtype, name)) for name in DTYPES]
    return [
        Condition("oneDNN off", _without_onednn),
        *products,
        *dtypes,
        Condition("autocast", _autocast),
        Condition("denormals flushed", _flushed),
        Condition("two threads of Python at once", _nothing, at_once=2),
        Condition("CUDA", _cuda, device="cuda"),
        Condition("MPS", _mps),
    ]


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _threads(process: Process, number: int) -> Iterator[None]:
    import torch

    wanted = process.variables.get("ATEN_CPU_CAPABILITY")
    if wanted and torch.backends.cpu.get_cpu_capability().lower() != wanted:
        raise NotHere(f"the kernels are {torch.backends.cpu.get_cpu_capability()}")
    if "ONEDNN_MAX_CPU_ISA" in process.variables and not torch.backends.mkldnn.is_available():
        raise NotHere("torch is built without oneDNN")
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _without_onednn() -> Iterator[None]:
    import torch

    if not torch.backends.mkldnn.is_available():
        raise NotHere("torch is built without oneDNN")
    with torch.backends.mkldnn.flags(enabled=False):
        yield


@contextmanager
def _precision(name: str) -> Iterator[None]:
    import torch

    onednn = torch.backends.mkldnn
    holders = [onednn, onednn.conv, onednn.matmul, torch.backends.cuda.matmul]  # type: ignore[attr-defined]
    before = [holder.fp32_precision for holder in holders]
    try:
        for holder in holders[: -1 if name == "bf16" else None]:  # CUDA has no bf16 products of float32
            holder.fp32_precision = name
        yield
    except RuntimeError as error:
        if "precision" in str(error):
            raise NotHere(f"torch does not offer it: {error}") from error
        raise
    finally:
        for holder, precision in zip(holders, before, strict=True):
            holder.fp32_precision = precision


@contextmanager
def _default_dtype(name: str) -> Iterator[None]:
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, name))
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def _autocast() -> Iterator[None]:
    import torch

    with torch.autocast("cpu", dtype=torch.bfloat16):
        yield


@contextmanager
def _flushed() -> Iterator[None]:
    import torch

    if not torch.set_flush_denormal(True):
        raise NotHere("this processor cannot flush them")
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextmanager
def _cuda() -> Iterator[None]:
    import torch

    if not torch.cuda.is_available():
        raise NotHere("no CUDA device")
    yield


@contextmanager
def _mps() -> Iterator[None]:
    import torch

    mps = torch.backends.mps.is_available()
    raise NotHere("MPS computes no float64, which decoding needs; the CPU decodes" if mps else "no MPS device")
    yield

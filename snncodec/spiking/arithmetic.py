"""torch's settings while files are coded: no gradients, and no kernels that round on purpose.

Some settings of torch belong to the whole process. They are set when the first thread starts to code and put back when
the last one ends, so threads neither see each other's settings nor leave any behind.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

_lock = threading.Lock()
_users = 0
_settings = ExitStack()


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Inside: no Winograd, FFT or reduced-precision kernels, no autocast, no gradients; in any number of threads."""
    with (
        _process_settings(),
        torch.inference_mode(),
        torch.autocast("cpu", enabled=False),
        torch.autocast("cuda", enabled=False),
    ):
        yield


@contextmanager
def _process_settings() -> Iterator[None]:
    """Hold the settings of the whole process; the first one in sets them, the last one out puts back what was there."""
    global _users, _settings
    with _lock:
        if not _users:
            with ExitStack() as stack:
                stack.enter_context(_ieee_precision())
                stack.enter_context(torch.backends.nnpack.flags(enabled=False))
                stack.enter_context(_without_cudnn())
                _settings = stack.pop_all()
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                _settings.close()


@contextmanager
def _without_cudnn() -> Iterator[None]:
    """As `torch.backends.cudnn.flags`, which sets all other flags, too, and fails where some were set one by one."""
    before = torch.backends.cudnn.enabled
    torch._C._set_cudnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_cudnn_enabled(before)


@contextmanager
def _ieee_precision() -> Iterator[None]:
    """oneDNN's float32 kernels without shortened operands."""
    kernels = (torch.backends.mkldnn.conv, torch.backends.mkldnn.matmul)  # type: ignore[attr-defined]  # made at import
    common = torch.backends.mkldnn.fp32_precision
    before = ["none" if kind.fp32_precision == common else kind.fp32_precision for kind in kernels]  # none: as all have
    for kind in kernels:
        kind.fp32_precision = "ieee"
    try:
        yield
    finally:
        for kind, precision in zip(kernels, before, strict=True):
            kind.fp32_precision = precision

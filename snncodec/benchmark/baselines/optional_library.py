"""The name of an optional library comes in, the imported module goes out, or one sentence that says how to get it."""

from __future__ import annotations

import importlib
from types import ModuleType

from snncodec.errors import InputError


def load_library(module: str, baseline: str, install: str = "pip install '.[peers]'") -> ModuleType:
    """The module that a baseline is made with, imported late: most runs need none; InputError where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"baseline {baseline} needs the package {module}, which cannot be imported ({error}); "
            f"run {install} or leave it out of --baselines"
        ) from error

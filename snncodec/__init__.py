"""snncodec: a stereo image codec whose every non-linearity is a spiking neuron.

`encode(left, right, quality=50) -> bytes` and `decode(data) -> StereoPair`; torch loads at the first call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snncodec.codec import decode, encode
    from snncodec.errors import SnncodecError
    from snncodec.images import StereoPair

__version__ = "0.1.0"
__all__ = ["SnncodecError", "StereoPair", "__version__", "decode", "encode"]

_HOMES = {"encode": "codec", "decode": "codec", "StereoPair": "images", "SnncodecError": "errors"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'snncodec' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"snncodec.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__

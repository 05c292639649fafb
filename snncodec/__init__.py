"""snncodec: a stereo image codec whose every non-linearity is a spiking neuron.

`encode(left, right, quality=50) -> bytes` and `decode(data) -> StereoPair`; a `Codec` keeps the weights of many calls.
torch loads when one of them is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snncodec.codec import Codec, decode, encode
    from snncodec.errors import SnncodecError
    from snncodec.io.images import StereoPair

__version__ = "0.1.0"
__all__ = ["Codec", "SnncodecError", "StereoPair", "__version__", "decode", "encode"]

_HOMES = {"Codec": "codec", "encode": "codec", "decode": "codec", "StereoPair": "io.images", "SnncodecError": "errors"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'snncodec' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"snncodec.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__

"""What takes the symbols of a view besides a `SymbolEncoder`: a recorder, whose symbols can be coded later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from snncodec.bitstream.range_coder import SymbolEncoder


class SymbolSink(Protocol):
    """Takes what `SymbolEncoder` takes, in the order in which it is to be decoded."""

    def encode(self, symbols: np.ndarray, indexes: np.ndarray) -> None: ...

    def encode_adaptive(self, symbols: np.ndarray, counts: np.ndarray) -> None: ...


class SymbolRecorder:
    """Keeps symbols until it is known whether they are wanted."""

    def __init__(self) -> None:
        self.calls: list[tuple[Callable[..., None], tuple[np.ndarray, ...]]] = []

    def encode(self, symbols: np.ndarray, indexes: np.ndarray) -> None:
        self.calls.append((SymbolEncoder.encode, (symbols, indexes)))

    def encode_adaptive(self, symbols: np.ndarray, counts: np.ndarray) -> None:
        self.calls.append((SymbolEncoder.encode_adaptive, (symbols, counts.copy())))

    def replay(self, coder: SymbolEncoder) -> None:
        """Hand everything to `coder`."""
        for method, arguments in self.calls:
            method(coder, *arguments)

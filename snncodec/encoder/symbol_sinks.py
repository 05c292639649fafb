"""What takes the symbols of a view besides a `SymbolEncoder`: nothing, while a view is coded for trial."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class SymbolSink(Protocol):
    """Takes what `SymbolEncoder` takes, in the order in which it is to be decoded."""

    def encode(self, symbols: np.ndarray, tables: np.ndarray) -> None: ...

    def encode_mixed(self, symbols: np.ndarray, tables: np.ndarray) -> None: ...

    def encode_adaptive(self, symbols: np.ndarray, counts: np.ndarray) -> None: ...

    def encode_bypass(self, symbols: np.ndarray, size: int) -> None: ...


class NullSink:
    """Forgets every symbol."""

    def encode(self, symbols: np.ndarray, tables: np.ndarray) -> None: ...

    def encode_mixed(self, symbols: np.ndarray, tables: np.ndarray) -> None: ...

    def encode_adaptive(self, symbols: np.ndarray, counts: np.ndarray) -> None: ...

    def encode_bypass(self, symbols: np.ndarray, size: int) -> None: ...

"""A stereo pair comes in; two files, one for each view, go out, as users without a stereo codec store pairs today.

How a view becomes a file is left to the classes of the formats, which derive from this one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from snncodec.io.images import StereoPair


class ViewByView(ABC):
    """A `Baseline` that codes each view alone, into a complete file of its own."""

    qualities: tuple[int, ...]

    @abstractmethod
    def encode_view(self, view: np.ndarray, quality: int) -> bytes:
        """A file of a view, uint8 [H, W, 3]; InputError where the library is missing or refuses the picture."""

    @abstractmethod
    def decode_view(self, file: bytes) -> np.ndarray:
        """The view in such a file, uint8 [H, W, 3]."""

    def check(self) -> None:
        """InputError unless a small grey pair can be coded and decoded with the libraries at hand."""
        grey = np.full((16, 16, 3), 128, np.uint8)
        self.decode(self.encode(StereoPair(grey, grey), self.qualities[0]))

    def encode(self, pair: StereoPair, quality: int) -> tuple[bytes, ...]:
        """The left and the right file; InputError as `encode_view`."""
        return tuple(self.encode_view(view, quality) for view in pair.views())

    def decode(self, files: tuple[bytes, ...]) -> StereoPair:
        """The pair that came out of `encode`."""
        left, right = map(self.decode_view, files)
        return StereoPair(left, right)

    def view_bytes(self, files: tuple[bytes, ...]) -> tuple[int, int]:
        """The size of the left and of the right file."""
        return len(files[0]), len(files[1])

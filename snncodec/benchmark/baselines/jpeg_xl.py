"""JPEG XL: a view and a quality come in, what libjxl makes of it through imagecodecs goes out, and back."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from snncodec.benchmark.baselines.optional_library import load_library
from snncodec.benchmark.baselines.view_by_view import ViewByView


@dataclass(frozen=True)
class JpegXL(ViewByView):
    """Lossy JPEG XL in its own XYB colours, which suit the eye and not PSNR; libjxl has no other lossy mode.

    A quality is that of libjxl's `JxlEncoderDistanceFromQuality` and of `cjxl -q`: 90 is the distance 1.
    """

    name: str
    effort: int
    qualities: tuple[int, ...]

    @property
    def settings(self) -> str:
        """The exact settings and library versions, to be printed beside every result."""
        library = _imagecodecs(self.name)
        return (
            f"imagecodecs {library.__version__} ({library.jpegxl_version()}), each view alone, lossy in XYB, "
            f"effort={self.effort}, numthreads=1, level={list(self.qualities)}"
        )

    def encode_view(self, view: np.ndarray, quality: int) -> bytes:
        """A bare codestream of a uint8 [H, W, 3]."""
        options = {"level": quality, "effort": self.effort, "numthreads": 1, "usecontainer": False}
        return bytes(_imagecodecs(self.name).jpegxl_encode(view, **options))

    def decode_view(self, file: bytes) -> np.ndarray:
        """The view, uint8 [H, W, 3]."""
        return np.asarray(_imagecodecs(self.name).jpegxl_decode(file, numthreads=1))


def _imagecodecs(name: str) -> ModuleType:
    return load_library("imagecodecs", name)

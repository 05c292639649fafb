"""A view and a quality come in; the file that Pillow writes as JPEG, WebP or AVIF goes out, and back."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, features

from snncodec.benchmark.baselines.view_by_view import ViewByView
from snncodec.errors import InputError


@dataclass(frozen=True)
class PillowFormat(ViewByView):
    """A picture format with fixed options, each view alone."""

    name: str
    format: str  # what Pillow calls it
    feature: str  # what Pillow calls the library behind it
    options: Mapping[str, object]
    qualities: tuple[int, ...]

    @property
    def settings(self) -> str:
        """The exact settings and library versions, to be printed beside every result."""
        options = ", ".join(f"{key}={value!r}" for key, value in self.options.items())
        library = f"{self.feature} {features.version(self.feature)}"
        return (
            f"Pillow {features.version('pil')} ({library}), each view alone, {options}, quality={list(self.qualities)}"
        )

    def encode_view(self, view: np.ndarray, quality: int) -> bytes:
        """A complete file of a uint8 [H, W, 3]; InputError where the format is missing or refuses the picture."""
        buffer = io.BytesIO()
        try:
            Image.fromarray(view).save(buffer, format=self.format, quality=quality, **self.options)
        except (KeyError, OSError, ValueError) as error:  # unknown format; encoder failed; option or size refused
            size, reason = f"{view.shape[1]}x{view.shape[0]}", "no encoder" if isinstance(error, KeyError) else error
            raise InputError(
                f"Pillow {features.version('pil')} cannot write a {size} picture as {self.format} ({reason}); "
                f"install a Pillow with {self.format} support or leave {self.name} out of --baselines"
            ) from error
        return buffer.getvalue()

    def decode_view(self, file: bytes) -> np.ndarray:
        """The view, uint8 [H, W, 3]; InputError above Pillow's own size limit."""
        try:
            return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
        except Image.DecompressionBombError as error:
            raise InputError(f"Pillow refuses to read back what it wrote as {self.format}: {error}") from error


# JPEG and lossy WebP stay at 4:2:0, the one thing WebP can do and what JPEG users do. AVIF comes as Pillow writes it by
# default, but for its threads, whose number would decide the tiles; and set to be strong on PSNR: there, at equal rate,
# tune=psnr gains 0.6 dB on the default tune=iq and speed 4 as much on speed 6; tiles would cost bits.
JPEG = PillowFormat(
    "jpeg", "jpeg", "libjpeg_turbo", {"optimize": True, "subsampling": "4:2:0"}, (5, 10, 20, 35, 50, 70, 85, 95)
)
WEBP = PillowFormat("webp", "webp", "webp", {"method": 6, "lossless": False}, (0, 5, 20, 40, 60, 75, 85, 95, 100))
AVIF = PillowFormat("avif", "avif", "avif", {"max_threads": 1}, (5, 15, 30, 50, 70, 85))
AVIF_PSNR = PillowFormat(
    "avif-psnr",
    "avif",
    "avif",
    {
        "codec": "aom",
        "speed": 4,
        "subsampling": "4:4:4",
        "max_threads": 1,
        "autotiling": False,
        "advanced": {"tune": "psnr"},
    },
    (5, 15, 30, 50, 70, 85),
)

"""A stereo pair and a quality come in; the bytes that JPEG, WebP or AVIF make of it, and the decoded pair, go out.

Each view is a complete file of its own and the bytes are summed, as a stereo user without a stereo codec stores pairs
today; nothing is measured here, and all coding is left to Pillow.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, features

from snncodec.errors import InputError
from snncodec.io.images import StereoPair


@dataclass(frozen=True)
class Baseline:
    """A picture format with fixed options, run at each of `qualities`; `encode` and `decode` mirror each other."""

    name: str
    feature: str  # what Pillow calls the library behind the format
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

    def check(self) -> None:
        """InputError unless the Pillow at hand can code and decode a small picture with these very options."""
        grey = np.full((16, 16, 3), 128, np.uint8)
        self.decode(self.encode(StereoPair(grey, grey), self.qualities[0]))

    def encode(self, pair: StereoPair, quality: int) -> tuple[bytes, bytes]:
        """Both views as complete files; InputError where the format is missing or refuses the picture."""
        left, right = pair.views()
        return self._encode_view(left, quality), self._encode_view(right, quality)

    def decode(self, files: tuple[bytes, ...]) -> StereoPair:
        """The pair that came out of `encode`, as uint8 [H, W, 3] views; InputError above Pillow's own size limit."""
        try:
            left, right = (np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files)
        except Image.DecompressionBombError as error:
            raise InputError(f"Pillow refuses to read back what it wrote as {self.name}: {error}") from error
        return StereoPair(left, right)

    def view_bytes(self, files: tuple[bytes, ...]) -> tuple[int, int]:
        """The size of the left and of the right file."""
        return len(files[0]), len(files[1])

    def _encode_view(self, view: np.ndarray, quality: int) -> bytes:
        buffer = io.BytesIO()
        try:
            Image.fromarray(view).save(buffer, format=self.name, quality=quality, **self.options)
        except (KeyError, OSError, ValueError) as error:  # unknown format; encoder failed; option or size refused
            size, reason = f"{view.shape[1]}x{view.shape[0]}", "no encoder" if isinstance(error, KeyError) else error
            raise InputError(
                f"Pillow {features.version('pil')} cannot write a {size} picture as {self.name} ({reason}); "
                f"install a Pillow with {self.name} support or leave it out of --baselines"
            ) from error
        return buffer.getvalue()


# Qualities cover about 0.1 to 4 bits per pixel on the motorcycle pair of scikit-image. AVIF is set to be strong on
# PSNR: there, at equal rate, tune=psnr gains 0.6 dB on the default tune=iq and speed 4 as much on speed 6; tiles would
# cost bits. JPEG and lossy WebP stay at 4:2:0, the one thing WebP can do and what JPEG users do.
BASELINES = {
    baseline.name: baseline
    for baseline in (
        Baseline("jpeg", "libjpeg_turbo", {"optimize": True, "subsampling": "4:2:0"}, (5, 10, 20, 35, 50, 70, 85, 95)),
        Baseline("webp", "webp", {"method": 6, "lossless": False}, (0, 5, 20, 40, 60, 75, 85, 95, 100)),
        Baseline(
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
        ),
    )
}


def find_baselines(names: Iterable[str]) -> list[Baseline]:
    """The baselines of these names, each tried on a small picture; InputError for an unknown or unsupported one."""
    chosen = []
    for name in dict.fromkeys(names):
        if name not in BASELINES:
            raise InputError(f"there is no baseline {name!r}; choose from {', '.join(BASELINES)}")
        BASELINES[name].check()
        chosen.append(BASELINES[name])
    return chosen

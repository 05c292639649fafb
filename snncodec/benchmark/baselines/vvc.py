"""H.266 by VVenC: a view and a quality come in, what the ffmpeg of imageio-ffmpeg makes of it goes out, and back.

VVenC codes 10 bits and halves chroma in both directions; it has no other mode. That bounds the PSNR of RGB, whatever
the rate. Colours are turned by `ycbcr.py`.
"""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from snncodec.benchmark.baselines import ycbcr
from snncodec.benchmark.baselines.optional_library import load_library
from snncodec.benchmark.baselines.view_by_view import ViewByView
from snncodec.errors import InputError

LARGEST_QP = 63
SMALLEST_SIDE = 32  # pixels; VVenC fails on 16x16, and on odd sizes
SIZE = struct.Struct(">HH")  # height and width before padding, in front of the stream
DEPTH = 4  # 10-bit values are four times those of 8 bits
RAW = ("-f", "rawvideo", "-pix_fmt", "yuv420p10le")


@dataclass(frozen=True)
class VVenC(ViewByView):
    """Each view alone, an I frame at constant QP and without perceptual optimisation; a quality is 63 - QP.

    A file is the raw stream after four bytes with the size: the last row and column are repeated up to even sizes
    of at least 32 before coding, and are cut off again after decoding.
    """

    name: str
    preset: str
    qualities: tuple[int, ...]

    @property
    def settings(self) -> str:
        """The exact settings and library versions, to be printed beside every result."""
        library = load_library("imageio_ffmpeg", self.name)
        grey = np.full((SMALLEST_SIDE, SMALLEST_SIDE, 3), 128, np.uint8)
        log = self._encode(grey, self.qualities[0], "verbose").stderr.decode(errors="replace")
        version = re.search(r"libvvenc version: (\S+)", log)
        return (
            f"imageio-ffmpeg {library.__version__} (FFmpeg {library.get_ffmpeg_version()}, VVenC "
            f"{version and version[1]}), each view alone as an I frame, 10-bit 4:2:0 in {ycbcr.NAME} (Lanczos down "
            f"and up), preset={self.preset}, qpa=0, threads=1, "
            f"qp={[LARGEST_QP - quality for quality in self.qualities]}"
        )

    def encode_view(self, view: np.ndarray, quality: int) -> bytes:
        """The size and the stream of a uint8 [H, W, 3]; InputError where ffmpeg lacks VVenC or refuses."""
        return SIZE.pack(*view.shape[:2]) + self._encode(view, quality, "error").stdout

    def decode_view(self, file: bytes) -> np.ndarray:
        """The view, uint8 [H, W, 3]."""
        height, width = SIZE.unpack_from(file)
        raw = self._run_ffmpeg(["-f", "vvc", "-i", "-", *RAW, "-"], file[SIZE.size :]).stdout
        return ycbcr.to_rgb(_from_raw(raw, *_padded(height, width)))[:height, :width]

    def _encode(self, view: np.ndarray, quality: int, loglevel: str) -> subprocess.CompletedProcess[bytes]:
        height, width = view.shape[:2]
        rows, columns = _padded(height, width)
        padded = np.pad(view, ((0, rows - height), (0, columns - width), (0, 0)), mode="edge")
        source = [*RAW, "-s", f"{columns}x{rows}", "-i", "-"]
        coding = ["-c:v", "libvvenc", "-threads", "1", "-preset", self.preset, "-qpa", "0"]
        arguments = [*source, *coding, "-qp", str(LARGEST_QP - quality), "-f", "vvc", "-"]
        return self._run_ffmpeg(arguments, _to_raw(ycbcr.to_ycbcr(padded)), loglevel)

    def _run_ffmpeg(
        self, arguments: Sequence[str], data: bytes, loglevel: str = "error"
    ) -> subprocess.CompletedProcess[bytes]:
        library = load_library("imageio_ffmpeg", self.name)
        command = [library.get_ffmpeg_exe(), "-hide_banner", "-loglevel", loglevel, "-threads", "1", *arguments]
        done = subprocess.run(command, input=data, capture_output=True, check=False)
        if done.returncode or not done.stdout:
            reason = done.stderr.decode(errors="replace").strip().partition("\n")[0]
            raise InputError(
                f"the ffmpeg of imageio-ffmpeg {library.__version__} cannot code with VVenC ({reason}); name an ffmpeg "
                f"that can in IMAGEIO_FFMPEG_EXE or leave {self.name} out of --baselines"
            )
        return done


def _padded(height: int, width: int) -> tuple[int, int]:
    """The size that VVenC gets: even, and large enough."""
    rows, columns = (max(SMALLEST_SIDE, side + side % 2) for side in (height, width))
    return rows, columns


def _to_raw(planes: np.ndarray) -> bytes:
    """The planes float32 [3, H, W] as ffmpeg's yuv420p10le."""
    _, height, width = planes.shape
    chroma = [_resized(plane, height // 2, width // 2, Image.Resampling.LANCZOS) for plane in planes[1:]]
    return b"".join(np.clip(np.rint(DEPTH * plane), 0, 1023).astype("<u2").tobytes() for plane in (planes[0], *chroma))


def _from_raw(raw: bytes, height: int, width: int) -> np.ndarray:
    """The planes float32 [3, H, W] of such bytes."""
    values = np.frombuffer(raw, "<u2").astype(np.float32) / DEPTH
    luma, chroma = values[: height * width], values[height * width :].reshape(2, height // 2, width // 2)
    full = [_resized(plane, height, width, Image.Resampling.LANCZOS) for plane in chroma]
    return np.stack([luma.reshape(height, width), *full])


def _resized(plane: np.ndarray, height: int, width: int, filter: Image.Resampling) -> np.ndarray:
    return np.asarray(Image.fromarray(plane).resize((width, height), filter))

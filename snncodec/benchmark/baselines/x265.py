"""H.265 by x265: views and a quality come in, the raw streams that PyAV's libx265 writes go out, and back.

A stream is Annex B with its parameter sets and without a container; x265's report on its own options is left out of it
(`info=0`). Colours are turned by `ycbcr.py`; no chroma is subsampled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np

from snncodec.benchmark.baselines import ycbcr
from snncodec.benchmark.baselines.optional_library import load_library
from snncodec.benchmark.baselines.view_by_view import ViewByView
from snncodec.errors import InputError
from snncodec.io.images import StereoPair

LARGEST_QP = 51
SMALLEST_SIDE = 16  # pixels; x265 opens for nothing smaller
FORMAT = "yuv444p"
# One thread, and no entry points for more (wpp); a second frame is a P frame, whatever x265 thinks of a scene change.
PARAMS = "info=0:log-level=none:pools=none:frame-threads=1:wpp=0:bframes=0:scenecut=0:keyint=-1:repeat-headers=1"
# What x265 decides by itself and the figures depend on, as it reports it: psychovisual terms, and offsets between the
# QP of luma and chroma and between that of P frames, which `qp` sets, and I frames.
REPORTED = ("psy-rd", "psy-rdoq", "cbqpoffs", "crqpoffs", "ipratio", "aq-mode")


@dataclass(frozen=True)
class X265(ViewByView):
    """Each view alone, an I frame at constant QP; a quality is 51 - QP. `tune` is x265's own, such as "psnr"."""

    name: str
    preset: str
    tune: str | None
    qualities: tuple[int, ...]

    @property
    def views(self) -> str:
        """How views become frames, for `settings`."""
        return "each view alone as an I frame"

    @property
    def settings(self) -> str:
        """The exact settings and library versions, with what x265 reports of its own defaults."""
        av = load_library("av", self.name)
        grey = np.full((SMALLEST_SIDE, SMALLEST_SIDE, 3), 128, np.uint8)
        report = b"".join(self._encode_frames([grey], self.qualities[0], "info=1")).decode("ascii", "ignore")
        version = re.search(r"x265 \(build \d+\) - [^:]+", report)
        defaults = " ".join(re.findall(rf"(?<= )(?:{'|'.join(REPORTED)})=\S+", report))
        return (
            f"PyAV {av.__version__} (FFmpeg {av.ffmpeg_version_info}, {version and version[0]}), {self.views}, "
            f"8-bit 4:4:4 in {ycbcr.NAME}, preset={self.preset}, tune={self.tune} ({defaults}), {PARAMS}, "
            f"qp={[LARGEST_QP - quality for quality in self.qualities]}"
        )

    def encode_view(self, view: np.ndarray, quality: int) -> bytes:
        """A stream of one frame of a uint8 [H, W, 3]; InputError below 16 pixels on a side."""
        return self._encode_frames([view], quality)[0]

    def decode_view(self, file: bytes) -> np.ndarray:
        """The view, uint8 [H, W, 3]."""
        return self._decode_frames([file])[0]

    def _encode_frames(self, views: Sequence[np.ndarray], quality: int, more: str = "") -> tuple[bytes, ...]:
        """The packets of one stream, one for each view, in their order."""
        av = load_library("av", self.name)
        height, width = views[0].shape[:2]
        if min(height, width) < SMALLEST_SIDE:
            raise InputError(
                f"x265 cannot code a picture of {width}x{height} pixels; give at least {SMALLEST_SIDE} on a side, "
                f"or leave {self.name} out of --baselines"
            )
        encoder = _open(av, "libx265", "w", self.name)
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, FORMAT, Fraction(1, 25)
        options = {"preset": self.preset, "x265-params": f"{PARAMS}:qp={LARGEST_QP - quality}:{more}"}
        encoder.options = options | ({"tune": self.tune} if self.tune else {})
        packets = []
        for time, view in enumerate(views):
            planes = np.clip(np.rint(ycbcr.to_ycbcr(view)), 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(planes), format=FORMAT)
            frame.pts = time
            packets += encoder.encode(frame)
        return tuple(bytes(packet) for packet in [*packets, *encoder.encode(None)])

    def _decode_frames(self, packets: Iterable[bytes]) -> list[np.ndarray]:
        """The views in the packets of one stream, uint8 [H, W, 3] each."""
        av = load_library("av", self.name)
        decoder = _open(av, "hevc", "r", self.name)
        frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet))]
        return [ycbcr.to_rgb(frame.to_ndarray()) for frame in [*frames, *decoder.decode(None)]]


class X265Stereo(X265):
    """Both views as two frames of one stream, the right one predicted from the left; one packet, or file, for each."""

    @property
    def views(self) -> str:
        """How views become frames, for `settings`."""
        return "the left view as an I frame and the right one as a P frame from it"

    def encode(self, pair: StereoPair, quality: int) -> tuple[bytes, ...]:
        """The packets of the left and of the right view; InputError below 16 pixels on a side."""
        return self._encode_frames(pair.views(), quality)

    def decode(self, files: tuple[bytes, ...]) -> StereoPair:
        """The pair, uint8 [H, W, 3] views."""
        left, right = self._decode_frames(files)
        return StereoPair(left, right)


def _open(av: ModuleType, codec: str, mode: str, baseline: str) -> Any:
    try:
        context = av.CodecContext.create(codec, mode)
    except av.codec.codec.UnknownCodecError as error:
        raise InputError(
            f"PyAV {av.__version__} comes without {codec}; install its wheel or leave {baseline} out of --baselines"
        ) from error
    context.thread_count = 1
    return context

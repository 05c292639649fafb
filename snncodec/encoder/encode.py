"""A stereo pair -> the bytes of a file: images -> latents of each view -> symbols -> sections of the container.

The left view is coded first and on its own. Its decoded pixels, moved by a displacement field, then predict the right
view, where that pays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from snncodec.bitstream.container import Header, Tag, pack
from snncodec.bitstream.range_coder import SymbolEncoder
from snncodec.constants import DEFAULT_EFFORT
from snncodec.decoder.view import ViewCode, as_picture, render
from snncodec.encoder.chroma_angle_fit import fit_chroma_angle
from snncodec.encoder.effort import LEVELS, Effort
from snncodec.encoder.mode_decision import InterViewModes, decide_inter_view
from snncodec.encoder.rd_trial import Trial, code_after_trial, code_at_once, try_view
from snncodec.io.images import StereoPair
from snncodec.model.weights import LoadedWeights
from snncodec.spiking.arithmetic import exact_arithmetic

Progress = Callable[[int, int], None]  # (views done, views in all)


@dataclass(frozen=True, eq=False)
class EncodedPair:
    """The bytes of a file, and what it decodes to."""

    data: bytes
    loaded: LoadedWeights
    quality: int
    size: tuple[int, int]  # height, width
    left_reconstruction: Tensor | None  # uint8 [3, 16 h, 16 w]; None if it was not kept
    right_code: ViewCode
    modes: InterViewModes | None

    def reconstruction(self) -> StereoPair:
        """The pair as any decoder will restore it."""
        assert self.left_reconstruction is not None  # whoever asks has kept it
        predicted = self.modes.predicted if self.modes else None
        with exact_arithmetic():
            right = render(self.loaded.codec, self.right_code, self.quality, predicted)
        return StereoPair(as_picture(self.left_reconstruction, *self.size), as_picture(right, *self.size))


def encode_pair(
    loaded: LoadedWeights,
    pair: StereoPair,
    quality: int,
    independent: bool = False,
    effort: int = DEFAULT_EFFORT,
    progress: Progress | None = None,
    keep_left: bool = True,
) -> EncodedPair:
    """Code two views, uint8 [H, W, 3] of one size; with `independent`, the right one without the left.

    `effort` is one of `effort.LEVELS`. Without `keep_left` there is no `reconstruction`, and less memory is taken.
    """
    left, right = pair.views()
    size = left.shape[:2]
    chroma_angle = fit_chroma_angle(loaded.codec, left, quality)  # not the right one: the left view is coded on its own
    loaded = loaded.turned(chroma_angle)
    sections = {tag: data for tag, data in ((Tag.EXIF, pair.exif), (Tag.ICC, pair.icc)) if data}
    spend = LEVELS[effort]
    sections[Tag.LEFT], left_code = encode_alone(loaded, left, quality, spend)
    left_reconstruction = render(loaded.codec, left_code, quality)
    del left_code  # latents take a lot of memory
    if progress:
        progress(1, 2)
    modes, trial = None, None
    if not independent:
        modes, trial = decide_inter_view(loaded, left_reconstruction, right, quality, spend)
    kept = left_reconstruction if keep_left else None
    del left_reconstruction
    if modes:
        sections[Tag.DISPARITY] = modes.section
        sections[Tag.RIGHT], right_code = encode_view(loaded, right, quality, spend, trial, modes)
    else:
        sections[Tag.RIGHT], right_code = encode_alone(loaded, right, quality, spend)
    if progress:
        progress(2, 2)
    header = Header(size[1], size[0], quality, loaded.id, modes is not None, chroma_angle)
    return EncodedPair(pack(header, sections), loaded, quality, size, kept, right_code, modes)


def encode_alone(loaded: LoadedWeights, view: np.ndarray, quality: int, effort: Effort) -> tuple[bytes, ViewCode]:
    """The section of a view without a prediction, and what it decodes to."""
    trial = try_view(loaded, view, quality) if effort.left_trial else None
    return encode_view(loaded, view, quality, effort, trial, None)


def encode_view(
    loaded: LoadedWeights,
    view: np.ndarray,
    quality: int,
    effort: Effort,
    trial: Trial | None,
    modes: InterViewModes | None,
) -> tuple[bytes, ViewCode]:
    """The section of a view, after a trial or at once, with a prediction or without; and what it decodes to."""
    coder = SymbolEncoder(loaded.tables)
    predicted, skipped = (modes.predicted, modes.skipped) if modes else (None, None)
    if trial:
        code = code_after_trial(loaded, trial, coder, predicted, skipped)
    else:
        code = code_at_once(loaded, view, quality, coder, predicted, skipped, effort.synthesis)
    return coder.finish(), code

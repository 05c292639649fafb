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
from snncodec.decoder.view import as_picture, render
from snncodec.encoder.mode_decision import InterViewModes, decide_inter_view
from snncodec.encoder.rd_trial import Trial
from snncodec.encoder.view import code_view
from snncodec.io.images import StereoPair
from snncodec.model.weights import LoadedWeights
from snncodec.spiking.arithmetic import exact_arithmetic

Progress = Callable[[int, int], None]  # (views done, views in all)


@dataclass(frozen=True, eq=False)
class EncodedPair:
    """The bytes of a file, and the latents that it decodes to."""

    data: bytes
    loaded: LoadedWeights
    quality: int
    size: tuple[int, int]  # height, width
    left_reconstruction: Tensor  # uint8 [3, 16 h, 16 w]
    right_latents: Tensor  # [1, N2, h, w] in steps
    modes: InterViewModes | None

    def reconstruction(self) -> StereoPair:
        """The pair as any decoder will restore it."""
        predicted = self.modes.predicted if self.modes else None
        with exact_arithmetic():
            right = render(self.loaded.codec, self.right_latents, self.quality, predicted)
        return StereoPair(as_picture(self.left_reconstruction, *self.size), as_picture(right, *self.size))


def encode_pair(
    loaded: LoadedWeights,
    pair: StereoPair,
    quality: int,
    independent: bool = False,
    progress: Progress | None = None,
) -> EncodedPair:
    """Code two views, uint8 [H, W, 3] of one size; with `independent`, the right one without the left."""
    left, right = pair.views()
    size = left.shape[:2]
    sections = {Tag.ICC: pair.icc} if pair.icc else {}
    coder = SymbolEncoder(loaded.tables)
    left_latents = code_view(loaded, left, quality, coder).latents
    sections[Tag.LEFT] = coder.finish()
    left_reconstruction = render(loaded.codec, left_latents, quality)
    if progress:
        progress(1, 2)
    modes, intra = None, None
    if not independent:
        decision = decide_inter_view(loaded, left_reconstruction, right, quality)
        modes, intra = decision.inter_view, decision.intra
    if modes:
        sections[Tag.DISPARITY] = modes.section
    sections[Tag.RIGHT], right_latents = code_right(loaded, right, quality, modes, intra)
    if progress:
        progress(2, 2)
    data = pack(Header(size[1], size[0], quality, loaded.id, inter_view=modes is not None), sections)
    return EncodedPair(data, loaded, quality, size, left_reconstruction, right_latents, modes)


def code_right(
    loaded: LoadedWeights, right: np.ndarray, quality: int, modes: InterViewModes | None, intra: Trial | None
) -> tuple[bytes, Tensor]:
    """The RIGHT section, and its latents; an intra trial that was made already is not made again."""
    coder = SymbolEncoder(loaded.tables)
    if modes:
        latents = code_view(loaded, right, quality, coder, modes.predicted, modes.skipped).latents
    elif intra:
        intra.symbols.replay(coder)
        latents = intra.coded.latents
    else:
        latents = code_view(loaded, right, quality, coder).latents
    return coder.finish(), latents

"""A stereo pair -> the bytes of a file: images -> latents of each view -> symbols -> sections of the container.

The left view is coded first and on its own. Its decoded pixels, moved by a displacement field, then predict the right
view, where that pays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from snncodec.bitstream.container import Header, Tag, pack
from snncodec.bitstream.range_coder import SymbolEncoder
from snncodec.decoder.view import ViewCode, as_picture, render
from snncodec.encoder.chroma_angle_fit import fit_chroma_angle
from snncodec.encoder.mode_decision import InterViewModes, ModeDecision, decide_inter_view
from snncodec.encoder.rd_trial import Trial, code_after_trial, try_view
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
    left_reconstruction: Tensor  # uint8 [3, 16 h, 16 w]
    right_code: ViewCode
    modes: InterViewModes | None

    def reconstruction(self) -> StereoPair:
        """The pair as any decoder will restore it."""
        predicted = self.modes.predicted if self.modes else None
        with exact_arithmetic():
            right = render(self.loaded.codec, self.right_code, self.quality, predicted)
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
    chroma_angle = fit_chroma_angle(loaded.codec, left, quality)  # not the right one: the left view is coded on its own
    loaded = loaded.turned(chroma_angle)
    sections = {Tag.ICC: pair.icc} if pair.icc else {}
    sections[Tag.LEFT], left_code = encode_view(loaded, try_view(loaded, left, quality))
    left_reconstruction = render(loaded.codec, left_code, quality)
    if progress:
        progress(1, 2)
    decision = ModeDecision(None, None)
    if not independent:
        decision = decide_inter_view(loaded, left_reconstruction, right, quality)
    if decision.modes:
        sections[Tag.DISPARITY] = decision.modes.section
    trial = decision.trial or try_view(loaded, right, quality)
    sections[Tag.RIGHT], right_code = encode_view(loaded, trial, decision.modes)
    if progress:
        progress(2, 2)
    header = Header(size[1], size[0], quality, loaded.id, decision.modes is not None, chroma_angle)
    return EncodedPair(pack(header, sections), loaded, quality, size, left_reconstruction, right_code, decision.modes)


def encode_view(loaded: LoadedWeights, trial: Trial, modes: InterViewModes | None = None) -> tuple[bytes, ViewCode]:
    """The section of a view after a trial, and what it decodes to."""
    coder = SymbolEncoder(loaded.tables)
    given = (modes.predicted, modes.skipped) if modes else ()
    code = code_after_trial(loaded, trial, coder, *given)
    return coder.finish(), code

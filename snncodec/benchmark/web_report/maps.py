"""A coded file comes in; its pixels go out, and how each block of the right view was coded.

The decoder itself reads the file: what it is told about skipped blocks is noted on the way.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from snncodec.bitstream.container import Tag, unpack
from snncodec.bitstream.displacement_field import DisplacementField
from snncodec.codec import Codec
from snncodec.constants import block_shape
from snncodec.decoder import tiling
from snncodec.decoder.inter_view import decode_inter_view
from snncodec.decoder.tiling import split
from snncodec.io.images import StereoPair
from snncodec.model.context_model import CodePass
from snncodec.model.exact_codec import ExactCodec
from snncodec.model.prediction import PredictedLatents

INTRA, INTER, SKIPPED = MODES = (0, 1, 2)  # without the prediction, with it, and copied from it


@dataclass(frozen=True, eq=False)
class InspectedFile:
    """What a file decodes to; no field where the views were coded independently."""

    pair: StereoPair
    modes: np.ndarray  # uint8 [h, w], of `MODES`
    field: DisplacementField | None  # in quarter pixels

    def shares(self) -> list[float]:
        """Of the blocks, in the order of `MODES`."""
        return [float((self.modes == mode).mean()) for mode in MODES]


def inspect_file(codec: Codec, data: bytes) -> InspectedFile:
    """Decode a file; errors as `Codec.decode`."""
    field, noted = read_field(data), list[np.ndarray]()
    attentive = copy.copy(codec)
    attentive.loaded = replace(codec.loaded, codec=_AttentiveCodec.around(codec.loaded.codec, noted))
    pair = attentive.decode(data)
    if field is None:
        shape = block_shape(*pair.left.shape[:2])
        return InspectedFile(pair, np.full(shape, INTRA, dtype=np.uint8), None)
    modes = np.where(field.matched, INTER, INTRA).astype(np.uint8)
    for tile, skipped in zip(split(field.matched.shape, tiling.CODING_TILE), noted, strict=True):
        modes[tile][skipped] = SKIPPED
    return InspectedFile(pair, modes, field)


def read_field(data: bytes) -> DisplacementField | None:
    """The displacement field in a file, in quarter pixels, without decoding the rest; errors as `Codec.decode`."""
    header, sections = unpack(data)
    if not header.inter_view:
        return None
    return decode_inter_view(sections[Tag.DISPARITY], block_shape(header.height, header.width)).field


class _AttentiveCodec(ExactCodec):
    """A codec that notes which blocks of each tile of the right view are skipped."""

    noted: list[np.ndarray]  # bool [h, w] each

    @classmethod
    def around(cls, codec: ExactCodec, noted: list[np.ndarray]) -> _AttentiveCodec:
        """The same codec, its networks shared; what it notes is appended to `noted`."""
        twin = cls.__new__(cls)
        twin.__dict__.update(codec.__dict__)
        twin.__dict__["noted"] = noted
        return twin

    def run_context_model(
        self,
        hyper: Tensor,
        quality: Tensor | int,
        shape: tuple[int, int],
        code: CodePass,
        targets: Tensor | None = None,
        predicted: PredictedLatents | None = None,
        skipped: Tensor | None = None,
        truncated: bool = False,
    ) -> Tensor:
        """As that of the codec."""
        if skipped is not None:
            self.noted.append(skipped[0].cpu().numpy())
        return super().run_context_model(hyper, quality, shape, code, targets, predicted, skipped, truncated)

"""Normative. A checked file -> a stereo pair: container sections -> latents of each view -> pixels.

The left view is decoded first and on its own. Its pixels, moved by a displacement field, then predict the right view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from snncodec.bitstream.container import Header, Tag
from snncodec.constants import block_shape
from snncodec.decoder.inter_view import decode_inter_view
from snncodec.decoder.view import as_picture, decode_view, render
from snncodec.io.exif import clean_exif
from snncodec.io.images import StereoPair
from snncodec.model.weights import LoadedWeights

Progress = Callable[[int, int], None]  # (views done, views in all)


def decode_pair(
    loaded: LoadedWeights,
    header: Header,
    sections: Mapping[Tag, bytes],
    left_only: bool = False,
    progress: Progress | None = None,
) -> StereoPair:
    """The pair in the sections of a file, or its left view alone; `FormatError` for sections that no encoder wrote."""
    loaded = loaded.turned(header.chroma_angle)
    size, quality, codec = (header.height, header.width), header.quality, loaded.codec
    shape, predicted, right = block_shape(*size), None, None
    left = render(codec, decode_view(loaded, sections[Tag.LEFT], shape, quality), quality)
    if progress:
        progress(1, 1 if left_only else 2)
    if not left_only:
        if header.inter_view:
            predicted = decode_inter_view(sections[Tag.DISPARITY], shape).apply(left)
        code = decode_view(loaded, sections[Tag.RIGHT], shape, quality, predicted)
        right = as_picture(render(codec, code, quality, predicted), *size)
        if progress:
            progress(2, 2)
    return StereoPair(as_picture(left, *size), right, sections.get(Tag.ICC), clean_exif(sections.get(Tag.EXIF)))

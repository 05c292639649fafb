"""The bytes of a damaged file come in; the views in it that are sound go out, with what is to be said of the others.

A view decodes to the right pixels or not at all: there are checksums of sections, none of parts of them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from snncodec.bitstream.container import Header, Section, Tag, check_size, read_header
from snncodec.codec import Codec, Progress, checked_bytes
from snncodec.constants import MAX_PIXELS
from snncodec.errors import FormatError
from snncodec.io.exif import clean_exif
from snncodec.model.weights_manifest import find_by_id


@dataclass(frozen=True, eq=False)
class SoundParts:
    """What is sound of a file, and a sentence on each part that is not."""

    views: dict[str, np.ndarray]  # "left", "right", or both: uint8 [H, W, 3]
    icc: bytes | None
    exif: bytes | None
    losses: list[str] = field(default_factory=list)


def decode_sound_parts(
    data: bytes,
    *,
    weights: str | Path | None = None,
    device: str = "auto",
    max_pixels: int = MAX_PIXELS,
    progress: Progress | None = None,
) -> SoundParts:
    """The views of a file that are sound; arguments and errors as `codec.decode`, and `FormatError` if none is."""
    data = checked_bytes(data)
    header, table = read_header(data)
    check_size(header.width, header.height, max_pixels)
    sections, losses = _sound_sections(data, table)
    codec = Codec(weights or find_by_id(header.weights_id), device)
    views: dict[str, np.ndarray] = {}
    if {Tag.LEFT, Tag.RIGHT, *[Tag.DISPARITY] * header.inter_view} <= sections.keys():
        try:
            pair = codec.decode_sections(header, sections, progress=progress)
            views = dict(zip(("left", "right"), pair.views(), strict=True))
        except FormatError as error:
            losses.append(str(error))
    if not views:
        views = _views_alone(codec, header, sections)
    if not views:
        raise FormatError(f"no view of this file is sound: {'; '.join(losses)}")
    losses += [f"the {name} view is lost" for name in ("left", "right") if name not in views]
    return SoundParts(views, sections.get(Tag.ICC), clean_exif(sections.get(Tag.EXIF)), losses)


def _sound_sections(data: bytes, table: list[Section]) -> tuple[dict[Tag, bytes], list[str]]:
    """The payloads whose checksums are right, and a sentence on whatever else there is, or is not."""
    payloads, losses = {}, []
    for section in table:
        try:
            payloads[section.tag] = section.payload(data)
        except FormatError as error:
            losses.append(str(error).partition(";")[0])  # what follows is advice
    if (surplus := len(data) - table[-1].end) > 0:
        losses.append(f"{surplus} bytes follow the last section; they are left out")
    return payloads, losses


def _views_alone(codec: Codec, header: Header, sections: dict[Tag, bytes]) -> dict[str, np.ndarray]:
    """The views that need no other; a right one that was coded on its own is coded as a left one is."""
    alone = {"left": Tag.LEFT} if header.inter_view else {"left": Tag.LEFT, "right": Tag.RIGHT}
    views = {}
    for name, tag in alone.items():
        if tag in sections:
            with suppress(FormatError):
                views[name] = codec.decode_sections(header, {Tag.LEFT: sections[tag]}, left_only=True).left
    return views

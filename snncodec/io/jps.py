"""JPS: a JPEG with both views in one picture, and, often, a header that says how; .pns is the same as PNG.

The header is a segment APP3 that begins with `_JPSJPS_`, a length of 16 bits and a descriptor of 32, big-endian:

    bits 0..7    media type: 0 mono, 1 stereo
    bits 8..15   layout: 1 interleaved rows, 2 side by side, 3 over under, 4 anaglyph
    bits 16..18  half height; half width; left field first
    bits 24..31  separation of the views

Without a header the right eye's view comes first, side by side, for eyes that are crossed.
"""

from dataclasses import dataclass

from snncodec.errors import InputError
from snncodec.io.jpeg_segments import APP3, insert_segment, segments
from snncodec.io.rgb import Note

MAGIC = b"_JPSJPS_"
STEREO = 1
INTERLEAVED, SIDE_BY_SIDE, OVER_UNDER, ANAGLYPH = 1, 2, 3, 4
LAYOUTS = {INTERLEAVED: "interleaved rows", ANAGLYPH: "an anaglyph"}  # in which no two views are to be had
HALF_HEIGHT, HALF_WIDTH, LEFT_FIRST = 1 << 16, 1 << 17, 1 << 18


@dataclass(frozen=True)
class JpsLayout:
    """How the two views stand in the picture."""

    left_first: bool = False
    over_under: bool = False


def find_layout(data: bytes) -> int | None:
    """The descriptor of a JPEG; None where it has no header."""
    for segment in segments(data):
        if segment.marker == APP3 and segment.payload[:8] == MAGIC and len(segment.payload) >= 14:
            return int.from_bytes(segment.payload[10:14], "big")
    return None


def read_layout(descriptor: int | None, name: str, note: Note) -> JpsLayout:
    """What a descriptor says, or, without one, what is usual; `InputError` for a picture without two whole views."""
    if descriptor is None:
        return JpsLayout()
    media, layout = descriptor & 255, descriptor >> 8 & 255
    if media != STEREO:
        raise InputError(f"{name} is mono, says its JPS header; it holds one view, and a pair needs two")
    if layout not in (SIDE_BY_SIDE, OVER_UNDER):
        kind = LAYOUTS.get(layout, f"layout {layout}, which is not known")
        raise InputError(f"{name} is {kind}, says its JPS header; give views side by side or one above the other")
    for flag, side in ((HALF_WIDTH, "width"), (HALF_HEIGHT, "height")):
        if descriptor & flag:
            note(f"{name} holds views of half {side}, says its JPS header; they are kept as they are")
    return JpsLayout(bool(descriptor & LEFT_FIRST), layout == OVER_UNDER)


def add_header(jpeg: bytes) -> bytes:
    """A JPEG of two views side by side, the right eye's first, with the header that says so."""
    descriptor = SIDE_BY_SIDE << 8 | STEREO
    return insert_segment(jpeg, APP3, MAGIC + (4).to_bytes(2, "big") + descriptor.to_bytes(4, "big") + bytes(2))

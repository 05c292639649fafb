"""MPO (CIPA DC-007): several JPEGs in one file, and an index in the first one; a pair if two views of one size.

Phones write MPO files too, whose second picture is a gain map or a preview: they are refused with what was found.
"""

import io
import struct
from dataclasses import dataclass, replace

from PIL import JpegImagePlugin

from snncodec.errors import InputError
from snncodec.io.exif import PREFIX, Exif, read_exif
from snncodec.io.images import StereoPair, pair_of
from snncodec.io.jpeg_segments import APP1, APP2, START, segments
from snncodec.io.rgb import Note, Picture, check_picture_size, decode_picture, sentences_of_errors
from snncodec.io.tiff_block import BadBlock, Type, read_directories

INDEX = b"MPF\0"
ENTRIES = 0xB002  # the field with 16 bytes for each picture
KINDS = {
    0x000000: "undefined", 0x010001: "thumbnail", 0x010002: "preview", 0x020001: "panorama", 0x020002: "stereo view",
    0x020003: "angle", 0x030000: "primary", 0x040000: "original", 0x050000: "gain map",
}  # fmt: skip
VIEWS = ("undefined", "stereo view", "angle", "primary")  # what a view may call itself: many programs leave it open
GAIN_MAPS = (b"hdrgm:", b"HDRGainMap", b"urn:iso:std:iso:ts:21496", b'"GainMap"')  # in XMP or APP2 of HDR photos


@dataclass(frozen=True)
class Entry:
    """One picture of the index."""

    kind: str
    offset: int


def read_index(data: bytes) -> list[Entry]:
    """The pictures of an MPO; none for other files, and for an index that cannot be read."""
    for segment in segments(data):
        if segment.marker == APP2 and segment.payload.startswith(INDEX):
            try:
                fields, order = read_directories(segment.payload[len(INDEX) :])
            except BadBlock:
                return []
            field = fields.get(ENTRIES)
            if field is None or field.kind != Type.UNDEFINED or not isinstance(field.value, bytes):
                return []
            rows = struct.iter_unpack(order + "IIIHH", field.value[: len(field.value) // 16 * 16])
            base = segment.offset + len(INDEX)
            return [Entry(_kind(row[0]), base + row[2] if row[2] else 0) for row in rows]
    return []


def _kind(attributes: int) -> str:
    return KINDS.get(attributes & 0xFFFFFF, f"kind {attributes & 0xFFFFFF:06x}")


def read_mpo(data: bytes, entries: list[Entry], name: str, max_pixels: int, note: Note) -> StereoPair:
    """The two views of an MPO, the first one for the left eye; `InputError` if it holds anything else."""
    found = ", ".join(f"{entry.kind} {_size(data, entry)}" for entry in entries)
    strange = [entry.kind for entry in entries if entry.kind not in VIEWS]
    if any(_is_gain_map(data, entry.offset) for entry in entries):
        raise InputError(f"{name} is one picture with a gain map for HDR, not a stereo pair (found: {found})")
    if len(entries) != 2 or strange:
        raise InputError(f"{name} holds {len(entries)} pictures, not two views: {found}")
    if len({_size(data, entry) for entry in entries}) > 1:
        raise InputError(f"{name} holds two pictures of different size, not a stereo pair: {found}")
    tags = [_exif(data, entry.offset) for entry in entries]
    turns = {tag.orientation for tag in tags if tag.orientation}
    if len(turns) > 1:
        raise InputError(f"{name} has views with different EXIF orientations, {' and '.join(map(str, sorted(turns)))}")
    turn = next(iter(turns), None)
    if turn not in (None, 1) and any(tag.orientation is None for tag in tags):
        note(f"{name} says of one view only how it is to be turned; the other one is turned alike")
    names = f"the first view of {name}", f"the second view of {name}"
    views = [_view(data, entry, view, max_pixels, note, turn) for entry, view in zip(entries, names, strict=True)]
    note(f"{name}: the first view is taken for the left eye's (--swap exchanges them)")
    return pair_of((views[0], views[1]), names, note)


def _view(data: bytes, entry: Entry, name: str, max_pixels: int, note: Note, turn: int | None) -> Picture:
    """One of the JPEGs; Pillow is not to see that it is part of an MPO."""
    with sentences_of_errors(name):
        image = check_picture_size(JpegImagePlugin.JpegImageFile(io.BytesIO(data[entry.offset :])), name, max_pixels)
        picture = decode_picture(image, name, note, turn)
    return replace(picture, exif=replace(picture.exif, orientation=turn))


def _is_gain_map(data: bytes, offset: int) -> bool:
    """Whether this picture is a gain map, or says that there is one."""
    heads = [segment.payload for segment in segments(data, offset) if segment.marker in (APP1, APP2)]
    return any(word in head for head in heads for word in GAIN_MAPS)


def _size(data: bytes, entry: Entry) -> str:
    """Width and height from the frame header."""
    if data[entry.offset : entry.offset + 2] != START:
        return "outside of the file"
    for segment in segments(data, entry.offset):
        if 0xC0 <= segment.marker <= 0xCF and segment.marker not in (0xC4, 0xC8, 0xCC) and len(segment.payload) >= 5:
            height, width = struct.unpack(">HH", segment.payload[1:5])
            return f"{width}x{height}"
    return "of unknown size"


def _exif(data: bytes, offset: int) -> Exif:
    for segment in segments(data, offset):
        if segment.marker == APP1 and segment.payload.startswith(PREFIX):
            try:
                return read_exif(segment.payload)
            except ValueError:
                return Exif()
    return Exif()

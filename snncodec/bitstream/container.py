"""Normative. The envelope of a .bin file: a header and sections of bytes go in, one checked file comes out, and back.

It knows nothing about pictures, networks or entropy coding; docs/format.md says what the sections hold.

All numbers are unsigned and little-endian. A CRC is the CRC-32 of zlib, PNG and IEEE 802.3.
The header, n being its section count:

    offset  size  field           legal values
         0     4  magic           b"SNNC"
         4     1  version         2
         5     1  quality         1..100, higher is better
         6     1  flags           bit 0, inter-view: the right view needs the left one; the other bits are 0
         7     1  chroma angle    0..15, in 32nds of a half-turn, those from 8 on less 16: how the colours are turned
         8     1  section count   n, 2 to 5
         9     8  weights id      the first 8 bytes of the sha256 of the weights file; any value
        17     4  width           1.. columns of each view
        21     4  height          1.. rows of each view; the reader limits how many (default 2^28 pixels)
        25    9n  section table   n entries of 9 bytes, tags strictly ascending
    25 + 9n     4  header CRC      of all 25 + 9n bytes before it
    29 + 9n     -  payloads        back to back, in the order of the table; the file ends with the last one

An entry of the section table:

    offset  size  field           legal values
         0     1  tag             0 EXIF, 1 ICC, 2 LEFT, 3 DISPARITY, 4 RIGHT
         1     4  length          bytes of the payload, may be 0; of EXIF at most 2^16
         5     4  CRC             of the payload

EXIF (date, camera and exposure, a TIFF block) and ICC (a colour profile for both views, as it stood in the picture) are
optional, LEFT and RIGHT are required. DISPARITY (where in the left view the right one finds itself) is there if and
only if the inter-view flag is set.
LEFT needs neither of the last two: whoever wants the left view only may stop reading, and checking, where LEFT ends.

A version, a flag or a tag that this table does not list belongs to another snncodec: `UnsupportedError`.
Too many pixels: `LimitError`. Every other broken rule: `FormatError`, each with its own sentence.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import BinaryIO

from snncodec.constants import BLOCK, CHROMA_ANGLES, MAX_EXIF_BYTES, MAX_PIXELS, QUALITIES, block_shape
from snncodec.errors import FormatError, LimitError, UnsupportedError
from snncodec.io.foreign_files import what_it_is

MAGIC = b"SNNC"
VERSION = 2

_FIXED = struct.Struct("<4sBBBBB8sII")  # everything in front of the section table
_ENTRY = struct.Struct("<BII")
_CRC = struct.Struct("<I")
_INTER_VIEW = 0b0000_0001
_UINT32_MAX = 2**32 - 1


class Tag(IntEnum):
    """What a section holds; the numbers are part of the format."""

    EXIF = 0
    ICC = 1
    LEFT = 2
    DISPARITY = 3
    RIGHT = 4


@dataclass(frozen=True)
class Header:
    """What a file says about itself. Both views have `width` columns and `height` rows."""

    width: int
    height: int
    quality: int
    weights_id: bytes  # 8 bytes
    inter_view: bool  # the right view is predicted from the left one
    chroma_angle: int = 0  # by which the transform of both views turns its colours


@dataclass(frozen=True)
class Section:
    """Where the payload of one section lies in the file, and what it must add up to."""

    tag: Tag
    offset: int
    length: int
    crc: int

    @property
    def end(self) -> int:
        """The offset of the first byte after the payload."""
        return self.offset + self.length

    def state(self, data: bytes) -> str:
        """Return "ok", "damaged" (the CRC differs) or "cut short" (the file ends before the payload does)."""
        if len(data) < self.end:
            return "cut short"
        return "ok" if zlib.crc32(memoryview(data)[self.offset : self.end]) == self.crc else "damaged"

    def payload(self, data: bytes) -> bytes:
        """Return the bytes of this section; raises `FormatError` unless all are there and the CRC agrees."""
        state = self.state(data)
        if state == "ok":
            return data[self.offset : self.end]
        advice = "; the left view still decodes with --left-only" if self.tag > Tag.LEFT else ""
        if state == "cut short":
            present = max(0, len(data) - self.offset)
            raise FormatError(
                f"the {self.tag.name} section ends early: {present} bytes present, "
                f"the header says {self.length}{advice}"
            )
        raise FormatError(f"the {self.tag.name} section is damaged: its checksum does not match{advice}")


def pack(header: Header, sections: Mapping[Tag, bytes]) -> bytes:
    """Return the file that holds `sections`; the mapping's order does not matter.

    Raises `FormatError` for anything that `unpack` would refuse, pixel limit aside.
    """
    tags = sorted(sections)
    _check_header(header)
    _check_tags(tags, header.inter_view)
    _check_exif(len(sections.get(Tag.EXIF, b"")))
    if too_long := [tag for tag in tags if len(sections[tag]) > _UINT32_MAX]:
        raise FormatError(f"the {Tag(too_long[0]).name} section has 2^32 bytes or more, which the format cannot hold")
    flags = _INTER_VIEW * header.inter_view
    settings = header.quality, flags, header.chroma_angle
    fixed = _FIXED.pack(MAGIC, VERSION, *settings, len(tags), header.weights_id, header.width, header.height)
    table = b"".join(_ENTRY.pack(tag, len(sections[tag]), zlib.crc32(sections[tag])) for tag in tags)
    checked = fixed + table
    return b"".join([checked, _CRC.pack(zlib.crc32(checked)), *(sections[tag] for tag in tags)])


def unpack(data: bytes, left_only: bool = False, max_pixels: int = MAX_PIXELS) -> tuple[Header, dict[Tag, bytes]]:
    """Return the header and the checked payloads of a file.

    With `left_only` the RIGHT section is neither checked nor returned, so a file damaged or cut there is accepted.
    Raises `FormatError`, `UnsupportedError`, or `LimitError` for more than `max_pixels` pixels in a view.
    """
    header, sections = read_header(data)
    check_size(header.width, header.height, max_pixels)
    promised = sections[-1].end
    if len(data) > promised:
        raise FormatError(f"{len(data) - promised} bytes too many: the header promises a file of {promised} bytes")
    wanted = [section for section in sections if not left_only or section.tag <= Tag.LEFT]
    return header, {section.tag: section.payload(data) for section in wanted}


def check_size(width: int, height: int, max_pixels: int = MAX_PIXELS) -> None:
    """Raise `LimitError` for a view of more than `max_pixels` pixels, both sides rounded up to whole blocks."""
    rows, columns = (blocks * BLOCK for blocks in block_shape(height, width))
    if columns * rows > max_pixels:
        padded = "" if (columns, rows) == (width, height) else f" (coded as {columns}x{rows})"
        raise LimitError(
            f"a view has {width}x{height} pixels{padded}, more than the limit of {max_pixels:,} (--max-pixels)"
        )


def read(stream: BinaryIO) -> bytes:
    """All bytes of an open file, of which the first ones must be those of a header; errors as `read_header`."""
    start = stream.read(_FIXED.size)
    _read_fixed(start)
    return start + stream.read()


def read_header(data: bytes) -> tuple[Header, list[Section]]:
    """Return the header and the section table, all of it checked; no payload needs to be sound or even present.

    Raises `FormatError` or `UnsupportedError`.
    """
    quality, flags, angle, count, weights_id, width, height = _read_fixed(data)
    size = _FIXED.size + count * _ENTRY.size
    if len(data) < size + _CRC.size:
        raise FormatError(f"the file ends inside its header: {len(data)} bytes present, {size + _CRC.size} expected")
    if _CRC.unpack_from(data, size)[0] != zlib.crc32(data[:size]):
        raise FormatError("the header is damaged: its checksum does not match")
    if flags & ~_INTER_VIEW:
        raise UnsupportedError(f"unknown flags {flags:#04x}: the file was written by another version of snncodec")
    header = Header(width, height, quality, weights_id, bool(flags & _INTER_VIEW), angle)
    _check_header(header)
    entries = list(_ENTRY.iter_unpack(data[_FIXED.size : size]))
    _check_tags([tag for tag, _, _ in entries], header.inter_view)
    sections, offset = [], size + _CRC.size
    for tag, length, crc in entries:
        sections.append(Section(Tag(tag), offset, length, crc))
        offset += length
    _check_exif(sections[0].length if sections[0].tag == Tag.EXIF else 0)
    return header, sections


def _read_fixed(data: bytes) -> tuple[int, int, int, int, bytes, int, int]:
    """Return quality, flags, chroma angle, section count, weights id, width and height, none of them checked."""
    if not data:
        raise FormatError("the file is empty")
    if not data.startswith(MAGIC) and not MAGIC.startswith(data):
        kind = what_it_is(data) or f"it starts with {data[: len(MAGIC)]!r}, not with {MAGIC!r}"
        raise FormatError(f"not a snncodec file: {kind}")
    if len(data) > len(MAGIC) and data[len(MAGIC)] != VERSION:  # asked first: the rest may look different there
        raise UnsupportedError(
            f"the file has format version {data[len(MAGIC)]}, this snncodec reads version {VERSION} only"
        )
    if len(data) < _FIXED.size:
        raise FormatError(f"the file ends inside its header: {len(data)} bytes present, {_FIXED.size} or more expected")
    return _FIXED.unpack_from(data)[2:]


def _check_header(header: Header) -> None:
    if not 1 <= header.quality <= QUALITIES:
        raise FormatError(f"the header gives quality {header.quality}, expected 1 to 100")
    if not 0 <= header.chroma_angle < CHROMA_ANGLES:
        raise FormatError(f"the header gives chroma angle {header.chroma_angle}, expected 0 to {CHROMA_ANGLES - 1}")
    for name, value in (("width", header.width), ("height", header.height)):
        if not 1 <= value <= _UINT32_MAX:
            raise FormatError(f"the header gives a {name} of {value}, expected 1 to 2^32 - 1")
    if len(header.weights_id) != 8:
        raise FormatError(f"the weights id has {len(header.weights_id)} bytes, expected 8")


def _check_exif(length: int) -> None:
    if length > MAX_EXIF_BYTES:
        raise FormatError(f"the EXIF section has {length} bytes, more than the limit of {MAX_EXIF_BYTES}")


def _check_tags(tags: Sequence[int], inter_view: bool) -> None:
    if unknown := [tag for tag in tags if tag not in Tag.__members__.values()]:
        raise UnsupportedError(f"unknown section tag {unknown[0]}: the file needs a newer snncodec")
    for tag, following in pairwise(tags):
        if tag >= following:
            raise FormatError(f"section {Tag(following).name} stands after {Tag(tag).name}, expected ascending tags")
    if Tag.DISPARITY in tags and not inter_view:
        raise FormatError("there is a DISPARITY section, but the views are marked as independent")
    for required in (Tag.LEFT, Tag.RIGHT, *[Tag.DISPARITY] * inter_view):
        if required not in tags:
            raise FormatError(f"the {required.name} section is missing from the section table")

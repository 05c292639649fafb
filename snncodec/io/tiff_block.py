"""The TIFF blocks that metadata of pictures are made of (EXIF, the index of an MPO): bytes in, fields out, and back.

It knows types and sizes, not what a field means. Every offset is checked, and no value is read twice, so that a block
of n bytes costs no more than n bytes, whatever it claims.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

MAX_FIELDS = 1000  # of one directory; cameras write some 60


class Type(IntEnum):
    """Types of TIFF 6.0 that are read here; others are passed over."""

    ASCII = 2
    SHORT = 3
    LONG = 4
    RATIONAL = 5
    UNDEFINED = 7
    SRATIONAL = 10


_CODES = {
    Type.ASCII: "s", Type.SHORT: "H", Type.LONG: "I", Type.RATIONAL: "II", Type.UNDEFINED: "s", Type.SRATIONAL: "ii"
}  # fmt: skip
SIZES = {kind: struct.calcsize("<" + code) for kind, code in _CODES.items()}  # bytes of one value


class BadBlock(ValueError):
    """No TIFF block, or a damaged one."""


@dataclass(frozen=True)
class Field:
    """One field: text and undefined bytes as `bytes`, numbers as a tuple of integers (two for each rational)."""

    kind: Type
    value: bytes | tuple[int, ...]


def read_directories(block: bytes, start: int | None = None) -> tuple[dict[int, Field], str]:
    """The fields of the directory at `start`, by tag, and the byte order; at None, those of the first one.

    `BadBlock` if the block has no TIFF header or the directory does not lie within it; fields that do not are left out.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        raise BadBlock("it has no TIFF header")
    if start is None:
        (start,) = struct.unpack_from(order + "I", block, 4)
    if not 8 <= start <= len(block) - 2:
        raise BadBlock("its directory lies outside of it")
    (count,) = struct.unpack_from(order + "H", block, start)
    if count > MAX_FIELDS or start + 2 + 12 * count > len(block):
        raise BadBlock(f"its directory of {count} fields does not fit into it")
    fields: dict[int, Field] = {}
    room = len(block)  # for values, all fields together
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", block, entry)
        if kind not in SIZES or tag in fields:
            continue
        size = SIZES[Type(kind)] * number
        room -= size
        (at,) = (entry + 8,) if size <= 4 else struct.unpack_from(order + "I", block, entry + 8)
        if room < 0 or at + size > len(block):
            continue
        fields[tag] = Field(Type(kind), _value(block[at : at + size], Type(kind), number, order))
    return fields, order


def _value(data: bytes, kind: Type, number: int, order: str) -> bytes | tuple[int, ...]:
    return data if _CODES[kind] == "s" else struct.unpack(order + _CODES[kind] * number, data)


def write_directory(fields: Mapping[int, Field], start: int) -> bytes:
    """A little-endian directory that will stand at offset `start` of its block, with its values behind it."""
    entries, values = [struct.pack("<H", len(fields))], b""
    end = start + 2 + 12 * len(fields) + 4
    for tag, field in sorted(fields.items()):
        code = _CODES[field.kind]
        data = (
            field.value
            if isinstance(field.value, bytes)
            else struct.pack(f"<{len(field.value)}{code[0]}", *field.value)
        )
        number = len(data) // SIZES[field.kind]
        if len(data) <= 4:
            place = data.ljust(4, b"\0")
        else:
            place = struct.pack("<I", end + len(values))
            values += data + bytes(len(data) % 2)  # TIFF wants values at even offsets
        entries.append(struct.pack("<HHI", tag, field.kind, number) + place)
    return b"".join(entries) + bytes(4) + values

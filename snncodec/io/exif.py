"""EXIF of a picture in, a small block with date, camera and exposure out: what a file keeps of a picture's metadata.

The block is made anew from a list of fields that are allowed, each with its type and size, so that nothing else can
pass: no place (GPS), no thumbnail, no name of an owner, no serial number, no maker's notes. The orientation is told
apart, because it is applied to the pixels. Whatever is damaged or strange is left out, and never an error.

Kept: maker and model of the camera and lens, dates with their fractions and zones, exposure time, f-number, ISO,
programme, exposure bias, metering, flash, focal lengths, white balance.
"""

from dataclasses import dataclass
from typing import Any

from snncodec.constants import MAX_EXIF_BYTES
from snncodec.io.tiff_block import BadBlock, Field, Type, read_directories, write_directory

MAX_BLOCK_BYTES = 2**22  # of a block that is looked at; in a PNG it may have any size
MAX_TEXT = 200  # bytes of one text
PREFIX = b"Exif\0\0"  # before the block in JPEG and in what Pillow takes and gives

ORIENTATION, DATE, EXIF_DIRECTORY, EXIF_VERSION = 0x0112, 0x0132, 0x8769, 0x9000
# tag -> (name, type, values)
CAMERA = {0x010F: ("Make", Type.ASCII, 0), 0x0110: ("Model", Type.ASCII, 0), DATE: ("DateTime", Type.ASCII, 0)}
EXPOSURE = {
    0x829A: ("ExposureTime", Type.RATIONAL, 1),
    0x829D: ("FNumber", Type.RATIONAL, 1),
    0x8822: ("ExposureProgram", Type.SHORT, 1),
    0x8827: ("ISO", Type.SHORT, 1),
    0x9003: ("DateTimeOriginal", Type.ASCII, 0),
    0x9004: ("DateTimeDigitized", Type.ASCII, 0),
    0x9010: ("OffsetTime", Type.ASCII, 0),
    0x9011: ("OffsetTimeOriginal", Type.ASCII, 0),
    0x9012: ("OffsetTimeDigitized", Type.ASCII, 0),
    0x9204: ("ExposureBias", Type.SRATIONAL, 1),
    0x9207: ("MeteringMode", Type.SHORT, 1),
    0x9209: ("Flash", Type.SHORT, 1),
    0x920A: ("FocalLength", Type.RATIONAL, 1),
    0x9290: ("SubSecTime", Type.ASCII, 0),
    0x9291: ("SubSecTimeOriginal", Type.ASCII, 0),
    0x9292: ("SubSecTimeDigitized", Type.ASCII, 0),
    0xA403: ("WhiteBalance", Type.SHORT, 1),
    0xA405: ("FocalLengthIn35mm", Type.SHORT, 1),
    0xA432: ("LensSpecification", Type.RATIONAL, 4),
    0xA433: ("LensMake", Type.ASCII, 0),
    0xA434: ("LensModel", Type.ASCII, 0),
}


@dataclass(frozen=True)
class Exif:
    """What is kept of a picture's metadata."""

    block: bytes | None = None  # a TIFF block made here; None where nothing is to be kept
    orientation: int | None = None  # 1..8, None where none is given


def read_exif(data: bytes) -> Exif:
    """What is kept of an EXIF block, with or without `PREFIX`; ValueError with the reason if it cannot be read."""
    block = data.removeprefix(PREFIX)
    if len(block) > MAX_BLOCK_BYTES:
        raise BadBlock("it is larger than 4 MiB")
    first, _ = read_directories(block)
    orientation, pointer = _number(first.get(ORIENTATION)), _number(first.get(EXIF_DIRECTORY))
    exposure: dict[int, Field] = {}
    if pointer is not None:
        try:
            exposure = _allowed(read_directories(block, pointer)[0], EXPOSURE)
        except BadBlock:
            exposure = {}  # the first directory is still good
    return Exif(_make(_allowed(first, CAMERA), exposure), orientation if orientation in range(1, 9) else None)


def clean_exif(data: bytes | None) -> bytes | None:
    """The allowed fields of a block as a block made anew; None where there are none, or none can be read."""
    if not data or len(data) > MAX_EXIF_BYTES:
        return None
    try:
        return read_exif(data).block
    except ValueError:
        return None


def exif_facts(block: bytes) -> dict[str, Any]:
    """The allowed fields of a block by name: texts, integers, and rationals as floats; empty if it cannot be read."""
    try:
        first, _ = read_directories(block)
        pointer = _number(first.get(EXIF_DIRECTORY))
        exposure = _allowed(read_directories(block, pointer)[0], EXPOSURE) if pointer is not None else {}
    except ValueError:
        return {}
    fields, names = _allowed(first, CAMERA) | exposure, CAMERA | EXPOSURE
    return {names[tag][0]: _plain(field) for tag, field in sorted(fields.items())}


def describe_exif(facts: dict[str, Any]) -> str:
    """What a person wants to know of `exif_facts`: when, with what, and how."""
    when = next((facts[name] for name in ("DateTimeOriginal", "DateTimeDigitized", "DateTime") if name in facts), None)
    seconds, ratio, length = facts.get("ExposureTime"), facts.get("FNumber"), facts.get("FocalLength")
    parts = (
        when,
        " ".join(facts[name] for name in ("Make", "Model") if name in facts),
        facts.get("LensModel"),
        seconds and (f"1/{1 / seconds:.0f} s" if seconds < 0.5 else f"{seconds:g} s"),
        ratio and f"f/{ratio:.3g}",
        length and f"{length:.3g} mm",
        f"ISO {facts['ISO']}" if "ISO" in facts else None,
    )
    return ", ".join(part for part in parts if part) or "other metadata"


def _plain(field: Field) -> Any:
    if isinstance(field.value, bytes):
        return field.value.rstrip(b"\0").decode("ascii")
    if field.kind in (Type.RATIONAL, Type.SRATIONAL):
        floats = [above / below for above, below in zip(field.value[::2], field.value[1::2], strict=True)]
        return floats[0] if len(floats) == 1 else floats
    return field.value[0]


def _number(field: Field | None) -> int | None:
    """The value of a field that holds one whole number."""
    numeric = field is not None and field.kind in (Type.SHORT, Type.LONG) and len(field.value) == 1
    return int(field.value[0]) if field and numeric else None


def _allowed(fields: dict[int, Field], table: dict[int, tuple[str, Type, int]]) -> dict[int, Field]:
    """The fields of a table, if their type and number of values are those of the table."""
    kept = {tag: _checked(fields[tag], kind, values) for tag, (_, kind, values) in table.items() if tag in fields}
    return {tag: field for tag, field in kept.items() if field}


def _checked(field: Field, kind: Type, values: int) -> Field | None:
    """The field as it may be kept, or None."""
    if field.kind != kind:
        return None
    if isinstance(field.value, bytes):
        text = field.value.split(b"\0")[0].strip()
        printable = all(32 <= byte < 127 for byte in text)
        return Field(kind, text + b"\0") if text and printable and len(text) <= MAX_TEXT else None
    numbers = field.value
    if kind == Type.SHORT:
        return Field(kind, numbers[:1]) if numbers else None  # ISO may come with more; the first one counts
    return Field(kind, numbers) if len(numbers) == 2 * values and all(numbers[1::2]) else None


def _make(camera: dict[int, Field], exposure: dict[int, Field]) -> bytes | None:
    """The block: its first directory, and the one of the exposure."""
    if not camera and not exposure:
        return None
    first = dict(camera)
    if exposure:
        version = Field(Type.UNDEFINED, b"0232")
        first[EXIF_DIRECTORY] = Field(Type.LONG, (0,))
        start = 8 + len(write_directory(first, 8))
        first[EXIF_DIRECTORY] = Field(Type.LONG, (start,))
        behind = write_directory(exposure | {EXIF_VERSION: version}, start)
    else:
        behind = b""
    return b"II*\0\x08\0\0\0" + write_directory(first, 8) + behind

"""The marker segments at the head of a JPEG: bytes in, what stands before the pixels out; no pixel is decoded."""

from collections.abc import Iterator
from dataclasses import dataclass

START = b"\xff\xd8"
APP0, APP1, APP2, APP3 = 0xE0, 0xE1, 0xE2, 0xE3
STANDALONE = (0x01, *range(0xD0, 0xD9))  # markers without a length
SCAN, END = 0xDA, 0xD9  # pixels follow; nothing follows


@dataclass(frozen=True)
class Segment:
    """One segment: its marker, where its payload begins in the file, and the payload."""

    marker: int
    offset: int
    payload: bytes


def segments(data: bytes, start: int = 0) -> Iterator[Segment]:
    """The segments of the JPEG that begins at `start`, up to its pixels or to the first damage."""
    if data[start : start + 2] != START:
        return
    at = start + 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in (SCAN, END):
            return
        if marker in STANDALONE or marker == 0xFF:  # 0xff fills up
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2 or at + 2 + length > len(data):
            return
        yield Segment(marker, at + 4, data[at + 4 : at + 2 + length])
        at += 2 + length


def insert_segment(data: bytes, marker: int, payload: bytes) -> bytes:
    """The JPEG with one more segment, behind those that have to come first (JFIF, EXIF)."""
    at = len(START)
    for segment in segments(data):
        if segment.marker not in (APP0, APP1):
            break
        at = segment.offset + len(segment.payload)
    return data[:at] + bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload + data[at:]

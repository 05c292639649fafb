"""A PNG file comes in; the same picture without the metadata that is too bulky for Pillow, which refuses it, goes out.

Chunks are those of the PNG specification, third edition, section 11.3.
"""

import io
import struct
import zlib
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST = 2**20  # bytes of a text or a profile, unpacked, that Pillow takes
NAMES = {b"tEXt": "text", b"zTXt": "text", b"iTXt": "text", b"iCCP": "colour profile"}
HEAD = struct.Struct(">I4s")
CRC_BYTES = 4


def without_bulky_chunks(file: BinaryIO) -> tuple[BinaryIO, list[str]]:
    """The file itself, at its start, or what is left of it in memory, and the names of what was left out."""
    kept, left_out = [SIGNATURE], []
    file.seek(0)
    whole = file.read(len(SIGNATURE)) == SIGNATURE
    while whole and len(head := file.read(HEAD.size)) == HEAD.size:
        length, kind = HEAD.unpack(head)
        if kind == b"IDAT":  # metadata behind the pixels is not read
            break
        rest = file.read(length + CRC_BYTES)
        if kind in NAMES and _unpacked_size(kind, rest[:length]) > LARGEST:
            left_out.append(NAMES[kind])
        else:
            kept.append(head + rest)
    if not left_out:
        file.seek(0)
        return file, []
    return io.BytesIO(b"".join([*kept, head, file.read()])), left_out


def _unpacked_size(kind: bytes, data: bytes) -> int:
    """Bytes of a text or a profile, but no more than one above the limit; 0 for what is damaged."""
    _, _, value = data.partition(b"\0")  # behind the keyword
    packed = kind in (b"zTXt", b"iCCP")
    if kind == b"iTXt":
        packed = value[:1] == b"\1"
    if not packed:
        return len(data)
    start = value[1:] if kind != b"iTXt" else value[2:].split(b"\0", 2)[-1]
    try:
        return len(zlib.decompressobj().decompress(start, LARGEST + 1))
    except zlib.error:
        return 0

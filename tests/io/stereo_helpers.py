"""What tests of stereo files share: two views that JPEG keeps apart, and MPO files written by hand."""

import io
import struct

import numpy as np
from PIL import Image

RED, BLUE = (np.full((24, 32, 3), colour, np.uint8) for colour in ((200, 20, 20), (20, 20, 200)))
SIZE = (32, 24)


def looks_like(view, expected):
    """Equal but for what JPEG or HEVC does to plain colours."""
    return view.shape == expected.shape and view.dtype == np.uint8 and abs(view.astype(int) - expected).max() <= 12


def picture(pixels, kind="JPEG", **options):
    """The bytes of a picture."""
    file = io.BytesIO()
    options = {"quality": 95, "subsampling": 0} | options if kind == "JPEG" else options
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def exif_of(orientation=None, model="W3"):
    exif = Image.Exif()
    exif[0x0110] = model
    if orientation:
        exif[0x0112] = orientation
    return exif.tobytes()


def mpo(*jpegs, kinds=(0x20020002, 0x00020002), order="<"):
    """An MPO made by hand from JPEGs; its index says what `kinds` says."""
    count = len(jpegs)
    kinds = [*kinds, *[0] * count][:count]
    length = 8 + 2 + 3 * 12 + 4 + 16 * count  # of the index
    start = 2 + 4 + 4  # of the index in the file: SOI, APP2 and its length, "MPF\0"
    first = len(jpegs[0]) + 8 + length  # bytes of the first picture with the index in it
    sizes = [first, *map(len, jpegs[1:])]
    offsets = [0, *(sum(sizes[:n]) - start for n in range(1, count))]
    block = b"II*\0" if order == "<" else b"MM\0*"
    block += struct.pack(order + "IH", 8, 3) + struct.pack(order + "HHI4s", 0xB000, 7, 4, b"0100")
    block += struct.pack(order + "HHII", 0xB001, 4, 1, count)
    block += struct.pack(order + "HHII", 0xB002, 7, 16 * count, 50) + bytes(4)
    block += b"".join(struct.pack(order + "IIIHH", *row, 0, 0) for row in zip(kinds, sizes, offsets, strict=True))
    assert len(block) == length
    segment = b"\xff\xe2" + struct.pack(">H", 2 + 4 + length) + b"MPF\0" + block
    return jpegs[0][:2] + segment + jpegs[0][2:] + b"".join(jpegs[1:])

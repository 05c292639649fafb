"""Promises of png_chunks.py: metadata that Pillow finds too bulky costs a note and not the picture."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from snncodec.io.images import read_image
from snncodec.io.png_chunks import without_bulky_chunks

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
BULK = 1_500_000
NOISE = np.random.default_rng(1).integers(1, 256, BULK, np.uint8).tobytes()
CHUNKS = {
    "profile": (b"iCCP", b"icc\0\0" + zlib.compress(NOISE)),
    "text": (b"tEXt", b"Comment\0" + b"a" * BULK),
    "packed text": (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2 * BULK))),
    "packed international text": (b"iTXt", b"Comment\0\1\0en\0\0" + zlib.compress(b"a" * BULK)),
    "international text": (b"iTXt", b"Comment\0\0\0en\0\0" + b"a" * BULK),
}


def png_with(kind, data):
    """A PNG with this chunk behind its header."""
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG")
    whole, end = file.getvalue(), 8 + 25  # signature and IHDR
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return whole[:end] + chunk + whole[end:]


@pytest.mark.parametrize("name", CHUNKS)
def test_bulky_metadata_is_left_out_with_a_note(name, tmp_path):
    notes = []
    (tmp_path / "x.png").write_bytes(png_with(*CHUNKS[name]))
    pixels, icc = read_image(tmp_path / "x.png", note=notes.append)
    assert np.array_equal(pixels, PIXELS) and icc is None
    assert len(notes) == 1 and "of more than 1 MiB; it is left out" in notes[0]


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG", png_with(b"tEXt", b"Comment\0short"), png_with(b"zTXt", b"x\0\0bad")]
)
def test_other_files_stay_as_they_are(data):
    file = io.BytesIO(data)
    same, left_out = without_bulky_chunks(file)
    assert same is file and file.tell() == 0 and left_out == []


@pytest.mark.parametrize("length", [20, 40, 1000, -5])
def test_files_that_end_early_do_not_trip_it(length):
    without_bulky_chunks(io.BytesIO(png_with(*CHUNKS["text"])[:length]))

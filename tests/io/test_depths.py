"""Promises of depths.py: samples that Pillow would misread are refused, other deep ones reduced with a note."""

import io

import numpy as np
import pytest
from PIL import Image, features

from snncodec.errors import InputError
from snncodec.io.images import read_image

WHITE = np.full((24, 32, 3), 255, np.uint8)


@pytest.fixture
def read(tmp_path):
    """Write bytes to a file, read them as a picture, and return its pixels and the notes."""

    def read_bytes(data, name="x.png"):
        notes = []
        (tmp_path / name).write_bytes(data)
        return read_image(tmp_path / name, note=notes.append)[0], " ".join(notes)

    return read_bytes


def saved(pixels, kind, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def jpeg_2000(ssiz, pixels=WHITE):
    """A JPEG 2000 file whose header gives all components this depth and sign (ISO/IEC 15444-1, table A.11)."""
    if not features.check("jpg_2000"):
        pytest.skip("Pillow comes without JPEG 2000")
    data = bytearray(saved(pixels, "JPEG2000"))
    start = data.index(b"\xff\x4f\xff\x51") + 40
    for component in range(int.from_bytes(data[start : start + 2], "big")):
        data[start + 2 + 3 * component] = ssiz
    return bytes(data)


@pytest.mark.parametrize("bits", range(9, 17))
def test_deep_colour_in_jpeg_2000_is_refused(bits, read):
    with pytest.raises(InputError, match=f"JPEG 2000 colour of {bits} bits, which Pillow misreads"):
        read(jpeg_2000(bits - 1), "x.jp2")


def test_samples_with_a_sign_are_refused_in_jpeg_2000(read):
    with pytest.raises(InputError, match="samples with a sign"):
        read(jpeg_2000(0x87), "x.jp2")


def test_ordinary_jpeg_2000_keeps_its_colours(read):
    pixels, notes = read(jpeg_2000(7), "x.jp2")
    assert (pixels == 255).all() and not notes


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG2000"])
def test_sixteen_bit_grey_is_reduced_with_a_note(kind, read):
    if kind == "JPEG2000" and not features.check("jpg_2000"):
        pytest.skip("Pillow comes without JPEG 2000")
    pixels, notes = read(saved(np.full((24, 32), 65535, np.uint16), kind))
    assert (pixels == 255).all() and "16 bits per sample; they are reduced to 8" in notes


def test_twelve_bits_in_sixteen_are_told(read):
    _, notes = read(saved(np.full((24, 32), 4095, np.uint16), "PNG"))
    assert "nearly black: its brightest sample is 4095 of 65535" in notes
    _, notes = read(saved(np.full((24, 32), 40000, np.uint16), "PNG"))
    assert "nearly black" not in notes


def test_deep_grey_with_black_as_the_largest_value_is_refused(read):
    data = saved(np.full((24, 32), 65535, np.uint16), "TIFF", tiffinfo={262: 0})
    with pytest.raises(InputError, match="has 16 bits with black as the largest value"):
        read(data, "x.tif")


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "Git LFS pointer"),
        (b"\n<!DOCTYPE html><html>", "is a web page"),
        (b"<HTML><head>", "is a web page"),
        (b"SNNC\x02", "is a file of snncodec"),
        (b"%PDF-1.7", "is a PDF"),
        (b"\xef\xbb\xbf<?xml version", "is an XML file"),
    ],
)
def test_what_is_no_picture_is_called_what_it_is(start, words, read):
    with pytest.raises(InputError, match=words):
        read(start)

"""Promises of depths.py: samples that Pillow would misread are refused, other deep ones reduced with a note."""

import io
import struct

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


def test_twelve_bits_in_sixteen_of_colour_are_told(read):
    for brightest, told in ((4095, True), (40000, False)):
        samples = np.full((1, 1, 3), brightest, ">u2").tobytes()
        _, notes = read(b"P6 1 1 65535\n" + samples, "x.ppm")
        assert ("nearly black: its brightest sample is 16 of 255" in notes) == told, notes


@pytest.mark.parametrize(("largest", "bits"), [(1023, 10), (4095, 12), (65535, 16)])
@pytest.mark.parametrize("kind", ["P5", "P6"])
def test_white_of_any_depth_stays_white_in_ppm(kind, largest, bits, read):
    samples = np.full((2, 2, 3 if kind == "P6" else 1), largest, ">u2").tobytes()
    pixels, notes = read(f"{kind} 2 2 {largest}\n".encode() + samples, "x.ppm")
    assert (pixels == 255).all() and notes.endswith(f"has {bits} bits per sample; they are reduced to 8")


def packed_tiff(bits, samples, *, palette=(), **tags):
    """A TIFF of one row of grey, or of colours of a palette."""
    fields = {256: len(samples) * 8 // bits, 257: 1, 258: bits, 259: 1, 262: 3 if palette else 1, 273: 200, 277: 1}
    fields |= {278: 1, 279: len(samples)} | {int(name[1:]): value for name, value in tags.items()}
    rows = [(tag, 4, 1, value) for tag, value in fields.items()]
    if palette:
        rows.append((320, 3, len(palette), 200 + len(samples)))
    entries = b"".join(struct.pack("<HHII", *row) for row in sorted(rows))
    head = struct.pack("<2sHIH", b"II", 42, 8, len(rows)) + entries
    return head.ljust(200, b"\0") + samples + struct.pack(f"<{len(palette)}H", *palette)


def test_twelve_bits_are_scaled_with_a_note(read):
    pixels, notes = read(packed_tiff(12, bytes.fromhex("fff000")), "x.tif")
    assert pixels[0, :, 0].tolist() == [255, 0] and notes.endswith("has 12 bits per sample; they are reduced to 8")


def test_a_preview_is_refused(read):
    assert read(packed_tiff(8, b"\xff\0"), "x.dng")[0][0, :, 0].tolist() == [255, 0]
    with pytest.raises(InputError, match="begins with a preview, as raw files of cameras do"):
        read(packed_tiff(8, b"\xff\0", _254=1), "x.dng")


def test_a_palette_of_eight_bits_is_refused(read):
    ramp = tuple(range(256)) * 3
    pixels, notes = read(packed_tiff(8, b"\xff\0", palette=[257 * value for value in ramp]), "x.tif")
    assert pixels[0, :, 0].tolist() == [255, 0] and not notes
    with pytest.raises(InputError, match="a palette of 8 bits where TIFF has 16"):
        read(packed_tiff(8, b"\xff\0", palette=ramp), "x.tif")


def test_sixteen_bits_of_a_pixel_are_not_those_of_a_sample(read):
    masks = struct.pack("<3I", 0xF800, 0x7E0, 0x1F)
    header = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0) + masks
    pixels, notes = read(b"BM" + struct.pack("<IHHI", 70, 0, 0, 66) + header + b"\xff\xff\0\0", "x.bmp")
    assert pixels[0, :, 0].tolist() == [255, 0] and not notes


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_avif_of_more_than_eight_bits_is_reduced_with_a_note(bits, read):
    imagecodecs = pytest.importorskip("imagecodecs")
    samples = np.full((24, 32, 3), 2**bits - 1, np.uint8 if bits == 8 else np.uint16)
    pixels, notes = read(imagecodecs.avif_encode(samples, level=100, bitspersample=bits))
    assert (pixels >= 254).all() and (f"has {bits} bits per sample; they are reduced to 8" in notes) == (bits > 8)


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
        (b"\0\0\0\x0cJXL \r\n\x87\n", "is a JPEG XL file"),
        (b"II*\0\x10\0\0\0CR\2\0", "is a raw file of a camera"),
        (b"\0\0\0\x18ftypcrx \0", "is a raw file of a camera"),
        (b"\0\0\0\x18ftypisom\0", "is a film"),
        (b"\xef\xbb\xbf<?xml version", "is an XML file"),
    ],
)
def test_what_is_no_picture_is_called_what_it_is(start, words, read):
    with pytest.raises(InputError, match=words):
        read(start)

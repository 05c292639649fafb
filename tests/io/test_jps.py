"""Promises of JPS, PNS and pictures side by side: which half is the left eye's, and what is refused."""

import struct

import numpy as np
import pytest
from stereo_helpers import BLUE, RED, exif_of, looks_like, picture

from snncodec.errors import InputError, LimitError
from snncodec.io.jpeg_segments import insert_segment, segments
from snncodec.io.jps import add_header
from snncodec.io.side_by_side import join
from snncodec.io.stereo_files import read_stereo_file

BOTH = np.concatenate([RED, BLUE], axis=1)  # red on the left


@pytest.fixture
def read(tmp_path):
    def read(data, name="x.jps", **options):
        (tmp_path / name).write_bytes(data)
        notes = []
        return read_stereo_file(tmp_path / name, note=notes.append, **options), " ".join(notes)

    return read


def jps(descriptor, pixels=BOTH):
    payload = b"_JPSJPS_" + struct.pack(">HIH", 4, descriptor, 5) + b"hello"
    return insert_segment(picture(pixels), 0xE3, payload)


@pytest.mark.parametrize("name", ["x.jps", "x.JPS", "x.pns"])
def test_without_a_header_the_right_eye_comes_first(read, name):
    pair, notes = read(picture(BOTH, "PNG" if name.endswith("pns") else "JPEG"), name)
    assert looks_like(pair.left, BLUE) and looks_like(pair.right, RED)
    assert "the right half is taken for the left eye's view" in notes


@pytest.mark.parametrize(
    ("descriptor", "place"),
    [(0x00000201, "right"), (0x00040201, "left"), (0x00000301, "lower"), (0x00040301, "upper"), (0x0A040201, "left")],
)
@pytest.mark.parametrize("name", ["x.jps", "x.jpg"])
def test_a_header_is_honoured_whatever_the_extension(read, name, descriptor, place):
    pixels = BOTH if place in ("left", "right") else np.concatenate([RED, BLUE])
    pair, notes = read(jps(descriptor, pixels), name)
    left, right = (RED, BLUE) if place in ("left", "upper") else (BLUE, RED)
    assert looks_like(pair.left, left) and looks_like(pair.right, right)
    assert f"the {place} half" in notes


@pytest.mark.parametrize(("flag", "side"), [(1 << 16, "height"), (1 << 17, "width")])
def test_views_of_half_size_are_kept_with_a_note(read, flag, side):
    pair, notes = read(jps(0x00000201 | flag))
    assert pair.left.shape == RED.shape and f"half {side}" in notes


@pytest.mark.parametrize(
    ("descriptor", "words"),
    [
        (0x00000200, "is mono, says its JPS header"),
        (0x00000101, "is interleaved rows"),
        (0x00000401, "is an anaglyph"),
        (0x00000901, "is layout 9, which is not known"),
    ],
)
def test_what_holds_no_two_views_is_refused_by_name(read, descriptor, words):
    with pytest.raises(InputError, match=words):
        read(jps(descriptor))


def test_a_header_that_is_cut_is_none(read):
    pair, _ = read(insert_segment(picture(BOTH), 0xE3, b"_JPSJPS_\0\4\0"))
    assert looks_like(pair.left, BLUE)


def test_what_is_written_is_read(read):
    header = [s.payload for s in segments(add_header(picture(BOTH))) if s.marker == 0xE3]
    assert header == [b"_JPSJPS_\0\4\0\0\2\1\0\0"]
    pair, _ = read(add_header(picture(BOTH)), "x.jpg")
    assert looks_like(pair.left, BLUE) and looks_like(join(pair, left_first=False), BOTH)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_side_by_side_the_left_half_is_the_left_eyes_in_any_format(read, kind):
    pair, notes = read(picture(BOTH, kind, **{"lossless": True} if kind == "WEBP" else {}), "x", side_by_side=True)
    assert looks_like(pair.left, RED) and looks_like(pair.right, BLUE)
    assert "the left half is taken for the left eye's view" in notes


def test_side_by_side_overrules_name_and_header(read):
    assert looks_like(read(jps(0x00000201), side_by_side=True)[0].left, RED)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_picture_is_turned_before_it_is_cut(read, orientation):
    stored = np.ascontiguousarray(np.rot90(BOTH, {3: 2, 6: 1, 8: -1}[orientation]))
    pair, _ = read(picture(stored, exif=exif_of(orientation)), "x.jpg", side_by_side=True)
    assert looks_like(pair.left, RED) and looks_like(pair.right, BLUE)
    assert pair.exif and pair.left.flags.c_contiguous


def test_odd_sides_are_refused(read):
    with pytest.raises(InputError, match="odd width of 63 pixels"):
        read(picture(BOTH[:, 1:], "PNG"), "x.png", side_by_side=True)
    with pytest.raises(InputError, match="odd height of 23 pixels"):
        read(jps(0x00000301, BOTH[1:]))


def test_one_plain_picture_is_no_pair(read):
    with pytest.raises(InputError, match=r"x\.png is one picture; give the right view too, or --sbs"):
        read(picture(BOTH, "PNG"), "x.png")


def test_the_limit_counts_one_view(read):
    assert read(picture(BOTH), max_pixels=32 * 24)[0].left.shape == RED.shape
    with pytest.raises(LimitError, match="64x24"):
        read(picture(BOTH), max_pixels=32 * 24 - 1)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\0", b"\xff\xd8\xff\xff\xff\xff", b"x"]
)
def test_no_head_of_a_jpeg_is_too_short(read, data):
    assert list(segments(data)) == []
    with pytest.raises(InputError):
        read(data)

"""Promises about colours that Pillow does not hand over: profiles are kept, what is not sRGB is told, else silence."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, features
from stereo_helpers import looks_like

from snncodec.io.images import read_picture
from snncodec.io.stated_colours import SRGB_POINTS

VIEW = np.full((24, 32, 3), (200, 90, 40), np.uint8)
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
BT_2020 = (0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046)


@pytest.fixture
def read(tmp_path):
    """Write bytes to a file and read them as a picture; returns it and the notes, without the file's name."""

    def read_bytes(data):
        notes = []
        (tmp_path / "view").write_bytes(data)
        picture = read_picture(tmp_path / "view", note=notes.append)
        return picture, [sentence.removeprefix(f"{tmp_path}/view ") for sentence in notes]

    return read_bytes


def saved(kind, **options):
    if kind == "JPEG2000" and not features.check("jpg_2000"):
        pytest.skip("Pillow comes without JPEG 2000")
    file = io.BytesIO()
    Image.fromarray(VIEW).save(file, kind, **options)
    return file.getvalue()


def with_chunks(**chunks):
    """A PNG with further chunks before its pixels."""
    data, made = saved("PNG"), b""
    for name, value in chunks.items():
        body = name.encode() + value
        made += struct.pack(">I", len(value)) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + made + data[33:]


def with_cicp(primaries, transfer):
    return with_chunks(cICP=bytes((primaries, transfer, 0, 1)))


def with_nclx(primaries, transfer):
    """An AVIF that tells its colours by code points."""
    data = bytearray(saved("AVIF", quality=100, subsampling="4:4:4"))
    at = data.index(b"colrnclx") + 8
    data[at : at + 4] = struct.pack(">HH", primaries, transfer)
    return bytes(data)


def gamma(exponent):
    return struct.pack(">I", round(100000 * exponent))


def chromaticities(points):
    return struct.pack(">8I", *(round(100000 * point) for point in points))


def exif(space, index=None):
    block = Image.Exif()
    block.get_ifd(0x8769)[0xA001] = space
    if index:
        block.get_ifd(0x8769)[0xA005] = {1: index}
    return block


def with_colour_box(method, value):
    """A JP2 whose box `colr` says something else."""
    data = saved("JPEG2000")
    at, parent = data.index(b"colr") - 4, data.index(b"jp2h") - 4
    length, box = int.from_bytes(data[at : at + 4], "big"), b"colr" + bytes((method, 0, 0)) + value
    size = int.from_bytes(data[parent : parent + 4], "big") - length + 4 + len(box)
    head = data[:parent] + struct.pack(">I", size) + data[parent + 4 : at]
    return head + struct.pack(">I", 4 + len(box)) + box + data[at + length :]


def bitmap(space, points=bytes(36)):
    """A BMP with the header of its fifth version."""
    rows = VIEW[::-1, :, ::-1].tobytes()
    header = struct.pack("<IiiHHIIiiII", 124, 32, 24, 1, 24, 0, len(rows), 0, 0, 0, 0) + bytes(16) + space + points
    header = header.ljust(124, b"\0")
    return b"BM" + struct.pack("<IHHI", 138 + len(rows), 0, 0, 138) + header + rows


def with_curve(exponent):
    """A TIFF that says which light its samples stand for."""
    curve = tuple(round(65535 * (value / 255) ** exponent) for value in range(256))
    return saved("TIFF", tiffinfo={301: curve * 3})


def with_points(points):
    return saved("TIFF", tiffinfo={318: points[:2], 319: points[2:]})


OTHERS = {
    "PNG of code points": (lambda: with_cicp(9, 16), "BT.2020 with PQ"),
    "AVIF of code points": (lambda: with_nclx(12, 13), "Display P3"),
    "PNG of linear samples": (lambda: with_chunks(gAMA=gamma(1)), "gamma 1.0"),
    "PNG of an old Mac": (lambda: with_chunks(gAMA=gamma(1 / 1.8)), "gamma 1.8"),
    "PNG of other primaries": (lambda: with_chunks(cHRM=chromaticities(BT_2020)), "of other primaries"),
    "PNG of code points and more": (lambda: with_chunks(cICP=bytes((9, 18, 0, 1)), gAMA=gamma(1)), "BT.2020 with HLG"),
    "TIFF of linear samples": (lambda: with_curve(1), "gamma 1.0"),
    "TIFF of other primaries": (lambda: with_points(BT_2020), "of other primaries"),
    "JPEG of Adobe RGB": (lambda: saved("JPEG", exif=exif(2)), "Adobe RGB"),
    "JPEG of Adobe RGB by DCF": (lambda: saved("JPEG", exif=exif(0xFFFF, "R03")), "Adobe RGB"),
    "WEBP of Adobe RGB": (lambda: saved("WEBP", exif=exif(2)), "Adobe RGB"),
    "JPEG 2000 of Lab": (lambda: with_colour_box(1, struct.pack(">I", 14)), "CIELab"),
    "JPEG 2000 of ROMM": (lambda: with_colour_box(1, struct.pack(">I", 21)), "ROMM RGB"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_colours_that_are_not_those_of_srgb_are_told_once(kind, read):
    make, words = OTHERS[kind]
    picture, notes = read(make())
    assert notes == [f"says that its colours are {words}; they are taken as sRGB, and will look different"]
    assert picture.pixels.shape == VIEW.shape and picture.icc is None


SILENT = {
    **{kind: lambda kind=kind: saved(kind) for kind in ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "JPEG2000")},
    "PNG of code points": lambda: with_cicp(1, 13),
    "AVIF of code points": lambda: with_nclx(1, 1),
    "PNG of sRGB": lambda: with_chunks(sRGB=b"\0", gAMA=gamma(1)),  # the chunk counts, not its neighbour
    "PNG like sRGB": lambda: with_chunks(gAMA=gamma(0.45455), cHRM=chromaticities(SRGB_POINTS)),
    "PNG of no gamma": lambda: with_chunks(gAMA=gamma(0)),
    "TIFF like sRGB": lambda: with_curve(2.2),
    "TIFF of the points of sRGB": lambda: with_points(SRGB_POINTS),
    "TIFF of damaged tags": lambda: saved("TIFF", tiffinfo={301: (7,), 318: (0.3,), 319: (0.1,)}),
    "JPEG of sRGB": lambda: saved("JPEG", exif=exif(1)),
    "JPEG that is not calibrated": lambda: saved("JPEG", exif=exif(0xFFFF)),
    "BMP of sRGB": lambda: bitmap(b"BGRs"),
    "BMP of Windows": lambda: bitmap(b" niW"),
    "BMP without points": lambda: bitmap(bytes(4)),
}


@pytest.mark.parametrize("kind", SILENT)
def test_srgb_and_what_looks_like_it_is_not_told(kind, read):
    picture, notes = read(SILENT[kind]())
    assert notes == [] and looks_like(picture.pixels, VIEW)


@pytest.mark.parametrize(
    "make", [lambda: bitmap(b"DEBM"), lambda: bitmap(b"KNIL"), lambda: bitmap(bytes(4), b"\1" * 36)]
)
def test_profiles_that_are_not_read_are_told(make, read):
    _, notes = read(make())
    assert len(notes) == 1 and "has a colour profile, which is not read from BMP" in notes[0]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
def test_a_profile_is_kept_whatever_else_is_said(kind, read):
    options = {"tiffinfo": {319: BT_2020[2:]}} if kind == "TIFF" else {"exif": exif(2)}
    picture, notes = read(saved(kind, icc_profile=ICC, **options))
    assert picture.icc == ICC and notes == []


@pytest.mark.parametrize("method", [2, 3])
def test_the_profile_of_a_jpeg_2000_is_kept(method, read):
    picture, notes = read(with_colour_box(method, ICC))
    assert picture.icc == ICC and notes == [] and looks_like(picture.pixels, VIEW)


def test_a_damaged_profile_is_told(read):
    parts = saved("JPEG", icc_profile=ICC + bytes(2**17))
    at = parts.index(b"ICC_PROFILE\0") - 4
    one_lost = parts[:at] + parts[at + 2 + int.from_bytes(parts[at + 2 : at + 4], "big") :]
    for data in (one_lost, with_chunks(iCCP=b"x\0\0junk")):
        picture, notes = read(data)
        assert picture.icc is None and notes == ["has a colour profile that is damaged; it is left out"]

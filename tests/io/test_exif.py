"""Promises of snncodec.io.exif: date, camera and exposure are kept, nothing else passes, and nothing strange fails."""

import random
import struct

import pytest
from PIL import Image, TiffImagePlugin

from snncodec.io.exif import PREFIX, clean_exif, describe_exif, exif_facts, read_exif
from snncodec.io.images import read_picture
from snncodec.io.tiff_block import Field, Type, read_directories, write_directory

RATIO = TiffImagePlugin.IFDRational


def camera_exif(orientation=6):
    """EXIF as a camera writes it, with a place, a thumbnail, an owner, a serial number and maker's notes."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112], exif[0x0132] = "FUJIFILM", "W3", orientation, "2024:05:06 07:08:09"
    exif[0x013B], exif[0x8298], exif[0x9C9D] = "AN ARTIST", "SOME RIGHTS", b"AUTHOR"
    exposure = exif.get_ifd(0x8769)
    exposure |= {0x829A: RATIO(1, 250), 0x829D: RATIO(37, 10), 0x8827: 400, 0x9204: RATIO(-1, 3), 0x920A: RATIO(63, 10)}
    exposure |= {0x9003: "2024:05:06 07:08:09", 0xA434: "A LENS", 0xA431: "SERIAL", 0xA430: "OWNER"}
    exposure |= {0x927C: b"MAKER NOTES", 0x9286: b"COMMENT", 0xA432: tuple(RATIO(n, 10) for n in (63, 189, 37, 42))}
    exif.get_ifd(0x8769).update(exposure)
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 1.5), 29: "2024:05:06"})
    return exif


def test_date_camera_and_exposure_are_kept_and_nothing_else():
    found = read_exif(camera_exif().tobytes())
    assert found.orientation == 6
    assert exif_facts(found.block) == {
        "Make": "FUJIFILM", "Model": "W3", "DateTime": "2024:05:06 07:08:09", "ExposureTime": 1 / 250, "FNumber": 3.7,
        "ISO": 400, "DateTimeOriginal": "2024:05:06 07:08:09", "ExposureBias": -1 / 3, "FocalLength": 6.3,
        "LensSpecification": [6.3, 18.9, 3.7, 4.2], "LensModel": "A LENS",
    }  # fmt: skip
    for secret in (b"ARTIST", b"RIGHTS", b"AUTHOR", b"SERIAL", b"OWNER", b"NOTES", b"COMMENT", b"2024:05:06\0"):
        assert secret in camera_exif().tobytes() and secret not in found.block


def test_what_is_kept_is_read_by_pillow():
    exif = Image.Exif()
    exif.load(PREFIX + read_exif(camera_exif().tobytes()).block)
    assert exif[0x010F] == "FUJIFILM" and 0x0112 not in exif and 0x8825 not in exif
    exposure = exif.get_ifd(0x8769)
    assert (exposure[0x829A], exposure[0x8827], exposure[0x9000]) == (RATIO(1, 250), 400, b"0232")


def test_a_block_made_here_is_made_the_same_again():
    block = read_exif(camera_exif().tobytes()).block
    assert clean_exif(block) == clean_exif(PREFIX + block) == block


def test_both_byte_orders_are_read():
    value = struct.pack(">HHHI4sI", 1, 0x0110, 2, 3, b"W3\0\0", 0)
    assert exif_facts(read_exif(b"MM\0*\0\0\0\x08" + value).block) == {"Model": "W3"}


@pytest.mark.parametrize(
    "field",
    [
        Field(Type.SHORT, (7,)),
        Field(Type.ASCII, b"\x1b[2Jx\0"),
        Field(Type.ASCII, "ü\0".encode()),
        Field(Type.ASCII, b"x" * 201),
        Field(Type.ASCII, b" \0"),
        Field(Type.UNDEFINED, b"FUJI"),
    ],
)
def test_a_strange_text_is_left_out(field):
    assert read_exif(b"II*\0\x08\0\0\0" + write_directory({0x010F: field}, 8)).block is None


def test_what_is_behind_the_end_of_a_text_is_left_out():
    block = b"II*\0\x08\0\0\0" + write_directory({0x010F: Field(Type.ASCII, b"FUJI\0secret\0")}, 8)
    assert exif_facts(read_exif(block).block) == {"Make": "FUJI"} and b"secret" not in read_exif(block).block


def test_no_damage_raises_anything_but_value_error():
    whole, rng = camera_exif().tobytes()[6:], random.Random(0)
    for _ in range(3000):
        damaged = bytearray(whole[: rng.randrange(len(whole) + 1)] if rng.random() < 0.3 else whole)
        for _ in range(rng.randrange(4)):
            if damaged:
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        block = clean_exif(bytes(damaged))
        assert block is None or (len(block) < 4096 and clean_exif(block) == block and exif_facts(block))


def test_values_that_are_named_twice_cost_no_more_than_the_block():
    entry = struct.pack("<HHII", 0, 7, 60000, 100)
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", 900)
    block += b"".join(struct.pack("<H", tag) + entry[2:] for tag in range(900)) + bytes(60000)
    fields, _ = read_directories(block)
    assert sum(len(field.value) for field in fields.values()) <= len(block)


@pytest.mark.parametrize("data", [None, b"", b"junk", b"II*\0", b"II*\0\xff\0\0\0", bytes(2**16 + 1)])
def test_what_is_no_exif_is_nothing(data):
    assert clean_exif(data) is None


def test_facts_are_said_in_one_line():
    facts = exif_facts(read_exif(camera_exif().tobytes()).block)
    assert describe_exif(facts) == "2024:05:06 07:08:09, FUJIFILM W3, A LENS, 1/250 s, f/3.7, 6.3 mm, ISO 400"
    assert describe_exif({"ExposureTime": 0.0, "FNumber": 0.0}) == "other metadata"


@pytest.mark.parametrize("orientation", [None, 1, 2, 6, 8])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "MPO"])
def test_pictures_of_every_format_carry_it_and_are_turned_once(tmp_path, kind, orientation):
    exif = camera_exif(orientation or 1)
    if orientation is None:
        del exif[0x0112]
    Image.new("RGB", (8, 6)).save(tmp_path / "x", kind, exif=exif.tobytes())
    picture = read_picture(tmp_path / "x")
    assert exif_facts(picture.exif.block)["LensModel"] == "A LENS"
    assert picture.pixels.shape == ((8, 6, 3) if orientation in (6, 8) else (6, 8, 3))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_with_damaged_metadata_is_read_with_a_note(tmp_path, kind):
    Image.new("RGB", (8, 6)).save(tmp_path / "x", kind, exif=b"Exif\0\0nothing of use")
    notes = []
    picture = read_picture(tmp_path / "x", note=notes.append)
    assert picture.pixels.shape == (6, 8, 3) and picture.exif.block is None
    assert len(notes) == 1 and "EXIF metadata that cannot be read" in notes[0]

"""Promises of `snncodec info`: people and programs read the header, and which sections are sound."""

import json
from pathlib import Path

import cli_helpers
import numpy as np
import pytest
from cli_helpers import fails, run
from PIL import Image

from snncodec.bitstream.container import Header, Tag, pack, unpack
from snncodec.codec import Codec
from snncodec.io.exif import clean_exif

codec, folder, coded = cli_helpers.codec, cli_helpers.folder, cli_helpers.coded  # fixtures


def test_the_header_is_shown_to_people(coded):
    result = run("info pair.bin")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "picture   two views of 7x5",
        "size      257 bytes, 29.371 bpp",
        "quality   50",
        f"weights   {b'    base'.hex()}",
        "views     independent of each other",
        "left      105 bytes, ok",
        "right     105 bytes, ok",
        f"decodes   no: this file needs weights {b'    base'.hex()}, which are not shipped here; name their file with "
        "--weights",
    ]


def test_the_header_is_shown_to_programs(coded):
    facts = json.loads(run("info pair.bin --json").stdout)
    assert facts.pop("sections") == [{"name": name, "bytes": 105, "state": "ok"} for name in ("left", "right")]
    assert facts.pop("bpp") == pytest.approx(8 * 257 / 70)
    assert facts.pop("weights") == b"    base".hex() and facts.pop("shipped_weights") is None
    assert "not shipped here" in facts.pop("obstacle")
    assert facts == {
        "file": "pair.bin", "width": 7, "height": 5, "bytes": 257, "quality": 50, "inter_view": False, "surplus": 0,
        "metadata": {},
    }  # fmt: skip


def test_a_right_view_that_needs_the_left_one_is_said_to(folder):
    sections = {Tag.DISPARITY: b"d", Tag.LEFT: b"l", Tag.RIGHT: b"r"}
    Path("pair.bin").write_bytes(pack(Header(7, 5, 50, bytes(8), inter_view=True), sections))
    assert "views     the right one needs the left one" in run("info pair.bin").stdout
    facts = json.loads(run("info pair.bin --json").stdout)
    assert facts["inter_view"] is True
    assert {section["name"] for section in facts["sections"]} == {"left", "right", "disparity"}


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-1], "right     105 bytes, cut short"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "right     105 bytes, damaged"),
        (lambda data: data + b"??", "surplus   2 bytes after the last section"),
    ],
)
def test_a_broken_section_is_named(coded, damage, words):
    Path("pair.bin").write_bytes(damage(Path("pair.bin").read_bytes()))
    result = run("info pair.bin")
    assert result.exit_code == 0
    assert words in result.stdout
    assert "left      105 bytes, ok" in result.stdout


def test_a_file_of_shipped_weights_is_said_to_decode(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = coded_here()
    Path("pair.bin").write_bytes(data)
    result = run("info pair.bin")
    assert "(base, shipped)" in result.stdout and result.stdout.endswith("decodes   yes\n")
    Path("pair.bin").write_bytes(data[:-1])
    assert "decodes   no: the RIGHT section ends early" in run("info pair.bin").stdout


def test_a_file_can_be_verified_to_the_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = coded_here()
    Path("pair.bin").write_bytes(data)
    result = run("info pair.bin --verify")
    assert result.exit_code == 0 and result.stdout.endswith("decodes   yes, to the end\n")
    header, sections = unpack(data)
    Path("pair.bin").write_bytes(pack(header, sections | {Tag.RIGHT: sections[Tag.RIGHT] + bytes(8)}))
    assert json.loads(run("info pair.bin --json").stdout)["obstacle"] is None  # its checksums are right
    result = run("info pair.bin --verify")
    assert result.exit_code == 1 and "decodes   no: " in result.stdout


def coded_here():
    view = np.arange(24 * 20 * 3, dtype=np.uint8).reshape(24, 20, 3)
    return Codec().encode(view, view, 30)


def test_a_foreign_file_is_refused(folder):
    fails(run("info left.png"), "not a snncodec file")


def test_when_and_with_what_a_pair_was_taken_is_shown(folder):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "FUJIFILM", "W3", "2024:05:06 07:08:09"
    sections = {Tag.EXIF: clean_exif(exif.tobytes()), Tag.LEFT: b"l", Tag.RIGHT: b"r"}
    Path("pair.bin").write_bytes(pack(Header(7, 5, 50, bytes(8), inter_view=False), sections))
    assert "taken     2024:05:06 07:08:09, FUJIFILM W3" in run("info pair.bin").stdout
    assert json.loads(run("info pair.bin --json").stdout)["metadata"]["Model"] == "W3"

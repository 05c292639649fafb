"""Promises of `snncodec info`: people and programs read the header, and which sections are sound."""

import json
from pathlib import Path

import cli_helpers
import pytest
from cli_helpers import fails, run

from snncodec.bitstream.container import Header, Tag, pack

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
    ]


def test_the_header_is_shown_to_programs(coded):
    facts = json.loads(run("info pair.bin --json").stdout)
    assert facts.pop("sections") == [{"name": name, "bytes": 105, "state": "ok"} for name in ("left", "right")]
    assert facts.pop("bpp") == pytest.approx(8 * 257 / 70)
    assert facts.pop("weights") == b"    base".hex()
    assert facts == {
        "file": "pair.bin", "width": 7, "height": 5, "bytes": 257, "quality": 50, "inter_view": False, "surplus": 0
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


def test_a_foreign_file_is_refused(folder):
    fails(run("info left.png"), "not a snncodec file")

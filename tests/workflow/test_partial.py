"""Promises about damaged files: views that are sound decode to their very pixels, and what is lost is told."""

from pathlib import Path

import numpy as np
import pytest
from conftest import synthetic_pair
from PIL import Image
from typer.testing import CliRunner

from snncodec import codec
from snncodec.bitstream.container import Tag, pack, read_header
from snncodec.cli import app
from snncodec.errors import FormatError
from snncodec.workflow.partial import decode_sound_parts

ICC = b"profile" * 20


@pytest.fixture(scope="module", params=[False, True], ids=["predicted", "independent"])
def file(request, tiny):
    """The bytes of a file, its pair, and whether its views are independent."""
    data = codec.encode(*synthetic_pair(40, 60), weights=tiny, independent=request.param, icc=ICC)
    assert read_header(data)[0].inter_view != request.param
    return data, codec.decode(data, weights=tiny), request.param


def damaged(data, *tags):
    """With a bit flipped in sections."""
    found = {section.tag: section for section in read_header(data)[1]}
    changed = bytearray(data)
    for tag in tags:
        changed[found[tag].offset] ^= 1
    return bytes(changed)


def check_views(parts, pair, *names):
    assert list(parts.views) == list(names)
    for name in names:
        assert np.array_equal(parts.views[name], getattr(pair, name))


def test_a_sound_file_has_both_views_and_no_losses(file, tiny):
    data, pair, _ = file
    parts = decode_sound_parts(data, weights=tiny)
    check_views(parts, pair, "left", "right")
    assert parts.losses == [] and parts.icc == ICC


@pytest.mark.parametrize("cut", [1, 10])
def test_a_file_that_was_cut_has_its_left_view(file, tiny, cut):
    data, pair, _ = file
    parts = decode_sound_parts(data[:-cut], weights=tiny)
    check_views(parts, pair, "left")
    assert "RIGHT section ends early" in parts.losses[0] and "--left-only" not in parts.losses[0]
    assert parts.losses[1:] == ["the right view is lost"]


def test_a_lost_left_view_takes_a_right_one_with_it_that_was_predicted(file, tiny):
    data, pair, independent = file
    bad = damaged(data, Tag.LEFT)
    if independent:
        check_views(decode_sound_parts(bad, weights=tiny), pair, "right")
    else:
        with pytest.raises(FormatError, match="no view of this file is sound: the LEFT section is damaged"):
            decode_sound_parts(bad, weights=tiny)


def test_a_lost_field_takes_the_right_view_with_it(file, tiny):
    data, pair, independent = file
    if not independent:
        check_views(decode_sound_parts(damaged(data, Tag.DISPARITY), weights=tiny), pair, "left")


def test_lost_metadata_and_bytes_too_many_take_no_view_with_them(file, tiny):
    data, pair, _ = file
    parts = decode_sound_parts(damaged(data, Tag.ICC) + b"more", weights=tiny)
    check_views(parts, pair, "left", "right")
    assert parts.icc is None and len(parts.losses) == 2
    assert "ICC section is damaged" in parts.losses[0] and "4 bytes follow" in parts.losses[1]


def test_symbols_that_no_encoder_wrote_are_a_loss_of_their_view(file, tiny):
    data, pair, _ = file
    header, sections = read_header(data)
    payloads = {section.tag: section.payload(data) for section in sections}
    payloads[Tag.RIGHT] += bytes(64)  # with a checksum that is right
    parts = decode_sound_parts(pack(header, payloads), weights=tiny)
    check_views(parts, pair, "left")
    assert len(parts.losses) == 2 and parts.losses[1] == "the right view is lost"


def test_all_that_is_lost_is_told_where_no_view_is_left(file, tiny):
    with pytest.raises(FormatError, match=r"the ICC section is .*; the LEFT section is .*; the RIGHT section is"):
        decode_sound_parts(damaged(file[0], Tag.ICC, Tag.LEFT, Tag.RIGHT), weights=tiny)


def test_the_command_writes_what_is_sound_and_tells_what_is_not(file, tiny, tmp_path, monkeypatch):
    data, pair, _ = file
    monkeypatch.chdir(tmp_path)
    Path("pair.bin").write_bytes(data[:-1])
    result = CliRunner().invoke(app, ["decode", "pair.bin", "-o", "new/", "--partial", "--weights", tiny])
    assert result.exit_code == 0 and result.stderr.startswith("note: the RIGHT section ends early")
    assert result.stderr.splitlines()[1] == "note: the right view is lost"
    assert [path.name for path in Path("new").iterdir()] == ["pair_left.png"]
    again = CliRunner().invoke(
        app, ["decode", "pair.bin", "-o", "new/", "--partial", "--weights", tiny, "-f", "--quiet"]
    )
    assert again.exit_code == 0 and again.stderr == ""
    assert np.array_equal(np.asarray(Image.open("new/pair_left.png")), pair.left)


@pytest.mark.parametrize("options", ["--left-only", "--sbs", "-o -", "-o x.mpo"])
def test_it_is_refused_where_views_have_no_files_of_their_own(options, file, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("pair.bin").write_bytes(file[0])
    result = CliRunner().invoke(app, ["decode", "pair.bin", "--partial", "--weights", tiny, *options.split()])
    assert result.exit_code == 1 and "--partial" in result.stderr and len(list(tmp_path.iterdir())) == 1

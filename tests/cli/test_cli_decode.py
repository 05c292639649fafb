"""Promises of `snncodec decode`: pictures get the names that were asked for, and what is damaged leaves nothing."""

import io
from pathlib import Path

import cli_helpers
import pytest
from cli_helpers import LEFT, fails, names, pixels, run
from PIL import Image

codec, folder, coded = cli_helpers.codec, cli_helpers.folder, cli_helpers.coded  # fixtures


def test_talk_goes_to_stderr(coded):
    result = run("decode pair.bin")
    assert result.stderr == "pair_left.png, pair_right.png: 7x5\n"
    assert result.stdout == ""


def test_quiet_says_nothing(coded):
    assert run("decode pair.bin --quiet").output == ""


@pytest.mark.parametrize(
    ("output", "prefix"),
    [
        ("there", "there/pair"),
        ("there/", "there/pair"),
        ("new/deep/", "new/deep/pair"),
        ("there/x", "there/x"),
        ("there/x.y.png", "there/x.y"),
    ],
)
def test_outputs_are_named_after_the_folder_or_prefix(coded, output, prefix):
    Path("there").mkdir()
    before = names(coded)
    assert run(f"decode pair.bin -o {output}").exit_code == 0
    assert names(coded) - before == {f"{prefix}_left.png", f"{prefix}_right.png"}


def test_left_only_writes_the_left_view_even_if_the_right_one_is_damaged(coded):
    Path("pair.bin").write_bytes(Path("pair.bin").read_bytes()[:-3])
    fails(run("decode pair.bin"), "RIGHT section ends early", "--left-only")
    assert run("decode pair.bin --left-only").exit_code == 0
    assert (pixels("pair_left.png") == LEFT).all()
    assert not Path("pair_right.png").exists()


def test_left_only_overwrites_nothing_of_the_right_view(coded):
    Path("pair_right.png").write_text("precious")
    assert run("decode pair.bin --left-only").exit_code == 0
    assert Path("pair_right.png").read_text() == "precious"


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-1], lambda data: data + b"\0"])
def test_a_bad_file_leaves_nothing_behind(coded, damage):
    Path("pair.bin").write_bytes(damage(Path("pair.bin").read_bytes()))
    before = names(coded)
    fails(run("decode pair.bin -o new/"))
    assert names(coded) == before
    assert not Path("new").exists()


@pytest.mark.parametrize(("suffix", "kind"), [("png", "PNG"), ("jpg", "JPEG"), (".tif", "TIFF")])
def test_the_format_is_that_of_pictures_without_a_name_of_their_own(coded, suffix, kind):
    result = run(f"decode pair.bin --sbs --format {suffix} -o -")
    assert result.exit_code == 0 and Image.open(io.BytesIO(result.stdout_bytes)).format == kind
    assert run(f"decode pair.bin --format {suffix}").exit_code == 0
    assert Image.open(f"pair_left.{suffix.lstrip('.')}").format == kind


def test_an_unknown_format_is_refused(coded):
    fails(run("decode pair.bin --format gif"), "ends with .gif, which is no format known here")
    fails(run("decode pair.bin --sbs --format gif -o -"), "no format known here")


def test_options_are_passed_on(coded, codec):
    seen, decode = {}, codec.decode
    codec.decode = lambda data, left_only, **options: seen.update(options) or decode(data, left_only)
    run("decode pair.bin --weights own.safetensors --device cpu --max-pixels 99")
    assert seen == {"weights": "own.safetensors", "device": "cpu", "max_pixels": 99, "progress": None}


def test_a_view_above_the_limit_is_refused_with_the_option_that_raises_it(coded):
    fails(run("decode pair.bin --max-pixels 34"), "34", "--max-pixels")

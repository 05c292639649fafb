"""Promises of every command: exit statuses, one sentence for a failure, nothing overwritten or left behind."""

from pathlib import Path

import cli_helpers
import pytest
from cli_helpers import LEFT, fails, names, pixels, raiser, run

from snncodec.bitstream import container
from snncodec.errors import FormatError

codec, folder, coded = cli_helpers.codec, cli_helpers.folder, cli_helpers.coded  # fixtures


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("encode left.png right.png -o taken", "taken"),
        ("decode pair.bin -o taken", "taken_left.png"),
        ("decode pair.bin -o taken", "taken_right.png"),
        ("bench . --json taken", "taken"),
        ("bench . --csv taken", "taken"),
        ("train . --steps 1 -o run", "run/taken"),
    ],
)
def test_nothing_is_overwritten(coded, line, target):
    Path(target).parent.mkdir(exist_ok=True)
    Path(target).write_text("precious")
    before = names(coded)
    fails(run(line), target.split("/")[0], "pass -f to overwrite")
    assert Path(target).read_text() == "precious"
    assert names(coded) == before


def test_force_overwrites(coded):
    Path("pair_left.png").write_text("old")
    assert run("encode left.png right.png -o pair.bin -q 7 -f").exit_code == 0
    assert container.read_header(Path("pair.bin").read_bytes())[0].quality == 7
    assert run("decode pair.bin --force").exit_code == 0
    assert (pixels("pair_left.png") == LEFT).all()


def test_a_missing_folder_is_named_before_any_work(coded, codec):
    codec.Codec = codec.decode = pytest.fail
    fails(run("decode pair.bin -o no/prefix"), "there is no folder no")
    fails(run("encode left.png right.png -o no/pair.bin"), "there is no folder no")


def test_a_folder_as_output_is_refused_before_the_work(folder, codec):
    codec.Codec = pytest.fail
    fails(run("encode left.png right.png -o . -f"), "is a folder")


def test_a_missing_file_is_named(folder):
    for command in ("decode", "info"):
        fails(run(f"{command} nowhere.bin"), "nowhere.bin: No such file or directory")


@pytest.mark.parametrize("line", ["decode .", "decode /", "info .", "info gone.bin", "decode left.png"])
def test_what_is_no_file_of_ours_is_one_sentence(folder, line):
    fails(run(line))


def test_a_foreign_file_is_refused_by_its_first_bytes():
    with open("/dev/zero", "rb") as endless, pytest.raises(FormatError):
        container.read(endless)


def test_a_failing_disk_is_one_sentence(coded, codec):
    codec.decode = raiser(OSError(5, "Input/output error", "weights\n.bin"))
    fails(run("decode pair.bin"), "weights .bin: Input/output error")


def test_running_out_of_memory_is_one_sentence(coded, codec):
    codec.decode = raiser(MemoryError())
    fails(run("decode pair.bin"), "not enough memory")


def test_an_interrupted_command_leaves_nothing_behind(folder, codec):
    codec.Codec.encode = raiser(KeyboardInterrupt())
    result = run("encode left.png right.png -o pair.bin")
    assert result.exit_code == 130
    assert result.stderr == "snncodec: interrupted\n"
    assert names(folder) == {"left.png", "right.png"}


def test_a_bug_is_not_hidden(folder, codec):
    codec.Codec.encode = raiser(ZeroDivisionError())
    assert isinstance(run("encode left.png right.png -o pair.bin").exception, ZeroDivisionError)


@pytest.mark.parametrize(
    "line",
    [
        "compress",
        "encode",
        "encode left.png right.png left.png -o pair.bin",
        "encode left.png right.png -o pair.bin -q 0",
        "encode left.png right.png -o pair.bin -q 101",
        "encode left.png right.png -o pair.bin -q high",
        "encode left.png right.png -o pair.bin --device tpu",
        "decode pair.bin --right-only",
        "info",
        "train",
        "train .",
        "train . --steps 1 --minutes 1",
        "train . --steps 1 --resume a --init b",
        "train . --steps 1 --stages prior,magic",
        "train . --steps 1 --preset huge",
        "bench . -q 0",
        "bench . -q 50,101",
        "bench . -q 10,x",
        "bench . -q ,",
        "export base",
        "export base out.nir --height 0",
        "export base out.nir -q 101",
        "publish-weights",
        "publish-weights left.png",
    ],
)
def test_wrong_usage_ends_with_2(folder, line):
    result = run(line)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: " in result.stderr
    assert names(folder) == {"left.png", "right.png"}

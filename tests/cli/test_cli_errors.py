"""Promises of every command: exit statuses, one sentence for a failure, nothing overwritten or left behind."""

from pathlib import Path

import cli_helpers
import pytest
from cli_helpers import LEFT, fails, names, pixels, raiser, run
from typer.testing import CliRunner

from snncodec.bitstream import container
from snncodec.cli import app
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


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("encode left.png right.png -o left.png -f", "left.png"),
        ("encode left.png right.png -o right.png -f", "right.png"),
        ("encode left.png right.png -o link.bin -f", "link.bin"),
        ("encode left.png right.png --weights own -o own -f", "own"),
        ("decode pair.png -o pair.png --sbs -f", "pair.png"),
        ("decode pair.bin --weights own.png -o own.png --sbs -f", "own.png"),
        ("bench . --json left.png -f", "left.png"),
        ("bench . --csv link.bin -f", "link.bin"),
        ("bench . --plot right.png -f", "right.png"),
        ("bench . --json own --weights own -f", "own"),
        ("export own own -f", "own"),
        ("train . --init run/own -o run --steps 1 -f", "run/own"),
    ],
)
def test_no_input_is_ever_replaced(coded, line, target):
    (coded / "link.bin").symlink_to("left.png")
    for name in ("own", "own.png", "run/own", "pair.png"):
        (coded / name).parent.mkdir(exist_ok=True)
        (coded / name).write_bytes((coded / "pair.bin").read_bytes())
    before = {name: (coded / name).read_bytes() for name in names(coded)}
    fails(run(line), target)
    assert {name: (coded / name).read_bytes() for name in names(coded)} == before


@pytest.mark.parametrize(
    "line",
    [
        "encode left.png right.png -o loop -f",
        "encode left.png right.png -o loop/x.bin",
        "encode loop right.png -o x.bin",
        "encode loop/left.png loop/right.png",
        "encode . -o loop",
        "encode . -o dangling",
        "encode . -o left.png/out",
        "decode loop",
        "decode pair.bin -o loop/x.png --sbs",
        "decode pair.bin -o loop/",
        "decode pair.bin -o dangling/",
        "decode . -o loop",
        "info loop",
        "bench loop",
        "bench . --json loop",
        "bench . --plot loop/x.svg",
        "bench . --report loop",
        "export base loop",
        "train . --steps 1 -o loop",
        "train . --steps 1 -o dangling",
        "train loop --steps 1",
        "train . --steps 1 --resume loop",
        "train . --steps 1 --init loop",
        "publish-weights loop x",
    ],
)
def test_links_that_lead_nowhere_are_one_sentence(coded, line):
    (coded / "loop").symlink_to("pool")
    (coded / "pool").symlink_to("loop")
    (coded / "dangling").symlink_to("gone")
    before = names(coded)
    fails(run(line), *[name for name in ("loop", "dangling", "left.png") if name in line][:1])
    assert names(coded) == before


def test_a_missing_folder_is_named_before_any_work(coded, codec):
    codec.Codec = codec.decode = pytest.fail
    fails(run("decode pair.bin -o no/prefix"), "there is no folder no")
    fails(run("encode left.png right.png -o no/pair.bin"), "there is no folder no")


@pytest.mark.parametrize("suffix", ["../x", "a/b", "", ".", "bin"])
def test_a_format_that_is_none_is_one_sentence(coded, suffix):
    result = CliRunner().invoke(app, ["decode", "pair.bin", "--format", suffix])
    fails(result, "no format known here")


def test_a_file_is_not_called_a_picture(folder, codec):
    codec.Codec = pytest.fail
    for suffix in ("png", "JPG", "mpo"):
        fails(run(f"encode left.png right.png -o pair.{suffix}"), f"{suffix} would be called a picture", "pair.bin")


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
        "train . --steps 1 --seed -1",
        "train . --steps 1 --crop 1000000000",
        f"train . --steps {10**40}",
        f"bench . -q {'9' * 5000}",
        f"bench . --jobs {10**30}",
        f"encode . -o coded --jobs {10**30}",
        f"export base out.nir --height {10**27}",
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

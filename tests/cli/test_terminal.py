"""Promises of snncodec.cli.terminal: talk and bars go to stderr, and only where somebody watches."""

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import run
from PIL import Image

from snncodec.cli import decode as decode_module
from snncodec.cli.terminal import progress_bar, say


def test_talk_is_a_line_on_stderr(capsys):
    say("one line")
    assert capsys.readouterr() == ("", "one line\n")


def test_a_bar_is_drawn_only_for_a_terminal(monkeypatch, capsys):
    with progress_bar("coding", quiet=False) as nobody_watches:
        assert nobody_watches is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress_bar("coding", quiet=True) as quiet:
        assert quiet is None
    with progress_bar("coding", quiet=False) as progress:
        progress(1, 2)
    drawn = capsys.readouterr()
    assert "coding" in drawn.err
    assert drawn.out == ""


def command(*arguments, stdout=subprocess.PIPE, **variables):
    """A finished `snncodec` with these variables in its environment."""
    program = [sys.executable, "-m", "snncodec", *arguments]
    return subprocess.run(program, stdout=stdout, stderr=subprocess.PIPE, env={**os.environ, **variables})


def shell(line, folder, options=""):
    """A finished line of a shell, in which `snncodec` is this one, in a Python of these options."""
    line = f'snncodec() {{ {sys.executable} {options} -m snncodec "$@"; }}; {line}'
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, timeout=120)


@pytest.fixture
def golden(tmp_path):
    """A folder with a small file that an encoder wrote."""
    files = (Path(__file__).parent.parent / "golden").glob("shipped_*.bin")
    (tmp_path / "pair.bin").write_bytes(min((file.read_bytes() for file in files), key=len))
    return tmp_path


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
@pytest.mark.parametrize("arguments", ["--version", "--help", "info pair.bin", "decode pair.bin --sbs -o -"])
def test_what_stdout_does_not_take_is_one_sentence(arguments, stdout, golden):
    done = shell(f"snncodec {arguments} {stdout}", golden)
    assert done.returncode == 1
    assert done.stderr.startswith(b"snncodec: cannot write the output: ") and done.stderr.count(b"\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("streams", ["2>/dev/full", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_command_works_where_nobody_hears_its_talk(streams, golden):
    assert shell(f"snncodec decode pair.bin --left-only {streams}", golden).returncode == 0
    assert {file.name for file in golden.iterdir()} == {"pair.bin", "pair_left.png"}
    assert shell(f"snncodec decode gone.bin {streams}", golden).returncode == 1


@pytest.mark.parametrize("options", ["", "-W default"])
def test_what_libraries_print_is_not_heard_unless_warnings_are_asked_for(options, tmp_path):
    Image.fromarray(np.arange(3072, dtype=np.uint8).reshape(32, 32, 3)).save(
        tmp_path / "left.tif", compression="tiff_adobe_deflate"
    )
    damaged = bytearray((tmp_path / "left.tif").read_bytes())
    at = damaged.index(b"x\x9c")  # of zlib
    damaged[at + 2 : at + 40] = bytes(38)
    (tmp_path / "left.tif").write_bytes(damaged)
    done = shell("snncodec encode left.tif right.tif -o x.bin", tmp_path, options)
    assert done.returncode == 1 and b"left.tif cannot be read as a picture" in done.stderr
    assert (done.stderr.count(b"\n") == 1) == (not options)


def test_a_reader_that_has_seen_enough_is_no_error_to_speak_of(golden):
    done = shell("snncodec decode pair.bin --sbs -o - | head -c 4", golden)
    assert done.stdout == b"\x89PNG" and b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_that_a_console_cannot_print_are_printed_with_backslashes(encoding, tmp_path):
    done = command("info", str(tmp_path / "\u7acb\u4f53\udc80.bin"), PYTHONIOENCODING=encoding)
    assert done.returncode == 1 and b"Traceback" not in done.stderr and done.stderr.count(b"\n") == 1
    if encoding != "ascii":  # there, Typer prints question marks
        assert b"\\udc80" in done.stderr


def test_warnings_of_libraries_are_silent_and_stay_as_they_were_for_others(monkeypatch, recwarn):
    monkeypatch.setattr(decode_module, "read_coded", lambda *_: warnings.warn("of a library", stacklevel=1))
    run("decode pair.bin")
    assert not recwarn
    with pytest.warns(UserWarning):
        warnings.warn("of somebody else", stacklevel=1)


def test_a_closed_stdin_is_an_empty_file(golden):
    for line in ("snncodec decode - -o x.png --sbs <&-", "snncodec info - <&-", "snncodec encode - - -o x.bin <&-"):
        done = shell(line, golden)
        assert done.returncode == 1 and done.stderr.startswith(b"snncodec: ") and done.stderr.count(b"\n") == 1


def test_a_current_folder_that_is_gone_is_said(golden):
    done = shell("mkdir gone; cd gone; rmdir ../gone; snncodec info ../pair.bin", golden)
    assert done.returncode == 1 and done.stderr.startswith(b"snncodec: the current folder cannot be used")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes mean something else here")
@pytest.mark.parametrize(
    "arguments",
    ["decode pair.bin", "info pair.bin", "encode pair.bin x -o x.bin", "encode x pair.bin -o x.bin", "bench locked"],
)
def test_what_may_not_be_read_is_one_sentence(arguments, golden):
    (golden / "locked").mkdir()
    for name in ("pair.bin", "locked"):
        (golden / name).chmod(0)
    Image.new("RGB", (8, 8)).save(golden / "x", "PNG")
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root may read everything")
    unprivileged = "setpriv --bounding-set -dac_override,-dac_read_search,-fowner" if os.geteuid() == 0 else ""
    done = shell(f"{unprivileged} {sys.executable} -m snncodec {arguments}", golden)
    (golden / "locked").chmod(0o700)
    assert done.returncode == 1 and done.stderr.startswith(b"snncodec: ") and done.stderr.count(b"\n") == 1

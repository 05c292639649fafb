"""Promises of snncodec.cli.terminal: talk and bars go to stderr, and only where somebody watches."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from cli_helpers import run

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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_full_disk_behind_stdout_is_one_sentence(option):
    with open("/dev/full", "wb") as full:
        done = command(option, stdout=full)
    assert done.returncode == 1
    assert done.stderr.startswith(b"snncodec: ") and done.stderr.count(b"\n") == 1


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

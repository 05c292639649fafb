"""Promises of snncodec.io.temporary: what a killed process left goes with the next write, and nothing else does."""

import os
import subprocess
import sys
import time

import pytest

from snncodec.io.files import write_bytes
from snncodec.io.temporary import PATTERN, temporary_beside


@pytest.fixture
def ended():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_by(folder, process, machine=None):
    """A temporary file of a process."""
    own = temporary_beside(folder / "x").name
    first, host, _, rest = own.split("-")
    file = folder / "-".join([first, machine or host, str(process), rest])
    file.write_bytes(b"half")
    return file


def test_the_next_write_removes_what_a_process_that_was_killed_left(tmp_path, ended):
    left_by(tmp_path, ended)
    write_bytes(tmp_path / "new", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["new"]


def test_files_of_living_processes_and_of_other_machines_stay(tmp_path, ended):
    kept = {left_by(tmp_path, os.getpid()), left_by(tmp_path, 1), left_by(tmp_path, ended, "00000000")}
    write_bytes(tmp_path / "new", b"new")
    assert set(tmp_path.iterdir()) == {*kept, tmp_path / "new"}


def test_what_is_older_than_a_day_goes_whoever_wrote_it(tmp_path):
    files = [left_by(tmp_path, os.getpid(), "00000000"), tmp_path / f".snncodec-{'0' * 16}.tmp"]
    for file in files:
        file.write_bytes(b"half")
        os.utime(file, (time.time() - 90000,) * 2)
    write_bytes(tmp_path / "new", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize("name", [".snncodec-notes.tmp", ".snncodec-", "snncodec-1.tmp", ".other-0.tmp"])
def test_files_of_others_are_never_touched(tmp_path, name):
    (tmp_path / name).write_bytes(b"precious")
    os.utime(tmp_path / name, (0, 0))
    write_bytes(tmp_path / "new", b"new")
    assert (tmp_path / name).read_bytes() == b"precious"


def test_names_are_new_each_time_and_recognised(tmp_path):
    first, second = (temporary_beside(tmp_path / "x") for _ in range(2))
    assert first != second and PATTERN.fullmatch(first.name)


def test_a_folder_that_was_left_goes_too(tmp_path, ended):
    file = left_by(tmp_path, ended)
    file.unlink()
    file.mkdir()
    (file / "page.html").write_bytes(b"half")
    write_bytes(tmp_path / "new", b"", force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]

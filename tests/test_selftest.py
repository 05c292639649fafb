"""Promises of `python -m snncodec.selftest`: golden files decode alike under all conditions, and a difference shows."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from snncodec.selftest import __main__ as selftest
from snncodec.selftest.conditions import Condition, NotHere, Process, conditions, processes
from snncodec.selftest.golden import golden_files, golden_folder

SMALLEST = "shipped_47x65_q50_independent.bin"


def run(*options):
    """The lines of a run, and its exit status."""
    program = [sys.executable, "-m", "snncodec.selftest", *options]
    done = subprocess.run(program, capture_output=True, text=True, env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"})
    return done.stdout.splitlines(), done.returncode


@pytest.fixture
def other_pixels(tmp_path):
    """A folder with a golden file that decodes to other pixels than its index says."""
    index = json.loads((golden_folder() / "golden.json").read_text())
    shutil.copy(golden_folder() / SMALLEST, tmp_path)
    changed = {SMALLEST: index[SMALLEST] | {"sha256_right": index[SMALLEST]["sha256_left"]}}
    (tmp_path / "golden.json").write_text(json.dumps(changed))
    return tmp_path


def test_the_smallest_files_decode_alike_under_all_conditions_of_the_short_form():
    lines, status = run("--short")
    assert status == 0, lines
    assert {line.split()[0] for line in lines[1:]} <= {"ok", "not"} and len(lines) > 12


def test_a_file_that_decodes_to_other_pixels_is_named_and_the_status_is_1(other_pixels, capsys):
    files = golden_files(other_pixels)
    assert selftest.run_process(Process(""), files) == 1
    assert f": {SMALLEST}" in capsys.readouterr().out


def test_what_a_machine_cannot_do_is_said_and_is_no_difference(capsys):
    def absent():
        raise NotHere("no such kernels")

    line = selftest.run_condition(Condition("new kernels", absent), [])
    assert line == "not here  new kernels: no such kernels" and capsys.readouterr().out == line + "\n"


def test_a_process_that_dies_is_a_difference(monkeypatch, capfd):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert selftest.start_process(0, processes()[0], [])
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], -11))
    assert selftest.start_process(0, processes()[1], [])
    assert "differs   ATen default: the process ended with -11" in capfd.readouterr().out


def test_a_folder_without_golden_files_is_one_sentence(tmp_path, capfd):
    assert selftest.main(["--golden", str(tmp_path)]) == 1
    assert capfd.readouterr().err.count("\n") == 1


def test_all_conditions_have_names_of_their_own():
    names = [condition.name for process in processes() for condition in conditions(process)]
    assert sorted(set(names)) == sorted(names)


def test_a_wheel_carries_all_golden_files_of_shipped_weights():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert all(f'"tests/golden/{file.name}"' in text for file in golden_folder().glob("shipped_*"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_one_sentence():
    with open("/dev/full", "wb") as full:
        program = [sys.executable, "-m", "snncodec.selftest", "--short"]
        done = subprocess.run(program, stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (1, b"snncodec: cannot write the output: No space left on device\n")

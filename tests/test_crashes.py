"""Promises about sudden ends: killed at any moment, a command leaves whole files or none, and the next write tidies up.

By hand, with more kills: `SNNCODEC_KILLS=200 python -m pytest tests/test_crashes.py -m slow`.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import moved
from PIL import Image

from snncodec import codec
from snncodec.io.files import write_bytes
from snncodec.training.checkpoint import read_checkpoint

KILLS = int(os.environ.get("SNNCODEC_KILLS", 6))  # of all commands together, in the slow test
TRAIN = "train data -o run --preset tiny --crop 64 --stages prior --minutes 9"
LINES = {
    "encode": "encode left.png right.png -o out.bin --weights WEIGHTS -f",
    "decode": "decode pair.bin -o out --weights WEIGHTS -f",
    "bench": "bench data -q 50 --json out.json --csv out.csv --weights WEIGHTS -f",
    "train": f"{TRAIN} -f",
    "encode of a folder": "encode data -o coded --jobs 2 --weights WEIGHTS -f",
    "decode of a folder": "decode files -o back --jobs 2 --weights WEIGHTS -f",
}
SAVING = (  # training that saves after every step, so that most kills come while it writes
    "import sys; from snncodec.training import trainer, first_model; from snncodec.cli import app\n"
    "trainer.SAVE_SECONDS = trainer.REPORT_SECONDS = -1; first_model.START_CROPS = 12\n"
    "trainer.compile_neurons = lambda: True; app(sys.argv[1:])"
)


def start(line, weights):
    """A command that has begun."""
    program = ["-c", SAVING] if line.startswith("train") else ["-m", "snncodec"]
    arguments = line.replace("WEIGHTS", weights).split()
    return subprocess.Popen([sys.executable, *program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture
def folder(tmp_path, monkeypatch, tiny):
    """The current folder, with a pair, a file of it, and a folder of pairs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    views = moved(6, height=64, width=96)
    (tmp_path / "data").mkdir()
    for name, view in zip(("left", "right"), views, strict=True):
        Image.fromarray(view).save(f"{name}.png")
        Image.fromarray(view).save(f"data/{name}.png")
    (tmp_path / "pair.bin").write_bytes(codec.encode(*views, weights=tiny))
    (tmp_path / "files").mkdir()
    for number in range(4):
        shutil.copy("pair.bin", f"files/{number}.bin")
        shutil.copytree("data", f"data/{number}", ignore=shutil.ignore_patterns("?"))
    return tmp_path


def check_outputs(folder, tiny):
    """Whatever stands under a final name is whole."""
    for file in [*folder.glob("out.bin"), *folder.glob("coded/*.bin")]:
        codec.decode(file.read_bytes(), weights=tiny)
    for picture in [*folder.glob("out_*.png"), *folder.glob("back/*.png")]:
        Image.open(picture).load()
    for checkpoint in (folder / "run").glob("*.ckpt"):
        read_checkpoint(checkpoint)
    for table in ("out.json", "out.csv"):
        if (folder / table).exists():
            assert (folder / table).read_text().endswith("\n")


def temporary(folder):
    return list(folder.rglob(".snncodec-*"))


def check_tidied(folder):
    """The next write into each folder removes what is left there."""
    for _ in range(100):  # the system takes a moment to bury workers whose parent was killed
        for place in {file.parent for file in temporary(folder)}:
            write_bytes(place / "next", b"", force=True)
            (place / "next").unlink()
        if not temporary(folder):
            return
        time.sleep(0.1)
    assert not temporary(folder)


@pytest.mark.slow
def test_killed_at_any_moment_a_command_leaves_whole_files_or_none(folder, tiny):
    chance, left = random.Random(KILLS), 0
    for number in range(KILLS):
        line = LINES[list(LINES)[number % len(LINES)]]
        process = start(line, tiny)
        if number // len(LINES) % 2:
            time.sleep(chance.uniform(0, 12 if line.startswith("train") else 6))
        else:  # few moments are those of a write, and they are the interesting ones
            wait_for_a_write(process, folder, chance)
        process.kill()
        process.communicate()  # which ends when its workers have ended, too
        check_outputs(folder, tiny)
        left += len(temporary(folder))
        check_tidied(folder)
    sys.stderr.write(f"{KILLS} kills left {left} temporary files, which the next write removed\n")


def wait_for_a_write(process, folder, chance):
    """Return while a command writes, some milliseconds after it began to, or when it has ended."""
    places = [folder / name for name in ("", "run", "coded", "back")]
    while process.poll() is None:
        if any(name.startswith(".snncodec-") for place in places if place.is_dir() for name in os.listdir(place)):
            time.sleep(chance.uniform(0, 0.004))
            return


def interrupt(process, folder):
    """Ctrl-C as soon as a run has a checkpoint; returns the last line that it says."""
    for _ in range(1200):
        if (folder / "run" / "last.ckpt").exists():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=60)[1].decode().splitlines()[-1]


def test_ctrl_c_saves_the_state_after_the_last_step_and_names_the_way_to_go_on(folder, tiny):
    process = start(TRAIN, tiny)
    said = interrupt(process, folder)
    assert process.returncode == 130
    step = read_checkpoint(folder / "run" / "last.ckpt")["progress"]["step"]
    assert f"the state after step {step} of prior is saved; continue with --resume run/last.ckpt" in said
    assert not temporary(folder)


@pytest.mark.parametrize("target", ["/proc/run", "left.png", "left.png/run"])
def test_a_folder_that_cannot_be_written_to_is_found_before_pictures_are_read(target, folder, tiny):
    process = start(TRAIN.replace("-o run", f"-o {target}"), tiny)
    error = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 1
    assert error.startswith("snncodec: ") and error.count("\n") == 1 and target.split("/")[0] in error

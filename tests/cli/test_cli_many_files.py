"""Promises of encode and decode of a folder: every pair becomes a file and comes back, and failures are listed."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import fails, names, pixels, run
from PIL import Image

from snncodec.bitstream import container
from snncodec.io import datasets

SHAPE = (24, 40, 3)


def make_pairs(folder, *names):
    for number, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        view = np.random.default_rng(number).integers(60, 90, SHAPE, np.uint8)
        for side, shift in (("left", 0), ("right", 2)):
            Image.fromarray(np.roll(view, shift, 1)).save(folder / name / f"{side}.png")


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    """The current folder, with three pairs in `pairs`, one of them deeper."""
    monkeypatch.chdir(tmp_path)
    make_pairs(tmp_path / "pairs", "alley", "bridge", "town/hall")
    return tmp_path


@pytest.mark.slow
def test_a_folder_becomes_a_folder_of_files_and_comes_back(pairs):
    result = run("encode pairs -o coded -q 40 --jobs 2")
    assert result.exit_code == 0 and result.stderr == "3 of 3 done\n"
    assert names(Path("coded")) == {"alley.bin", "bridge.bin", "town/hall.bin"}
    assert container.read_header(Path("coded/alley.bin").read_bytes())[0].quality == 40
    run("encode pairs/alley/left.png pairs/alley/right.png -o alone.bin -q 40 --quiet")
    assert Path("alone.bin").read_bytes() == Path("coded/alley.bin").read_bytes()
    assert run("decode coded -o back --layout kitti --jobs 1").exit_code == 0
    assert {scene.name for scene in datasets.find_pairs(Path("back"))[0]} == {"alley", "bridge", "town/hall"}
    assert pixels("back/town/image_3/hall.png").shape == SHAPE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "made"),
    [
        ("--format mpo", ["alley.mpo", "town/hall.mpo"]),
        ("--anaglyph --format jpg", ["alley_anaglyph.jpg", "town/hall_anaglyph.jpg"]),
        ("--left-only --layout kitti --format tif", ["image_2/alley.tif", "town/image_2/hall.tif"]),
    ],
)
def test_a_folder_becomes_pictures_of_any_kind(pairs, options, made):
    run("encode pairs -o coded -q 5 --effort 1 --jobs 1")
    Path("coded/bridge.bin").unlink()
    assert run(f"decode coded -o back --jobs 1 {options}").stderr == "2 of 2 done\n"
    assert names(Path("back")) == set(made)


@pytest.mark.slow
def test_a_pair_that_cannot_be_coded_stops_no_other(pairs):
    Path("pairs/bridge/left.png").write_bytes(b"no picture")
    result = run("encode pairs -o coded")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == "2 of 3 done"
    assert result.stderr.splitlines()[1].startswith("failed: bridge: pairs/bridge/left.png is not a picture")
    assert names(Path("coded")) == {"alley.bin", "town/hall.bin"}


@pytest.mark.slow
def test_what_could_not_be_kept_is_told_once_for_all_of_a_kind(pairs):
    for name in ("alley", "bridge"):
        Image.fromarray(np.full(SHAPE, 200, np.uint8)).convert("CMYK").save(f"pairs/{name}/left.tif")
        Path(f"pairs/{name}/left.png").unlink()
        Path(f"pairs/{name}/right.png").rename(f"pairs/{name}/right.tif")
    result = run("encode pairs -o coded -q 5 --effort 1 --jobs 1")
    assert result.exit_code == 0
    [told, done] = result.stderr.splitlines()
    assert told.startswith(("note: pairs/alley/left.tif is CMYK", "note: pairs/bridge/left.tif is CMYK"))
    assert told.endswith("(and 1 more like this)") and done == "3 of 3 done"


@pytest.mark.slow
def test_what_exists_is_skipped_refused_or_replaced_as_told(pairs):
    Path("coded/town").mkdir(parents=True)
    Path("coded/town/hall.bin").write_bytes(b"mine")
    fails(run("encode pairs -o coded"), "hall.bin exist already", "--resume")
    assert run("encode pairs -o coded --resume").stderr == "2 of 3 done, 1 were there\n"
    assert Path("coded/town/hall.bin").read_bytes() == b"mine"
    assert run("encode pairs -o coded --force --quiet").exit_code == 0
    assert Path("coded/town/hall.bin").read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("encode pairs", "name the folder"),
        ("encode pairs -o file", "file is a file"),
        ("encode pairs -o coded --executor spark", "no executor 'spark'"),
        ("encode empty -o coded", "no stereo pair"),
        ("decode empty -o back", "no .bin file in empty"),
        ("decode files -o coded --format gif", "no format known here"),
        ("decode files -o coded --format mpo --layout kitti", "leave it out"),
        ("decode files -o coded --sbs --layout folders", "leave it out"),
        ("decode files -o coded --sbs --format jps", "holds both views"),
        ("encode pairs -o coded -q 3 --target-bpp 1", "give one of"),
        ("encode pairs -o coded --target-bpp 0", "above 0"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(pairs, line, words):
    Path("empty").mkdir()
    Path("files").mkdir()
    Path("files/x.bin").touch()
    Path("file").write_text("mine")
    fails(run(line), words)
    assert not Path("coded").exists()


@pytest.mark.slow
def test_two_processes_are_faster_than_one_and_far_faster_than_many_calls(tmp_path):
    make_pairs(tmp_path / "pairs", *(f"{number:02}" for number in range(12)))

    def seconds(*arguments):
        start = time.monotonic()
        subprocess.run([sys.executable, "-m", "snncodec", *arguments], cwd=tmp_path, check=True, capture_output=True)
        return time.monotonic() - start

    together = seconds("encode", "pairs", "-o", "coded")
    one = seconds("encode", "pairs/00/left.png", "pairs/00/right.png", "-o", "one.bin")
    assert together < 12 * one / 2  # measured: a fifth on a quiet machine; others may work here


def test_single_views_are_told(pairs):
    Path("pairs/alley/right.png").unlink()
    result = run("encode pairs -o pairs/alley/left.png")
    assert "is a file" in result.stderr


@pytest.fixture
def listed(pairs):
    """Pairs that a table names, some of them from elsewhere, or under other extensions."""
    shutil.copy("pairs/alley/left.png", "outside_left.png")
    shutil.copy("pairs/alley/right.png", "outside_right.png")
    shutil.copy("pairs/bridge/left.png", "pairs/pic.bin")
    shutil.copy("pairs/bridge/right.png", "pairs/pic2.bin")
    return pairs


def test_outputs_of_a_table_stay_in_their_folder(listed):
    Path("pairs/pairs.csv").write_text(
        f"../outside_left.png,../outside_right.png\n{listed}/pairs/bridge/left.png,bridge/right.png\n"
    )
    before = names(listed)
    assert run("encode pairs -o coded -q 5 --effort 1 --jobs 1").exit_code == 0
    made = names(listed) - before
    assert len(made) == 2 and all(name.startswith("coded/") for name in made), made


def test_two_rows_of_one_name_are_refused(listed):
    Path("pairs/pairs.csv").write_text("alley/left.png,alley/right.png\nbridge/../alley/left.png,bridge/right.png\n")
    fails(run("encode pairs -o coded --jobs 1"), "two of the inputs")


def test_a_job_replaces_no_input_of_another(listed):
    Path("pairs/pairs.csv").write_text("pic.bin,pic2.bin\nalley/left.png,alley/right.png\n")
    before = Path("pairs/pic.bin").read_bytes()
    fails(run("encode pairs -o pairs -f --jobs 1"), "pic.bin is what is to be read")
    assert Path("pairs/pic.bin").read_bytes() == before


def test_a_failure_leaves_no_folder_that_it_made(pairs):
    Path("coded/deep").mkdir(parents=True)
    Path("coded/deep/x.bin").write_bytes(b"SNNC")
    assert run("decode coded -o back --jobs 1").exit_code == 1
    assert not Path("back").exists()
    assert run("encode pairs -o made -q 5 --weights gone --jobs 1").exit_code == 1
    assert not Path("made").exists()


def test_quiet_is_silent(pairs):
    Path("pairs/alley/right.png").unlink()
    assert run("encode pairs -o coded -q 5 --effort 1 --jobs 1 --quiet").stderr == ""

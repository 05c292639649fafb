"""The command line's promises: exit statuses, names of outputs, nothing overwritten or left behind, a clean stdout.

The codec is replaced by one that stores pixels in a real file, so that these tests are about the command line alone.
"""

import inspect
import json
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from snncodec.bench import BenchResult, summarise
from snncodec.config import MAX_PIXELS
from snncodec.container import Header, Tag
from snncodec.images import StereoPair
from snncodec.terminal import progress_bar
from typer.testing import CliRunner

import snncodec
from snncodec import container
from snncodec.cli import app
from snncodec.errors import FormatError, TrainingError

ROOT = Path(__file__).parents[1]
SHAPE = (5, 7, 3)
LEFT, RIGHT = np.random.default_rng(1).integers(0, 256, (2, *SHAPE), np.uint8)


def store(left, right, quality=50, *, weights="base", independent=False, device="auto", icc=None, progress=None):
    header = Header(left.shape[1], left.shape[0], quality, f"{weights:>8}".encode()[:8], coupled=False)
    return container.pack(header, {Tag.LEFT: left.tobytes(), Tag.RIGHT: right.tobytes()})


def restore(data, left_only=False, *, weights=None, device="auto", max_pixels=MAX_PIXELS, progress=None):
    _, sections = container.unpack(data, left_only, max_pixels)
    views = [np.frombuffer(sections[tag], np.uint8).reshape(SHAPE) for tag in sorted(sections)]
    return StereoPair(*views, *[None] * (2 - len(views)))


def replace_module(monkeypatch, name, **functions):
    module = types.SimpleNamespace(**functions)
    monkeypatch.setitem(sys.modules, f"snncodec.{name}", module)
    monkeypatch.setattr(snncodec, name, module, raising=False)
    return module


@pytest.fixture
def codec(monkeypatch):
    return replace_module(monkeypatch, "codec", encode=store, decode=restore)


@pytest.fixture
def folder(tmp_path, monkeypatch, codec):
    """The current folder, with a pair of pictures in it."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(LEFT).save("left.png")
    Image.fromarray(RIGHT).save("right.png")
    return tmp_path


@pytest.fixture
def coded(folder):
    (folder / "pair.bin").write_bytes(store(LEFT, RIGHT))
    return folder


def run(line, **options):
    return CliRunner().invoke(app, line.split(), **options)


def fails(result, *words):
    """The command ended with 1 and one sentence on stderr that holds all the words."""
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("snncodec: ")
    assert result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words), result.stderr


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def pixels(path):
    return np.asarray(Image.open(path))


def test_a_pair_comes_back_beside_its_file(folder):
    assert run("encode left.png right.png -o pair.bin").exit_code == 0
    assert run("decode pair.bin").exit_code == 0
    assert (pixels("pair_left.png") == LEFT).all()
    assert (pixels("pair_right.png") == RIGHT).all()
    assert names(folder) == {"left.png", "right.png", "pair.bin", "pair_left.png", "pair_right.png"}


def test_talk_goes_to_stderr(folder):
    encoded, decoded = run("encode left.png right.png -o pair.bin"), run("decode pair.bin")
    size = Path("pair.bin").stat().st_size
    assert encoded.stderr == f"pair.bin: {size:,} bytes, {8 * size / 70:.3f} bpp\n"
    assert decoded.stderr == "pair_left.png, pair_right.png: 7x5\n"
    assert encoded.stdout == decoded.stdout == ""


def test_quiet_says_nothing(folder):
    assert run("encode left.png right.png -o pair.bin --quiet").output == ""
    assert run("decode pair.bin --quiet").output == ""


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
    ("output", "prefix"),
    [("there", "there/pair"), ("there/", "there/pair"), ("new/deep/", "new/deep/pair"), ("there/x.y", "there/x.y")],
)
def test_outputs_are_named_after_the_folder_or_prefix(coded, output, prefix):
    Path("there").mkdir()
    before = names(coded)
    assert run(f"decode pair.bin -o {output}").exit_code == 0
    assert names(coded) - before == {f"{prefix}_left.png", f"{prefix}_right.png"}


def test_a_missing_folder_is_named_before_any_work(coded, codec):
    codec.encode = codec.decode = pytest.fail
    fails(run("decode pair.bin -o no/prefix"), "there is no folder no")
    fails(run("encode left.png right.png -o no/pair.bin"), "there is no folder no")


def test_left_only_writes_the_left_view_even_if_the_right_one_is_damaged(coded):
    Path("pair.bin").write_bytes(Path("pair.bin").read_bytes()[:-3])
    fails(run("decode pair.bin"), "RIGHT section ends early", "--left-only")
    assert run("decode pair.bin --left-only").exit_code == 0
    assert (pixels("pair_left.png") == LEFT).all()
    assert not Path("pair_right.png").exists()


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-1], lambda data: data + b"\0"])
def test_a_bad_file_leaves_nothing_behind(coded, damage):
    Path("pair.bin").write_bytes(damage(Path("pair.bin").read_bytes()))
    before = names(coded)
    fails(run("decode pair.bin -o new/"))
    assert names(coded) == before
    assert not Path("new").exists()


def test_bad_pictures_are_refused_in_one_sentence(folder):
    Image.fromarray(RIGHT[:4]).save("right.png")
    fails(run("encode left.png right.png -o pair.bin"), "right.png")
    fails(run("encode left.png nowhere.png -o pair.bin"), "nowhere.png")
    assert not Path("pair.bin").exists()


def test_a_missing_file_is_named(folder):
    for command in ("decode", "info"):
        fails(run(f"{command} nowhere.bin"), "nowhere.bin: No such file or directory")


def test_a_failing_disk_is_one_sentence(coded, codec):
    def fail(*_, **__):
        raise OSError(5, "Input/output error", "weights\n.bin")

    codec.decode = fail
    fails(run("decode pair.bin"), "weights .bin: Input/output error")


def test_an_interrupted_command_leaves_nothing_behind(folder, codec):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    codec.encode = interrupt
    result = run("encode left.png right.png -o pair.bin")
    assert result.exit_code == 130
    assert result.stderr == "snncodec: interrupted\n"
    assert names(folder) == {"left.png", "right.png"}


def test_a_bug_is_not_hidden(folder, codec):
    def fail(*_, **__):
        raise ZeroDivisionError

    codec.encode = fail
    assert isinstance(run("encode left.png right.png -o pair.bin").exception, ZeroDivisionError)


@pytest.mark.parametrize(
    "line",
    [
        "compress",
        "encode left.png -o pair.bin",
        "encode left.png right.png",
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
    ],
)
def test_wrong_usage_ends_with_2(folder, line):
    result = run(line)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: " in result.stderr
    assert names(folder) == {"left.png", "right.png"}


def test_no_command_at_all_shows_the_help():
    assert run("").exit_code == 2
    assert run("").output.split() == run("--help").output.split()


def test_encode_passes_its_options_on(folder, codec):
    seen = {}
    codec.encode = lambda left, right, quality, **options: seen.update(options, quality=quality) or b"data"
    run("encode left.png right.png -o pair.bin -q 9 --weights own.safetensors --independent --device cpu")
    expected = {"quality": 9, "weights": "own.safetensors", "independent": True, "device": "cpu", "icc": None}
    assert seen == expected | {"progress": None}  # no bar, because stderr is no terminal here


def test_decode_passes_its_options_on(coded, codec):
    seen = {}
    codec.decode = lambda data, left_only, **options: seen.update(options) or restore(data, left_only)
    run("decode pair.bin --weights own.safetensors --device cpu --max-pixels 99")
    assert seen == {"weights": "own.safetensors", "device": "cpu", "max_pixels": 99, "progress": None}


def test_info_shows_the_header_to_people(coded):
    result = run("info pair.bin")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "picture   two views of 7x5",
        "size      256 bytes, 29.257 bpp",
        "quality   50",
        f"weights   {b'    base'.hex()}",
        "views     independent of each other",
        "left      105 bytes, ok",
        "right     105 bytes, ok",
    ]


def test_info_shows_the_header_to_programs(coded):
    facts = json.loads(run("info pair.bin --json").stdout)
    assert facts.pop("sections") == [{"name": name, "bytes": 105, "state": "ok"} for name in ("left", "right")]
    assert facts.pop("bpp") == pytest.approx(8 * 256 / 70)
    assert facts.pop("weights") == b"    base".hex()
    assert facts == {
        "file": "pair.bin", "width": 7, "height": 5, "bytes": 256, "quality": 50, "coupled": False, "surplus": 0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-1], "right     105 bytes, cut short"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "right     105 bytes, damaged"),
        (lambda data: data + b"??", "surplus   2 bytes after the last section"),
    ],
)
def test_info_says_which_section_is_broken(coded, damage, words):
    Path("pair.bin").write_bytes(damage(Path("pair.bin").read_bytes()))
    result = run("info pair.bin")
    assert result.exit_code == 0
    assert words in result.stdout
    assert "left      105 bytes, ok" in result.stdout


def test_info_refuses_a_foreign_file(folder):
    fails(run("info left.png"), "not a snncodec file")


def test_train_passes_its_options_on(folder, monkeypatch):
    def train(options, report, progress):
        seen.append(options)
        report("step 1")

    seen = []
    replace_module(monkeypatch, "train", train=train)
    result = run("train a b --val c --preset tiny --seed 3 --steps 9 --stages prior,both --device cpu")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "step 1\n")
    [options] = seen
    assert (options.data, options.val, options.preset) == ([Path("a"), Path("b")], Path("c"), "tiny")
    assert (options.seed, options.steps, options.minutes, options.device) == (3, 9, None, "cpu")
    assert (options.out, options.stages) == (Path("runs/tiny"), ("prior", "both"))


@pytest.mark.parametrize("line", ["decode .", "decode /", "info .", "info gone.bin", "decode left.png"])
def test_what_is_no_file_of_ours_is_one_sentence(folder, line):
    fails(run(line))


def test_a_foreign_file_is_refused_by_its_first_bytes():
    with open("/dev/zero", "rb") as endless, pytest.raises(FormatError):
        container.read(endless)


def test_a_folder_as_output_is_refused_before_the_work(folder, codec):
    codec.encode = pytest.fail
    fails(run("encode left.png right.png -o . -f"), "is a folder")


def test_two_outputs_of_one_name_are_refused_before_the_work(folder, monkeypatch):
    monkeypatch.setattr("snncodec.bench.run", pytest.fail)
    fails(run("bench pairs --json rows --csv ./rows -f"), "named twice")


def test_an_unknown_baseline_is_wrong_usage(folder):
    assert run("bench pairs --baselines jpeg,bogus").exit_code == 2


def test_running_out_of_memory_is_one_sentence(coded, codec):
    def decode(*_, **__):
        raise MemoryError

    codec.decode = decode
    fails(run("decode pair.bin"), "not enough memory")


def test_a_resumed_run_stays_in_its_folder_and_touches_no_other(folder, monkeypatch):
    seen = []
    replace_module(monkeypatch, "train", train=lambda options, *_: seen.append(options.out))
    for name in ("runs/a", "runs/base"):
        Path(name).mkdir(parents=True)
        Path(name, "last.ckpt").touch()
    run("train pictures --steps 1 --resume runs/a/last.ckpt")
    assert seen == [Path("runs/a")]
    fails(run("train pictures --steps 1 --resume runs/a/last.ckpt -o runs/base"), "holds a run already")


def test_the_real_codec_codes_a_pair_of_files(tmp_path, tiny, crop):
    for name, view in zip(("left.png", "right.png"), crop, strict=True):
        Image.fromarray(view).save(tmp_path / name)
    for line in (f"encode left.png right.png -o pair.bin -q 60 --weights {tiny}", f"decode pair.bin --weights {tiny}"):
        subprocess.run([sys.executable, "-m", "snncodec", *line.split()], cwd=tmp_path, check=True, capture_output=True)
    from snncodec import codec

    expected = codec.decode((tmp_path / "pair.bin").read_bytes(), weights=tiny)
    assert (pixels(tmp_path / "pair_left.png") == expected.left).all()
    assert (pixels(tmp_path / "pair_right.png") == expected.right).all()


def test_training_that_fails_is_one_sentence(folder, monkeypatch):
    def train(options, report, progress):
        raise TrainingError("the loss is not a number at step 3")

    replace_module(monkeypatch, "train", train=train)
    fails(run("train a --minutes 1 --quiet"), "the loss is not a number at step 3")


def test_bench_prints_tables_and_writes_files(folder, monkeypatch):
    def measure(data, qualities, baselines, **options):
        seen.append((data, list(qualities), list(baselines), options))
        return BenchResult([row], summarise([row], "snncodec"), {"data": "pairs"}, [])

    row = {"scene": "alley", "codec": "snncodec", "quality": 20, "bytes": 99, "bpp": 0.25, "psnr": 30.5}
    row |= {"psnr_left": 30.0, "psnr_right": 31.0, "ms_ssim": 0.9, "encode_s": 1.0, "decode_s": 1.0}
    row |= {"bpp_left": 0.3, "bpp_right": 0.2}
    seen = []
    monkeypatch.setattr("snncodec.bench.run", measure)
    result = run("bench pairs -q 20,40 --baselines jpeg --independent --json rows.json --csv rows.csv")
    assert result.exit_code == 0
    assert "alley" in result.stdout
    assert result.stderr == ""
    assert json.loads(Path("rows.json").read_text())["rows"] == [row]
    assert "alley,snncodec,20" in Path("rows.csv").read_text()
    options = {"weights": "base", "device": "auto", "independent": True, "progress": None}
    assert seen == [(Path("pairs"), [20, 40], ["jpeg"], options)]


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


def test_the_module_runs_as_a_command():
    done = subprocess.run([sys.executable, "-m", "snncodec", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"snncodec {snncodec.__version__}\n", "")


@pytest.mark.parametrize("name", ["encode", "decode"])
def test_the_codec_of_these_tests_takes_what_the_real_one_takes(name):
    from snncodec import codec

    stand_in = {"encode": store, "decode": restore}[name]
    assert [*inspect.signature(stand_in).parameters] == [*inspect.signature(getattr(codec, name)).parameters]

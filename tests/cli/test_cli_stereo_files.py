"""Promises of the command line to stereo people: their files go in and come out, by their names, and through pipes."""

import io
import os
import subprocess
import sys
from pathlib import Path

import cli_helpers
import numpy as np
import pytest
from cli_helpers import LEFT, RIGHT, SHAPE, Codec, fails, names, pixels, run
from PIL import Image, ImageCms

from snncodec.bitstream.container import Tag, unpack
from snncodec.io.anaglyph import anaglyph
from snncodec.io.exif import exif_facts
from snncodec.io.images import StereoPair, read_picture
from snncodec.io.stereo_files import read_stereo_file

codec, folder, coded = cli_helpers.codec, cli_helpers.folder, cli_helpers.coded  # fixtures

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def views_in(path):
    sections = unpack(Path(path).read_bytes())[1]
    return [np.frombuffer(sections[tag], np.uint8).reshape(SHAPE) for tag in (Tag.LEFT, Tag.RIGHT)]


def side_by_side(name="both.png", first=LEFT, second=RIGHT, **options):
    Image.fromarray(np.concatenate([first, second], axis=1)).save(name, **options)


def exif():
    found = Image.Exif()
    found[0x010F], found[0x0110], found[0x0112], found[0x013B] = "FUJIFILM", "W3", 1, "AN ARTIST"
    return found


@pytest.fixture
def plain(folder):
    """The current folder, with the file plain.bin of two plain views, which lossy formats keep apart."""
    left, right = (np.full((24, 32, 3), colour, np.uint8) for colour in ((200, 30, 30), (30, 30, 200)))
    kept = {"icc": ICC, "exif": exif().tobytes()[6:]}
    Path("plain.bin").write_bytes(Codec().encode(left, right, **kept))
    return StereoPair(left, right, **kept)


def near(found, expected):
    return found.shape == expected.shape and abs(found.astype(int) - expected).max() <= 12


def test_a_picture_side_by_side_is_coded(folder):
    side_by_side()
    result = run("encode both.png --sbs")
    assert "the left half is taken for the left eye's view" in result.stderr and result.stdout == ""
    assert [(view == expected).all() for view, expected in zip(views_in("both.bin"), (LEFT, RIGHT), strict=True)]
    assert run("encode both.png --sbs --swap -f --quiet").output == ""
    assert (views_in("both.bin")[0] == RIGHT).all() and (views_in("both.bin")[1] == LEFT).all()


def test_a_pns_is_coded_with_the_right_half_as_left_view(folder):
    side_by_side("both.pns", format="PNG")
    assert run("encode both.pns").exit_code == 0
    assert (views_in("both.bin")[0] == RIGHT).all()


def test_two_files_are_swapped_too(folder):
    assert run("encode left.png right.png -o pair.bin --swap").exit_code == 0
    assert (views_in("pair.bin")[0] == RIGHT).all()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("encode left.png", "left.png is one picture"),
        ("encode left.png left.png", "are one file"),
        ("encode left.png ./left.png -o new.bin", "are one file"),
        ("encode left.png right.png --sbs -o new.bin", "--sbs is for one picture"),
        ("encode left.png --sbs", "odd width of 7 pixels"),
        ("encode left.png right.png -o left.png -f", "left.png is what is to be read"),
        ("encode left.png right.png -o ./right.png -f", "right.png is what is to be read"),
        ("encode - right.png", "- has no name"),
        ("encode /dev/stdin right.png", "/dev/stdin has no name"),
        ("encode - - -o new.bin", "are one file"),
        ("decode pair.bin -o pair.y", ".y, which is no format known here (.png, .jpg"),
        ("decode pair.bin --left-only -o x.mpo", "which holds both views"),
        ("decode pair.bin --sbs -o x.jps", "which holds both views"),
        ("decode pair.bin --sbs --anaglyph", "exclude each other"),
        ("decode pair.bin -o -", "stdout takes one picture"),
        ("decode pair.bin -o no/x.png", "there is no folder"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_and_leaves_nothing(coded, line, words):
    before = names(coded)
    fails(run(line), words)
    assert names(coded) == before


@pytest.mark.parametrize(
    ("left", "right", "target"),
    [
        ("x_left.png", "x_right.png", "x.bin"),
        ("x.L.png", "x.R.png", "x.bin"),
        ("0001_L.png", "0001_R.png", "0001.bin"),
        ("Left-7.png", "Right-7.png", "7.bin"),
        ("c_leftImg8bit.png", "c_rightImg8bit.png", "c_Img8bit.bin"),
        ("scene/left.png", "scene/right.png", "scene/scene.bin"),
        ("left/07.png", "right/07.png", "left/07.bin"),
        ("one.png", "two.png", "one.bin"),
        ("im0.png", "im1.png", "im0.bin"),
        ("all.png", "arr.png", "all.bin"),
    ],
)
def test_outputs_that_nobody_named_stand_beside_the_left_view(folder, left, right, target):
    for name, view in ((left, LEFT), (right, RIGHT)):
        Path(name).parent.mkdir(exist_ok=True)
        Image.fromarray(view).save(name)
    before = names(folder)
    assert run(f"encode {left} {right}").exit_code == 0
    assert names(folder) - before == {target}
    fails(run(f"encode {left} {right}"), "exists already; pass -f")


def test_metadata_goes_through_unless_it_is_stripped(folder):
    Image.fromarray(LEFT).save("left.png", exif=exif(), icc_profile=ICC)
    run("encode left.png right.png -o pair.bin")
    assert exif_facts(unpack(Path("pair.bin").read_bytes())[1][Tag.EXIF]) == {"Make": "FUJIFILM", "Model": "W3"}
    run("encode left.png right.png -o pair.bin -f --strip")
    assert list(unpack(Path("pair.bin").read_bytes())[1]) == [Tag.ICC, Tag.LEFT, Tag.RIGHT]


@pytest.mark.parametrize("suffix", ["png", "jpg", "JPEG", "webp", "avif", "tif", "tiff"])
def test_the_extension_chooses_the_format(plain, suffix):
    assert run(f"decode plain.bin -o out.{suffix}").exit_code == 0
    for name, view in (("left", plain.left), ("right", plain.right)):
        found = read_picture(Path(f"out_{name}.{suffix}"))
        assert near(found.pixels, view) and found.icc == ICC
        assert exif_facts(found.exif.block) == {"Make": "FUJIFILM", "Model": "W3"}
        assert suffix not in ("png", "tif", "tiff") or (found.pixels == view).all()


@pytest.mark.parametrize("suffix", ["mpo", "jps", "pns"])
def test_stereo_formats_are_written_and_read_back(plain, suffix):
    before = names(Path())
    assert run(f"decode plain.bin -o out.{suffix}").exit_code == 0
    assert names(Path()) - before == {f"out.{suffix}"}
    pair = read_stereo_file(Path(f"out.{suffix}"))
    assert near(pair.left, plain.left) and near(pair.right, plain.right) and pair.icc == ICC
    assert exif_facts(pair.exif) == {"Make": "FUJIFILM", "Model": "W3"}


def test_one_picture_has_the_name_that_was_given(coded):
    before = names(coded)
    for option, name in (("--sbs", "s.png"), ("--anaglyph", "a.png"), ("--left-only", "l.png")):
        assert run(f"decode pair.bin {option} -o {name}").exit_code == 0
        assert run(f"decode pair.bin {option}").exit_code == 0
    beside = {"pair_sbs.png", "pair_anaglyph.png", "pair_left.png"}
    assert names(coded) - before == {"s.png", "a.png", "l.png"} | beside
    assert (pixels("s.png") == np.concatenate([LEFT, RIGHT], axis=1)).all() and (pixels("l.png") == LEFT).all()
    assert (pixels("a.png") == anaglyph(StereoPair(LEFT, RIGHT))).all()


def test_an_output_that_is_the_input_is_refused_even_by_force(coded):
    Path("pair_left.png").symlink_to("pair.bin")
    before = Path("pair.bin").read_bytes()
    fails(run("decode pair.bin -f"), "is what is to be read")
    assert Path("pair.bin").read_bytes() == before


def test_a_side_too_long_for_a_format_is_one_sentence(folder):
    view = np.zeros((1, 20000, 3), np.uint8)
    Path("wide.bin").write_bytes(Codec().encode(view, view))
    fails(run("decode wide.bin -o out.webp"), "out_left.webp would be 20000x1", "16383")
    assert run("decode wide.bin -o out.png").exit_code == 0


SHELL = """import sys; sys.path[:0] = [{tests!r}]; import cli_helpers; from snncodec import codec
codec.Codec, codec.decode = cli_helpers.Codec, cli_helpers.decode
from snncodec.cli import app; app()"""


def shell(script):
    """A script of bash, in which $S is the command line around the stand-in for the codec."""
    program = Path("snncodec_of_tests.py").resolve()
    program.write_text(SHELL.format(tests=str(Path(cli_helpers.__file__).parent)))
    root = Path(cli_helpers.__file__).parents[2]
    setting = {**os.environ, "S": f"{sys.executable} {program}", "PYTHONPATH": str(root)}
    return subprocess.run(["bash", "-c", "set -e; " + script], capture_output=True, env=setting)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a Unix shell")
def test_pipes_and_process_substitution_are_inputs_and_outputs(folder):
    done = shell(
        "cat left.png | $S encode - right.png -o - | $S decode - -o a.png;"
        "$S encode <(cat left.png) <(cat right.png) -o b.bin;"
        "cat left.png | $S encode /dev/stdin right.png -o - > c.bin;"
        "$S decode <(cat b.bin) -o b; $S decode /dev/stdin --sbs -o - < c.bin"
    )
    assert done.returncode == 0, done.stderr
    assert (pixels("a_left.png") == LEFT).all() and (pixels("b_right.png") == RIGHT).all()
    assert Path("b.bin").read_bytes() == Path("c.bin").read_bytes()
    assert (np.asarray(Image.open(io.BytesIO(done.stdout))) == np.concatenate([LEFT, RIGHT], axis=1)).all()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a Unix shell")
def test_what_comes_through_a_pipe_needs_a_name(folder):
    done = shell("$S encode left.png right.png -o pair.bin; (! $S decode - < pair.bin); (! $S decode <(cat pair.bin))")
    assert done.returncode == 0 and done.stderr.count(b"has no name to call pictures by; name them with -o") == 2

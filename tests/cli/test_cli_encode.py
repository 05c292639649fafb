"""Promises of `snncodec encode`: a pair becomes one file, its options reach the codec, and it says what it wrote."""

import inspect
import subprocess
import sys
from pathlib import Path

import cli_helpers
import pytest
from cli_helpers import LEFT, RIGHT, fails, names, pixels, run
from PIL import Image, ImageCms

from snncodec import codec as real_codec
from snncodec.bitstream import container

codec, folder, coded = cli_helpers.codec, cli_helpers.folder, cli_helpers.coded  # fixtures


def test_a_pair_comes_back_beside_its_file(folder):
    assert run("encode left.png right.png -o pair.bin").exit_code == 0
    assert run("decode pair.bin").exit_code == 0
    assert (pixels("pair_left.png") == LEFT).all()
    assert (pixels("pair_right.png") == RIGHT).all()
    assert names(folder) == {"left.png", "right.png", "pair.bin", "pair_left.png", "pair_right.png"}


def test_talk_goes_to_stderr(folder):
    result = run("encode left.png right.png -o pair.bin")
    size = Path("pair.bin").stat().st_size
    assert result.stderr == f"pair.bin: {size:,} bytes, {8 * size / 70:.3f} bpp\n"
    assert result.stdout == ""


def test_quiet_says_nothing(folder):
    assert run("encode left.png right.png -o pair.bin --quiet").output == ""


def test_notes_about_pictures_go_to_stderr(folder):
    Image.fromarray(LEFT).convert("CMYK").save("left.tif")
    assert "CMYK" in run("encode left.tif right.png -o pair.bin").stderr
    assert run("encode left.tif right.png -o pair.bin -f --quiet").output == ""


def test_the_quality_is_in_the_file(folder):
    assert run("encode left.png right.png -o pair.bin -q 7").exit_code == 0
    assert container.read_header(Path("pair.bin").read_bytes())[0].quality == 7


def test_options_are_passed_on(folder, codec):
    seen = {}

    def encode(self, left, right, quality, **options):
        seen.update(options, quality=quality, weights=self.weights)
        return b"data"

    codec.Codec.encode = encode
    run("encode left.png right.png -o pair.bin -q 9 --weights own.safetensors --independent --effort 2")
    expected = {"quality": 9, "weights": "own.safetensors", "independent": True, "effort": 2, "icc": None, "exif": None}
    assert seen == expected | {"progress": None}  # no bar, because stderr is no terminal here


def test_weights_and_device_are_passed_on(folder, codec):
    seen, stand_in = [], codec.Codec
    codec.Codec = lambda *given: seen.append(given) or stand_in(*given)
    run("encode left.png right.png -o pair.bin --weights own.safetensors --device cpu")
    assert seen == [("own.safetensors", "cpu")]


def test_a_colour_profile_is_passed_on(folder, codec):
    seen, profile = [], ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(LEFT).save("left.png", icc_profile=profile)
    codec.Codec.encode = lambda self, *given, icc, **options: seen.append(icc) or b"data"
    assert run("encode left.png right.png -o pair.bin").exit_code == 0
    assert seen == [profile]


def test_bad_pictures_are_refused_in_one_sentence(folder):
    Image.fromarray(RIGHT[:4]).save("right.png")
    fails(run("encode left.png right.png -o pair.bin"), "right.png")
    fails(run("encode left.png nowhere.png -o pair.bin"), "nowhere.png")
    assert not Path("pair.bin").exists()


def test_the_real_codec_codes_a_pair_of_files(tmp_path, tiny, crop):
    for name, view in zip(("left.png", "right.png"), crop, strict=True):
        Image.fromarray(view).save(tmp_path / name)
    for line in (f"encode left.png right.png -o pair.bin -q 60 --weights {tiny}", f"decode pair.bin --weights {tiny}"):
        subprocess.run([sys.executable, "-m", "snncodec", *line.split()], cwd=tmp_path, check=True, capture_output=True)
    expected = real_codec.decode((tmp_path / "pair.bin").read_bytes(), weights=tiny)
    assert (pixels(tmp_path / "pair_left.png") == expected.left).all()
    assert (pixels(tmp_path / "pair_right.png") == expected.right).all()


@pytest.mark.parametrize("name", ["decode", "Codec.__init__", "Codec.encode"])
def test_the_codec_of_these_tests_takes_what_the_real_one_takes(name):
    def parameters(module):
        *outer, last = name.split(".")
        found = inspect.signature(getattr(getattr(module, outer[0]) if outer else module, last)).parameters
        return [(parameter.name, parameter.kind, parameter.default) for parameter in found.values()]

    assert parameters(cli_helpers) == parameters(real_codec)

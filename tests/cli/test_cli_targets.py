"""Promises of encode --target-*: the limit is met, and what was chosen is said."""

from pathlib import Path

import numpy as np
import pytest
from cli_helpers import fails, run
from PIL import Image
from skimage.data import stereo_motorcycle

from snncodec import decode
from snncodec.benchmark.metrics import psnr_pair
from snncodec.bitstream import container
from snncodec.io.images import StereoPair


@pytest.fixture
def views(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    views = [np.ascontiguousarray(view[100:196, 200:328]) for view in stereo_motorcycle()[:2]]
    for name, view in zip(("left", "right"), views, strict=True):
        Image.fromarray(view).save(f"{name}.png")
    return views


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--target-size 1500", "--target-bpp 0.4882"])
def test_sizes_are_met_from_below_as_closely_as_qualities_allow(views, option):
    result = run(f"encode left.png right.png -o pair.bin {option}")
    data = Path("pair.bin").read_bytes()
    quality = container.read_header(data)[0].quality
    assert result.exit_code == 0 and f"quality {quality} for at most" in result.stderr
    run(f"encode left.png right.png -o next.bin -q {quality + 1}")
    assert len(data) <= 1500 < len(Path("next.bin").read_bytes())


@pytest.mark.slow
def test_a_psnr_is_reached_by_the_lowest_quality(views):
    assert "for at least 33 dB" in run("encode left.png right.png -o pair.bin --target-psnr 33").stderr
    data = Path("pair.bin").read_bytes()
    run(f"encode left.png right.png -o less.bin -q {container.read_header(data)[0].quality - 1}")
    pair = StereoPair(*views)
    assert psnr_pair(pair, decode(data)) >= 33 > psnr_pair(pair, decode(Path("less.bin").read_bytes()))


@pytest.mark.slow
def test_what_cannot_be_reached_is_one_sentence_and_no_file(views):
    fails(run("encode left.png right.png -o pair.bin --target-size 60"), "no quality gives at most 60 bytes")
    assert not Path("pair.bin").exists()

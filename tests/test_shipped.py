"""Promises about the weights that are shipped: what a user gets who only knows `encode` and `decode`."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from snncodec import codec
from snncodec.benchmark.metrics import psnr, psnr_pair
from snncodec.bitstream.container import Tag, unpack
from snncodec.bitstream.range_coder import SymbolEncoder
from snncodec.codec import Codec
from snncodec.decoder.view import as_picture, render
from snncodec.encoder.rd_trial import code_after_trial, try_view
from snncodec.encoder.rdoq import SQUARED_STEP_BITS
from snncodec.io.images import StereoPair
from snncodec.model.local_contrast import local_mean
from snncodec.model.weights_manifest import manifest
from snncodec.spiking.arithmetic import exact_arithmetic


@pytest.fixture(scope="module")
def views(motorcycle):
    """A part of the motorcycle pair, uint8 [256, 384, 3] each."""
    return tuple(np.ascontiguousarray(view[100:356, 200:584]) for view in motorcycle)


def sizes(data):
    """Bytes of the left view, and of the right one with its displacements."""
    sections = unpack(data)[1]
    return len(sections[Tag.LEFT]), len(sections[Tag.RIGHT]) + len(sections.get(Tag.DISPARITY, b""))


def test_weights_are_shipped():
    assert "base" in manifest()


@pytest.mark.slow
def test_every_quality_step_costs_more_and_looks_better(views):
    points = []
    for quality in (1, 5, 15, 30, 50, 70, 90, 100):
        data = codec.encode(*views, quality)
        points.append((len(data), psnr_pair(StereoPair(*views), codec.decode(data))))
    assert points == sorted(points) and all(a[1] < b[1] for a, b in pairwise(points))
    assert points[0][0] * 8 / (2 * 256 * 384) < 0.2 and points[-2][1] > 38


def test_the_right_view_gains_from_the_left_one(views):
    left, right = sizes(codec.encode(*views, 50))
    assert right < 0.9 * sizes(codec.encode(*views, 50, independent=True))[1]
    assert left == sizes(codec.encode(*views, 50, independent=True))[0]


def test_a_right_view_that_is_the_left_one_costs_little(views):
    left, right = sizes(codec.encode(views[0], views[0], 50))
    assert right < 0.1 * left


def test_views_that_were_swapped_are_coded_nearly_as_well(views):
    ordinary, swapped = len(codec.encode(*views, 50)), len(codec.encode(*views[::-1], 50))
    assert swapped < 1.15 * ordinary
    assert psnr_pair(StereoPair(*views[::-1]), codec.decode(codec.encode(*views[::-1], 50))) > 28


def test_another_exposure_leaves_part_of_the_gain(views):
    darker = (views[1] * 0.85 + 5).astype(np.uint8)
    inter_view, independent = (sizes(codec.encode(views[0], darker, 50, independent=i))[1] for i in (False, True))
    assert inter_view < 0.97 * independent


@pytest.mark.parametrize("quality", [5, 50, 90])
def test_views_of_different_scenes_cost_no_more_than_single_ones(views, quality):
    other = np.ascontiguousarray(views[1][::-1, ::-1])
    inter_view, independent = (len(codec.encode(views[0], other, quality, independent=i)) for i in (False, True))
    assert inter_view <= 1.01 * independent


@pytest.mark.parametrize("quality", [30, 50, 60])
def test_a_look_at_what_was_decoded_pays_for_coding_twice(views, quality):
    loaded, view = Codec().loaded, views[0]
    with exact_arithmetic():
        trial, coder = try_view(loaded, view, quality), SymbolEncoder(loaded.tables)
        decoded = as_picture(render(loaded.codec, code_after_trial(loaded, trial, coder), quality), *view.shape[:2])
    weight = SQUARED_STEP_BITS / float(loaded.codec.steps[quality - 1]) ** 2
    once, twice = (
        bits + weight * np.square(pixels.astype(float) - view).sum()
        for bits, pixels in (
            (float(trial.coded.bits.sum()), as_picture(trial.reconstruction, *view.shape[:2])),
            (8 * len(coder.finish()), decoded),
        )
    )
    assert twice < 0.997 * once


@pytest.mark.parametrize("value", [0, 77, 255])
def test_flat_pictures_are_tiny_and_come_back_flat(value):
    view = np.full((128, 192, 3), value, dtype=np.uint8)
    data = codec.encode(view, view, 50)
    assert len(data) < 500 and psnr(view, codec.decode(data).right) > 45


def phase_range(view):
    """By how much the means of the 16 places in squares of 4 x 4 pixels differ in a view less its local mean."""
    pixels = torch.from_numpy(view).permute(2, 0, 1)[None].double()
    inner = (pixels - local_mean(pixels))[..., 32:-32, 32:-32]
    means = inner.unflatten(3, (-1, 4)).unflatten(2, (-1, 4)).mean((2, 4))
    return float((means.amax((2, 3)) - means.amin((2, 3))).max())


@pytest.mark.parametrize("quality", [1, 5, 10, 22, 40, 70, 100])
def test_walls_and_skies_stay_free_of_patterns(quality):
    columns = np.linspace(60, 110, 192)
    sky = np.rint(columns + np.linspace(0, 20, 160)[:, None])[..., None].repeat(3, 2).astype(np.uint8)
    wall = np.full((160, 192, 3), (200, 180, 150), dtype=np.uint8)
    for views in ((wall, sky), (sky, sky[:, ::-1]), (sky[:, :-16], sky[:, 16:])):
        pair = codec.decode(codec.encode(*map(np.ascontiguousarray, views), quality))
        assert phase_range(pair.left) < 0.5 and phase_range(pair.right) < 0.5


@pytest.mark.slow
def test_half_a_megapixel_takes_little_memory(motorcycle, tmp_path):
    for name, view in zip(("left", "right"), motorcycle, strict=True):
        Image.fromarray(view).save(tmp_path / f"{name}.png")
    program = "import atexit; from snncodec.benchmark.peak_memory import peak_of_this_process; "
    program += "atexit.register(lambda: print(peak_of_this_process())); from snncodec.cli import app; app()"
    for command in ("encode left.png right.png -o pair.bin", "decode pair.bin"):
        arguments = [sys.executable, "-c", program, *command.split()]
        done = subprocess.run(arguments, cwd=tmp_path, check=True, capture_output=True, text=True)
        assert float(done.stdout.split()[-1]) < 1500  # MB

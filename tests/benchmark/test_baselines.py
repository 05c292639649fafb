"""Promises of the list of baselines, and of those that Pillow writes: real formats, real bytes, exact settings.

Where Pillow lacks a format, one clear sentence says so.
"""

import io

import numpy as np
import pytest
from PIL import Image, features
from skimage.data import stereo_motorcycle

from snncodec.benchmark import metrics
from snncodec.benchmark.baselines import BASELINES, find_baselines
from snncodec.benchmark.baselines.pillow_formats import PillowFormat
from snncodec.errors import InputError
from snncodec.io.images import StereoPair

PILLOW = {name: baseline for name, baseline in BASELINES.items() if isinstance(baseline, PillowFormat)}
NAMES = [name for name, baseline in PILLOW.items() if features.check(baseline.feature)]


@pytest.fixture(scope="module")
def pair():
    left, right, _ = stereo_motorcycle()
    return StereoPair(left[200:297, 300:431].copy(), right[200:297, 300:431].copy())


@pytest.mark.parametrize("name", NAMES)
def test_higher_quality_costs_more_and_looks_better(name, pair):
    low, high = (BASELINES[name].encode(pair, quality) for quality in (20, 80))
    assert sum(map(len, low)) < sum(map(len, high))
    assert metrics.psnr_pair(pair, BASELINES[name].decode(low)) < metrics.psnr_pair(pair, BASELINES[name].decode(high))


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_comes_back_with_its_size_and_order(name, pair):
    baseline = BASELINES[name]
    decoded = baseline.decode(baseline.encode(pair, 80))
    assert decoded.left.shape == decoded.right.shape == pair.left.shape
    assert metrics.psnr(pair.left, decoded.left) > 30 > metrics.psnr(pair.left, decoded.right)


@pytest.mark.parametrize("name", NAMES)
def test_each_view_is_a_complete_file_of_the_format(name, pair):
    for file in BASELINES[name].encode(pair, 50):
        assert Image.open(io.BytesIO(file)).format.lower() == BASELINES[name].format


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3)])
def test_the_smallest_and_odd_sizes_pass(name, size):
    view = np.full((*size, 3), 90, np.uint8)
    baseline = BASELINES[name]
    assert baseline.decode(baseline.encode(StereoPair(view, view), 50)).right.shape == view.shape


@pytest.mark.parametrize("name", ["jpeg", "webp"])  # AVIF costs too much time for a test; measured by hand: 0.1 to 3.7
def test_qualities_cover_the_useful_range_of_rates(name):
    left, right, _ = stereo_motorcycle()
    baseline, pair = BASELINES[name], StereoPair(left, right)
    rates = [
        metrics.bpp(sum(map(len, baseline.encode(pair, quality))), 2 * left.shape[0] * left.shape[1])
        for quality in (baseline.qualities[0], baseline.qualities[-1])
    ]
    assert rates[0] < 0.2 and rates[1] > 3.4


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=lambda baseline: baseline.name)
def test_every_baseline_is_a_curve_of_rising_qualities(baseline):
    assert len(baseline.qualities) >= 4
    assert list(baseline.qualities) == sorted(set(baseline.qualities))


@pytest.mark.parametrize("baseline", PILLOW.values(), ids=lambda baseline: baseline.name)
def test_settings_name_every_option_and_version(baseline):
    assert features.version("pil") in baseline.settings
    for key, value in baseline.options.items():
        assert f"{key}={value!r}" in baseline.settings


def test_avif_is_what_pillow_writes_by_default_in_one_thread(pair):
    if "avif" not in NAMES:
        pytest.skip("Pillow comes without AVIF")
    buffer = io.BytesIO()
    Image.fromarray(pair.left).save(buffer, "AVIF", quality=50, max_threads=1)
    assert BASELINES["avif"].encode(pair, 50)[0] == buffer.getvalue()


def test_avif_for_psnr_takes_fewer_bits_for_it(pair):
    if "avif" not in NAMES:
        pytest.skip("Pillow comes without AVIF")
    curves = []
    for baseline in (BASELINES["avif"], BASELINES["avif-psnr"]):
        files = [baseline.encode(pair, quality) for quality in (15, 30, 50, 70)]
        curves.append([(sum(map(len, two)), metrics.psnr_pair(pair, baseline.decode(two))) for two in files])
    assert metrics.bd_rate(*curves).percent < -5


def test_jpeg_is_optimised_and_subsampled_as_its_settings_say(pair):
    files = BASELINES["jpeg"].encode(pair, 50)
    buffer = io.BytesIO()
    Image.fromarray(pair.left).save(buffer, "JPEG", quality=50, optimize=True)
    assert files[0] == buffer.getvalue()


def test_unknown_baselines_are_refused_with_the_known_ones():
    with pytest.raises(InputError, match="'gif'; choose from jpeg, webp, avif"):
        find_baselines(["jpeg", "gif"])


def test_baselines_keep_their_order_and_come_once():
    assert [baseline.name for baseline in find_baselines(["webp", "jpeg", "webp"])] == ["webp", "jpeg"]


def test_a_pillow_without_the_format_is_one_sentence(monkeypatch):
    monkeypatch.delitem(Image.SAVE, "WEBP")
    with pytest.raises(InputError, match=r"cannot write a 16x16 picture as webp.*leave webp out"):
        find_baselines(["webp"])


def test_a_picture_too_wide_for_the_format_is_one_sentence():
    view = np.zeros((1, 16384, 3), np.uint8)  # one more than WebP can name
    with pytest.raises(InputError, match="16384x1 picture as webp"):
        BASELINES["webp"].encode(StereoPair(view, view), 50)


def test_a_picture_above_pillows_limit_is_one_sentence(monkeypatch, pair):
    files = BASELINES["jpeg"].encode(pair, 50)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match="refuses to read back"):
        BASELINES["jpeg"].decode(files)

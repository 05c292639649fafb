"""Promises of the baselines that need `pip install '.[peers]'`: real streams, all bytes counted, one clear sentence.

Each library is tested where it is installed. CompressAI's models run untrained here: weights are never fetched.
"""

import sys
from functools import cache

import numpy as np
import pytest
from skimage.data import stereo_motorcycle

from snncodec.benchmark import metrics
from snncodec.benchmark.baselines import BASELINES, compressai_models, find_baselines, ycbcr
from snncodec.errors import InputError
from snncodec.io.images import StereoPair

LIBRARIES = {
    "jxl": "imagecodecs",
    "x265": "av",
    "x265-psnr": "av",
    "x265-stereo": "av",
    "x265-stereo-psnr": "av",
    "vvc": "imageio_ffmpeg",
}
MODELS = ("mbt2018-mean", "cheng2020-anchor")
PEERS = list(LIBRARIES)


@cache
def crop(height, width):
    left, right, _ = stereo_motorcycle()
    return StereoPair(*(view[200 : 200 + height, 300 : 300 + width].copy() for view in (left, right)))


@cache
def coded(name, height, width, quality):
    """The files of a crop and the pair that is decoded from them."""
    pytest.importorskip(LIBRARIES[name])
    files = BASELINES[name].encode(crop(height, width), quality)
    return files, BASELINES[name].decode(files)


def middle(name):
    return BASELINES[name].qualities[3]


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("size", [(40, 48), (37, 51), (16, 17)])
def test_a_pair_comes_back_with_its_size_and_order(name, size):
    files, decoded = coded(name, *size, middle(name))
    pair = crop(*size)
    assert decoded.left.shape == decoded.right.shape == (*size, 3)
    assert decoded.left.dtype == np.uint8
    assert metrics.psnr(pair.left, decoded.left) > 25 > metrics.psnr(pair.left, decoded.right)
    assert BASELINES[name].view_bytes(files) == tuple(map(len, files))


@pytest.mark.parametrize("name", PEERS)
def test_higher_quality_costs_more_and_looks_better(name):
    qualities = BASELINES[name].qualities
    (low, worse), (high, better) = (coded(name, 40, 48, quality) for quality in (qualities[1], qualities[-1]))
    pair = crop(40, 48)
    assert sum(map(len, low)) < sum(map(len, high))
    assert metrics.psnr_pair(pair, worse) + 5 < metrics.psnr_pair(pair, better)


@pytest.mark.parametrize("name", PEERS)
def test_the_same_pair_gives_the_same_bytes_again(name):
    files, _ = coded(name, 40, 48, middle(name))
    assert BASELINES[name].encode(crop(40, 48), middle(name)) == files


@pytest.mark.parametrize(
    ("name", "start"), [("jxl", b"\xff\x0a"), ("x265", b"\0\0\0\1\x40"), ("x265-stereo", b"\0\0\0\1\x40")]
)
def test_files_are_bare_streams_with_their_headers(name, start):
    files, _ = coded(name, 40, 48, middle(name))
    assert files[0].startswith(start)
    assert not any(b"x265" in file for file in files)  # its report on itself would be counted


@pytest.mark.parametrize("name", ["x265-stereo", "x265-stereo-psnr"])
def test_a_right_view_like_the_left_one_costs_next_to_nothing(name):
    pytest.importorskip("av")
    left, baseline = crop(40, 48).left, BASELINES[name]
    first, second = baseline.encode(StereoPair(left, left), middle(name))
    assert len(second) < len(first) / 20
    with pytest.raises(ValueError, match=r"Invalid data|not enough values"):
        baseline.decode((second, second))


def test_two_frames_need_fewer_bits_than_two_pictures():
    alone, _ = coded("x265", 128, 128, middle("x265"))
    together, _ = coded("x265-stereo", 128, 128, middle("x265"))
    assert together[0] == alone[0]
    assert len(together[1]) < len(alone[1])


@pytest.mark.parametrize("name", ["x265", "x265-stereo"])
def test_x265_refuses_what_it_cannot_open_in_one_sentence(name):
    pytest.importorskip("av")
    with pytest.raises(InputError, match="40x15 pixels; give at least 16"):
        BASELINES[name].encode(crop(15, 40), 20)


@pytest.mark.parametrize("name", PEERS)
def test_settings_name_options_and_versions(name):
    module = pytest.importorskip(LIBRARIES[name])
    expected = {
        "jxl": ["libjxl ", "effort=7", "numthreads=1"],
        "x265": ["x265 (build ", "preset=slower", "psy-rd=2.00", "qp=[45,", "4:4:4", "BT.601", "each view alone"],
        "x265-stereo": ["P frame"],
        "x265-psnr": ["tune=psnr", "psy-rd=0.00"],
        "x265-stereo-psnr": ["tune=psnr", "P frame"],
        "vvc": ["VVenC 1", "4:2:0", "preset=fast", "qpa=0", "threads=1"],
    }
    assert all(word in BASELINES[name].settings for word in [module.__version__, *expected[name]])


@pytest.mark.parametrize("name", [*PEERS, *MODELS])
def test_a_missing_library_is_one_sentence_that_says_how_to_get_it(name, monkeypatch):
    package = LIBRARIES.get(name, "compressai")
    monkeypatch.setitem(sys.modules, package, None)  # as if it could not be imported
    monkeypatch.delitem(sys.modules, "compressai.zoo.image", raising=False)
    install = r"pip install '\.\[peers\]'" if name in PEERS else "pip install --no-deps compressai"
    with pytest.raises(InputError, match=rf"^baseline {name} needs the package {package}.*run {install}.*leave it out"):
        find_baselines([name])


def test_an_ffmpeg_without_vvenc_is_one_sentence(monkeypatch):
    pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/bin/false")
    with pytest.raises(InputError, match=r"cannot code with VVenC.*IMAGEIO_FFMPEG_EXE"):
        find_baselines(["vvc"])


def test_colours_come_back_but_for_the_rounding():
    view = crop(40, 48).left
    planes = ycbcr.to_ycbcr(view)
    assert (ycbcr.to_rgb(planes) == view).all()
    assert planes.shape == (3, 40, 48)
    assert metrics.psnr(ycbcr.to_rgb(np.rint(planes)), view) > 50
    grey = ycbcr.to_ycbcr(np.full((1, 1, 3), 77, np.uint8))
    assert np.allclose(grey.ravel(), [77, 128, 128], atol=1e-4)


@pytest.fixture
def untrained(monkeypatch):
    """CompressAI's models as they are before training, in place of weights."""
    zoo = pytest.importorskip("compressai.zoo")

    @cache
    def load(name, quality):
        import torch

        torch.manual_seed(0)
        model = zoo.image_models[name](quality, pretrained=False).eval()
        model.update()
        return model

    monkeypatch.setattr(compressai_models.CompressAIModel, "_model", lambda self, quality: load(self.name, quality))
    return load


@pytest.mark.parametrize("name", MODELS)
def test_learned_codecs_decode_from_bytes_what_they_encoded(name, untrained):
    baseline, pair = BASELINES[name], crop(37, 51)
    files = baseline.encode(pair, 1)
    decoded = baseline.decode(files)
    assert decoded.left.shape == pair.left.shape and decoded.left.dtype == np.uint8
    assert baseline.encode(pair, 1) == files and baseline.view_bytes(files) == tuple(map(len, files))
    assert (baseline.decode(files).right == decoded.right).all()


@pytest.mark.parametrize("name", MODELS)
def test_missing_weights_are_one_sentence_with_their_name_and_place(name, monkeypatch, tmp_path):
    pytest.importorskip("compressai.zoo")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(InputError, match=rf"the weights {name}-1-\w+\.pth\.tar .* not in {tmp_path}"):
        find_baselines([name])

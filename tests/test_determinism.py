"""The promise of exact.py kept end to end: the same file gives the same pixels, however it is decoded."""

import hashlib
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import CONFIGS, synthetic_pair
from snncodec.container import unpack
from snncodec.tiles import in_tiles
from snncodec.weights import read_weights

from snncodec import codec, views

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.bin"))


def digest(pair):
    return hashlib.sha256(pair.left.tobytes() + pair.right.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def coded(weights_files):
    """A function (neuron, height, width) -> (file, weights, sha256 of its pixels)."""

    def make(name, height=90, width=150):
        weights = weights_files[name]
        data = codec.encode(*synthetic_pair(height, width, seed=7), 60, weights=weights)
        assert unpack(data)[0].coupled
        return data, weights, digest(codec.decode(data, weights=weights))

    return make


@pytest.mark.filterwarnings("ignore:TF32")
@pytest.mark.parametrize("name", CONFIGS)
def test_threads_and_kernels_do_not_change_a_pixel(name, coded, threads):
    data, weights, expected = coded(name)
    for number in (1, 2, 3):
        threads(number)
        for enabled in (True, False):
            with torch.backends.mkldnn.flags(enabled=enabled):
                assert digest(codec.decode(data, weights=weights)) == expected


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("tile", [1, 2, 5])
def test_tiles_do_not_change_a_pixel(name, tile, coded, monkeypatch):
    data, weights, expected = coded(name, 200, 130)
    monkeypatch.setattr(views, "in_tiles", partial(in_tiles, size=tile))
    assert digest(codec.decode(data, weights=weights)) == expected


def test_a_picture_of_several_tiles_is_decoded_as_one_of_a_single_tile(tiny, monkeypatch):
    data = codec.encode(*synthetic_pair(24, 1100), 60, weights=tiny)
    in_two = digest(codec.decode(data, weights=tiny))
    monkeypatch.setattr(views, "in_tiles", partial(in_tiles, size=1000))
    assert digest(codec.decode(data, weights=tiny)) == in_two


# What a program around this library may have changed in torch, and what decoding may not care about.
CHANGES = {
    "float16": lambda: torch.set_default_dtype(torch.float16),
    "bfloat16": lambda: torch.set_default_dtype(torch.bfloat16),
    "float64": lambda: torch.set_default_dtype(torch.float64),
    "medium precision": lambda: torch.set_float32_matmul_precision("medium"),
    "no denormals": lambda: torch.set_flush_denormal(True),
    "no gradients": lambda: torch.set_grad_enabled(False),
    "autocast": lambda: torch.set_autocast_enabled("cpu", True),
    "reduced convolutions": lambda: setattr(torch.backends.mkldnn.conv, "fp32_precision", "bf16"),
    "reduced products": lambda: setattr(torch.backends.mkldnn.matmul, "fp32_precision", "bf16"),
    "reduced oneDNN": lambda: setattr(torch.backends.mkldnn, "fp32_precision", "bf16"),
    "TF32": lambda: setattr(torch.backends.cuda.matmul, "fp32_precision", "tf32"),
}


@pytest.fixture
def settings(request):
    """Apply one of `CHANGES`, and put everything back afterwards."""
    holders = [torch.backends.mkldnn, torch.backends.mkldnn.conv, torch.backends.mkldnn.matmul]
    before = [holder.fp32_precision for holder in holders]
    yield CHANGES[request.param]
    torch.set_default_dtype(torch.float32)
    torch.set_flush_denormal(False)
    torch.set_grad_enabled(True)
    torch.set_autocast_enabled("cpu", False)
    torch.backends.cuda.matmul.fp32_precision = "none"
    for holder, precision in zip(holders, before, strict=True):
        holder.fp32_precision = precision
    torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("settings", CHANGES, indirect=True)
@pytest.mark.parametrize("again", [False, True], ids=["cached weights", "weights loaded anew"])
def test_settings_of_the_program_around_it_do_not_change_a_pixel(settings, again, coded, tmp_path):
    data, weights, expected = coded("ilif")
    if again:  # another path is another entry of the cache
        weights = shutil.copy(weights, tmp_path / "copy.safetensors")
        read_weights.cache_clear()
    settings()
    assert digest(codec.decode(data, weights=str(weights))) == expected


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", CONFIGS)
def test_a_gpu_does_not_change_a_pixel(name, coded):
    data, weights, _ = coded(name)
    on_cpu, on_gpu = (codec.decode(data, weights=weights, device=device) for device in ("cpu", "cuda"))
    assert np.array_equal(on_cpu.left, on_gpu.left) and np.array_equal(on_cpu.right, on_gpu.right)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_golden_files_decode_to_the_pixels_of_the_day_they_were_made(file):
    entry = json.loads((GOLDEN / "golden.json").read_text())[file.name]
    pair = codec.decode(file.read_bytes(), weights=entry["weights"] and str(GOLDEN / entry["weights"]))
    for view, pixels in (("left", pair.left), ("right", pair.right)):
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == entry[f"sha256_{view}"]


def test_no_golden_file_was_lost():
    entries = json.loads((GOLDEN / "golden.json").read_text())
    assert FILES and sorted(entries) == [file.name for file in FILES]

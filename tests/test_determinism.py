"""The promise of exact.py kept end to end: the same file gives the same pixels, however it is decoded."""

import hashlib
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import CONFIGS, synthetic_pair

from snncodec import codec
from snncodec.tiles import in_tiles

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
    monkeypatch.setattr(codec, "in_tiles", partial(in_tiles, size=tile))
    assert digest(codec.decode(data, weights=weights)) == expected


def test_a_picture_of_several_tiles_is_decoded_as_one_of_a_single_tile(tiny, monkeypatch):
    data = codec.encode(*synthetic_pair(24, 1100), 60, weights=tiny)
    in_two = digest(codec.decode(data, weights=tiny))
    monkeypatch.setattr(codec, "in_tiles", partial(in_tiles, size=1000))
    assert digest(codec.decode(data, weights=tiny)) == in_two


@pytest.mark.parametrize("change", ["default dtype", "matmul precision", "autocast", "gradients", "denormals"])
def test_global_settings_of_the_caller_do_not_change_a_pixel(change, coded):
    data, weights, expected = coded("ilif")
    try:
        if change == "default dtype":
            torch.set_default_dtype(torch.float64)
        elif change == "matmul precision":
            torch.set_float32_matmul_precision("medium")
        elif change == "denormals":
            torch.set_flush_denormal(True)
        with torch.autocast("cpu", torch.bfloat16, change == "autocast"), torch.set_grad_enabled(change == "gradients"):
            assert digest(codec.decode(data, weights=weights)) == expected
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")
        torch.set_flush_denormal(False)


@pytest.mark.parametrize("change", ["default dtype", "reduced convolutions"])
def test_weights_loaded_under_other_settings_decode_the_same(change, coded, tmp_path):
    data, weights, expected = coded("ilif")
    copy = tmp_path / "copy.safetensors"  # loaded anew, because another path
    copy.write_bytes(Path(weights).read_bytes())
    before = torch.backends.mkldnn.conv.fp32_precision
    try:
        if change == "default dtype":
            torch.set_default_dtype(torch.float64)
        else:
            torch.backends.mkldnn.conv.fp32_precision = "bf16"
        assert digest(codec.decode(data, weights=str(copy))) == expected
    finally:
        torch.set_default_dtype(torch.float32)
        torch.backends.mkldnn.conv.fp32_precision = before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", CONFIGS)
def test_a_gpu_does_not_change_a_pixel(name, coded):
    data, weights, _ = coded(name)
    on_cpu, on_gpu = (codec.decode(data, weights=weights, device=device) for device in ("cpu", "cuda"))
    assert np.array_equal(on_cpu.left, on_gpu.left) and np.array_equal(on_cpu.right, on_gpu.right)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_golden_files_decode_to_the_pixels_of_the_day_they_were_made(file):
    entry = json.loads((GOLDEN / "golden.json").read_text())[file.name]
    pair = codec.decode(file.read_bytes())
    for view, pixels in (("left", pair.left), ("right", pair.right)):
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == entry[f"sha256_{view}"]


def test_no_golden_file_was_lost():
    entries = json.loads((GOLDEN / "golden.json").read_text()) if (GOLDEN / "golden.json").exists() else {}
    assert sorted(entries) == [file.name for file in FILES]

"""Promises of snncodec.training.crops: crops have the asked size, views stay together, a seed fixes them all."""

import numpy as np
import pytest
import torch
from conftest import synthetic_pair, textured
from training_helpers import write_pair, write_picture

from snncodec.errors import InputError
from snncodec.training import crops as crops_module
from snncodec.training.crops import CropSampler, StereoSampler, validation_crops


def sampler(*scenes, seed=0):
    return CropSampler(list(scenes), np.random.default_rng(seed))


@pytest.mark.parametrize("size", [16, 64, 192])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300), (20, 9), (64, 64), (300, 250)])
def test_crops_of_any_picture_have_the_asked_size_and_eight_bit_values(height, width, size):
    crops = sampler(synthetic_pair(height, width)[:1]).batch(6, size)
    assert crops.shape == (6, 1, 3, size, size) and crops.dtype == torch.float32
    assert crops.min() >= -128 and crops.max() <= 127 and torch.equal(crops, crops.round())


def test_both_views_of_a_crop_come_from_the_same_window():
    left = np.random.default_rng(0).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    crops = sampler((left, left)).batch(20, 32)
    assert torch.equal(crops[:, 0], crops[:, 1])


def test_a_mirrored_pair_swaps_its_views(monkeypatch):
    monkeypatch.setattr(crops_module, "FLAT_SHARE", 0)
    dark, bright = np.full((40, 40, 3), 50, dtype=np.uint8), np.full((40, 40, 3), 200, dtype=np.uint8)
    dark[:, :20], bright[:, :20] = 40, 190  # what lies left tells whether a crop was mirrored
    drawn = sampler((dark, bright)).batch(60, 40, colour=False)
    for left, right in drawn.mean((2, 3)):
        mirrored = left[0] > left[-1]
        assert (left.mean() > right.mean()) == mirrored
    assert 10 < sum(bool(crop[0].mean() > crop[1].mean()) for crop in drawn) < 50


def test_one_seed_gives_one_sequence():
    scene = synthetic_pair(90, 80)[:1]
    assert torch.equal(sampler(scene, seed=3).batch(5, 32), sampler(scene, seed=3).batch(5, 32))
    assert not torch.equal(sampler(scene, seed=3).batch(5, 32), sampler(scene, seed=4).batch(5, 32))


def test_a_sequence_goes_on_from_a_saved_state():
    random = np.random.default_rng(0)
    crops = CropSampler([synthetic_pair(90, 80)[:1]], random)
    crops.batch(3, 32)
    state = random.bit_generator.state
    expected = crops.batch(4, 32)
    random.bit_generator.state = state
    assert torch.equal(crops.batch(4, 32), expected)


def test_without_colour_jitter_a_crop_that_is_not_shrunk_holds_pixels_of_the_picture():
    picture = np.random.default_rng(0).choice(np.array([0, 255], dtype=np.uint8), (80, 80, 3))
    crops = sampler((picture,)).batch(60, 40, colour=False) + 128
    pure = [bool(((crop == 0) | (crop == 255)).all()) for crop in crops]
    assert 0.1 < np.mean(pure) < 0.5


def test_large_pictures_are_drawn_more_often_than_small_ones():
    small, large = np.zeros((32, 32, 3), dtype=np.uint8), np.full((96, 96, 3), 255, dtype=np.uint8)
    crops = sampler((small,), (large,)).batch(200, 16, colour=False)
    assert 0.8 < (crops > 0).float().mean() < 0.97


def test_validation_takes_whole_pairs_only(tmp_path):
    sizes = {"a": (70, 80), "b": (40, 80), "c": (64, 64)}
    for number, (name, (height, width)) in enumerate(sizes.items()):
        left, right = synthetic_pair(height, width, number)
        write_picture(tmp_path / name / "left.png", left)
        write_picture(tmp_path / name / "right.png", right if name != "c" else right[:50])
    assert validation_crops(tmp_path, 64).shape == (2, 3, 64, 64)


def test_validation_takes_the_centre_of_both_views(tmp_path):
    views = synthetic_pair(270, 300)
    write_pair(tmp_path / "scene", views)
    write_pair(tmp_path / "too small", [view[:100] for view in views])
    found = validation_crops(tmp_path)
    assert found.shape == (2, 3, 256, 256)
    assert np.array_equal((found[0] + 128).permute(1, 2, 0).byte().numpy(), views[0][7:263, 22:278])


def test_validation_without_a_pair_that_is_large_enough_is_an_input_error(tmp_path):
    write_pair(tmp_path / "scene", synthetic_pair(100, 300))
    with pytest.raises(InputError, match="256"):
        validation_crops(tmp_path)


def test_windows_of_a_real_pair_follow_its_disparity():
    wide = textured(128, 400)
    pair = wide[:, 100:300], wide[:, 140:340]  # what is at x on the right is at x + 40 on the left
    sampler = StereoSampler([pair], CropSampler([pair[:1]], np.random.default_rng(0)), np.random.default_rng(0))
    left, right = sampler.windows(0, 32, 64, 64)
    assert np.array_equal(left, right)
    outside = sampler.windows(0, 0, 200 - 64, 64)[0]
    assert outside.shape == (64, 64, 3)  # the left view ends before the displaced window does


SHARES = ("SYNTHETIC_SHARE", "IDENTICAL_SHARE", "UNRELATED_SHARE")


@pytest.mark.parametrize("kind", SHARES)
def test_pairs_are_made_of_photographs(kind, monkeypatch):
    for share in SHARES:
        monkeypatch.setattr(crops_module, share, float(share == kind))
    nothing = np.zeros((96, 120, 3), dtype=np.uint8)
    photographs = CropSampler([(textured(96, 120),), (textured(96, 120, 1),)], np.random.default_rng(0))
    batch = StereoSampler([(nothing, nothing)], photographs, np.random.default_rng(0)).batch(6, 64)
    assert batch.shape == (6, 2, 3, 64, 64) and batch.flatten(2).std(2).min() > 5
    assert (batch[:, 0] == batch[:, 1]).all() == (kind == "IDENTICAL_SHARE")

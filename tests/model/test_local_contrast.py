"""Promises of model/local_contrast.py: networks see the rounded distance from the mean of 17 x 17 pixels."""

import pytest
import torch
from scipy.ndimage import uniform_filter

from snncodec.model.local_contrast import (
    INPUT_MAX,
    INPUT_SCALE,
    MEAN_RADIUS,
    exact_contrast,
    exact_difference,
    local_mean,
    scaled_contrast,
    scaled_difference,
)

STEP = torch.full((1, 1, 1, 1), 5.078125, dtype=torch.float64)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 50


def reference_mean(pixels):
    size = (0, 0, 2 * MEAN_RADIUS + 1, 2 * MEAN_RADIUS + 1)
    return torch.from_numpy(uniform_filter(pixels.numpy(), size=[s or 1 for s in size], mode="nearest"))


@pytest.mark.parametrize("shape", [(1, 3, 16, 16), (2, 3, 32, 48)])
def test_the_local_mean_is_that_of_17_x_17_pixels(shape):
    assert torch.allclose(local_mean(noise(*shape)), reference_mean(noise(*shape)), atol=1e-9)


def test_the_exact_contrast_is_the_rounded_distance_from_the_local_mean():
    pixels = (noise(1, 3, 32, 48) * 4).round() / 4
    expected = (pixels - reference_mean(pixels)) * INPUT_SCALE / STEP
    assert (exact_contrast(pixels, STEP) - expected.clamp(-INPUT_MAX, INPUT_MAX)).abs().max() <= 0.5 + 1e-9
    assert exact_contrast(pixels * 100, STEP).abs().max() == INPUT_MAX


def test_the_exact_difference_is_the_rounded_distance_from_the_prediction():
    pixels, predicted = (noise(1, 3, 32, 48) * 4).round() / 4, noise(1, 3, 32, 48, seed=1).round()
    expected = (predicted - pixels) * INPUT_SCALE / STEP
    assert (exact_difference(predicted, pixels, STEP) - expected.clamp(-INPUT_MAX, INPUT_MAX)).abs().max() <= 0.5 + 1e-9
    assert exact_difference(predicted * 100, pixels, STEP).abs().max() == INPUT_MAX


def test_training_sees_what_coding_sees_but_for_the_rounding():
    pixels, predicted = (noise(1, 3, 32, 48) * 4).round() / 4, noise(1, 3, 32, 48, seed=1).round()
    assert (scaled_contrast(pixels, STEP) - exact_contrast(pixels, STEP)).abs().max() <= 0.5 + 1e-9
    difference = scaled_difference(predicted, pixels, STEP) - exact_difference(predicted, pixels, STEP)
    assert 0.4 < difference.abs().max() <= 0.5 + 1e-9

"""Weighted prediction: gains and offsets are applied in integers, with rounding and within the grey levels."""

import numpy as np
import torch
from conftest import planes, textured

from snncodec.decoder.weighted_prediction import apply_weights


def test_weights_are_applied_with_rounding_and_bounds():
    levels = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256)
    weights = np.array([[0, 0], [-128, 127], [127, -128]], dtype=np.int8)
    exact = (np.arange(256) - 128) * (1 + weights[:, :1] / 256) + 128 + weights[:, 1:] / 2
    assert np.array_equal(apply_weights(levels, weights)[:, 0].numpy(), np.floor(exact + 0.5).clip(0, 255))


def test_zeros_change_no_pixel():
    view = planes(textured(48, 64))
    assert torch.equal(apply_weights(view, np.zeros((3, 2), dtype=np.int8)), view)

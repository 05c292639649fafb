"""Promises of model/companding.py: latents enter networks as the small integers that a formula names."""

import math

import torch

from snncodec.model.companding import COMPAND_MAX, COMPAND_SCALE, COMPAND_THRESHOLDS, compand, with_magnitudes


def test_compand_thresholds_are_the_formula():
    eighths = torch.arange(-9000.0, 9001.0, dtype=torch.float64)
    expected = (4 * (1 + eighths.abs() / COMPAND_SCALE).log2()).round().clamp(max=COMPAND_MAX) * eighths.sign()
    assert torch.equal(compand(eighths / COMPAND_SCALE), expected)
    assert len(COMPAND_THRESHOLDS) == COMPAND_MAX
    least = [COMPAND_SCALE * (2 ** ((k - 0.5) / 4) - 1) for k in range(1, COMPAND_MAX + 1)]
    assert tuple(math.ceil(eighth) for eighth in least) == COMPAND_THRESHOLDS


def test_companded_values_are_odd_small_integers_whatever_comes_in():
    values = torch.tensor([0.0, 0.05, -0.0626, 1.0, -3.0, 2.0**31, -(2.0**40)], dtype=torch.float64)
    assert compand(values).tolist() == [0.0, 0.0, -1.0, 4.0, -8.0, 40.0, -40.0]


def test_magnitudes_follow_the_values():
    values = torch.tensor([-3.0, 0.0, 5.0]).view(1, 3, 1, 1)
    assert with_magnitudes(values).flatten().tolist() == [-3.0, 0.0, 5.0, 3.0, 0.0, 5.0]

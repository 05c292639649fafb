"""Promises of what is foreseen of a pair: size and PSNR at any quality, but for what differs from pair to pair."""

import math

import numpy as np
import pytest

from snncodec.benchmark.metrics import psnr_pair
from snncodec.codec import Codec
from snncodec.constants import QUALITIES
from snncodec.encoder.rd_estimate import RDEstimate
from snncodec.io.images import StereoPair
from snncodec.spiking.arithmetic import exact_arithmetic

QUALITY_STEPS = 20, 50, 80


@pytest.fixture(scope="module")
def codec():
    return Codec()


def estimate(codec, *views):
    with exact_arithmetic():
        return RDEstimate(codec.loaded.codec, *views)


def test_size_and_psnr_are_foreseen_as_they_change_with_the_quality(codec, motorcycle):
    views = [np.ascontiguousarray(view[150:342, 200:488]) for view in motorcycle]
    foreseen = estimate(codec, *views)
    sizes, levels = [], []
    for quality in QUALITY_STEPS:
        encoded = codec.encode_pair(*views, quality, effort=1)
        sizes.append(math.log(len(encoded.data) / foreseen.size(quality)))
        levels.append(psnr_pair(StereoPair(*views), encoded.reconstruction()) - foreseen.psnr(quality))
    assert max(map(abs, sizes)) < 0.5 and max(sizes) - min(sizes) < 0.3
    assert max(map(abs, levels)) < 1.5 and max(levels) - min(levels) < 1


@pytest.mark.parametrize("shape", [(1, 1), (5, 200), (300, 170)])
@pytest.mark.parametrize("kind", ["flat", "noise"])
def test_both_are_finite_and_rise(codec, shape, kind):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    view = np.full_like(noise, 90) if kind == "flat" else noise
    foreseen = estimate(codec, view, view)
    for curve in (foreseen.size, foreseen.psnr):
        values = [curve(quality) for quality in range(1, QUALITIES + 1, 9)]
        assert np.isfinite(values).all() and (np.diff(values) >= 0).all() and values[0] > 0

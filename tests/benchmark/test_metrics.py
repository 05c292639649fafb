"""Promises of snncodec.benchmark.metrics: the figures that a codec is judged by are the textbook ones."""

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from snncodec.benchmark.metrics import bd_rate, bpp, ms_ssim, ms_ssim_pair, pareto_front, psnr, psnr_pair
from snncodec.errors import InputError
from snncodec.io.images import StereoPair

RATES = [0.1, 0.2, 0.4, 0.8, 1.6]
CURVE = [(rate, 30 + 3 * step) for step, rate in enumerate(RATES)]


def flat(value, height=4, width=6):
    return np.full((height, width, 3), value, np.uint8)


def noise(seed, height=180, width=200):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def scaled(curve, factor):
    return [(rate * factor, quality) for rate, quality in curve]


def test_psnr_of_a_constant_error_is_the_formula():
    assert psnr(flat(100), flat(105)) == pytest.approx(10 * math.log10(255**2 / 25))


def test_psnr_does_not_wrap_around_in_eight_bits():
    assert psnr(flat(0), flat(255)) == psnr(flat(255), flat(0)) == 0


def test_psnr_of_equal_pictures_is_infinite():
    assert psnr(noise(1), noise(1)) == math.inf


def test_psnr_agrees_with_scikit_image():
    assert psnr(noise(1), noise(2)) == pytest.approx(peak_signal_noise_ratio(noise(1), noise(2)))


def test_psnr_of_a_pair_averages_errors_and_not_decibels():
    pair, decoded = StereoPair(flat(100), flat(100)), StereoPair(flat(100), flat(106))
    assert psnr_pair(pair, decoded) == pytest.approx(10 * math.log10(255**2 / 18))


@pytest.mark.parametrize("other", [flat(1, height=5), flat(1).astype(np.float32), flat(1)[..., 0]])
def test_pictures_that_cannot_be_compared_are_refused(other):
    with pytest.raises(InputError, match="cannot compare"):
        psnr(flat(1), other)


def test_a_pair_without_right_view_has_no_pair_psnr():
    with pytest.raises(InputError, match="no right view"):
        psnr_pair(StereoPair(flat(1), flat(1)), StereoPair(flat(1), None))


def test_bpp_counts_eight_bits_per_byte():
    assert bpp(num_bytes=300, num_pixels=1200) == 2


def test_bpp_of_no_pixels_is_refused():
    with pytest.raises(InputError, match="undefined"):
        bpp(300, 0)


def test_ms_ssim_is_one_for_equal_pictures_and_falls_with_noise():
    blurred = (noise(1) // 2 + 64).astype(np.uint8)
    assert ms_ssim(noise(1), noise(1)) == pytest.approx(1)
    assert 0 < ms_ssim(noise(1), blurred) < 0.99


def test_ms_ssim_of_a_pair_is_the_mean_over_views():
    pair, decoded = StereoPair(noise(1), noise(2)), StereoPair(noise(1), noise(2) // 2)
    assert ms_ssim_pair(pair, decoded) == pytest.approx((1 + ms_ssim(noise(2), noise(2) // 2)) / 2)


def test_ms_ssim_begins_above_160_pixels():
    assert ms_ssim(noise(1, 160, 300), noise(1, 160, 300)) is None
    assert ms_ssim(noise(1, 161, 161), noise(1, 161, 161)) is not None


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 2.0])
def test_bd_rate_of_a_curve_with_scaled_rates_is_that_scale(factor):
    result = bd_rate(CURVE, scaled(CURVE, factor))
    assert result.percent == pytest.approx(100 * (factor - 1))
    assert (result.overlap, result.reason) == (1, None)


def test_bd_rate_accepts_curves_of_different_lengths_in_any_order():
    assert bd_rate(CURVE, scaled(CURVE[3::-1], 0.5)).percent == pytest.approx(-50)


def test_bd_rate_ignores_points_that_nobody_would_choose():
    worse = [(0.5, 35.0), (0.4, 35.9), (1.0, 39.0)]
    assert bd_rate(CURVE, CURVE + worse).percent == pytest.approx(0)


def test_bd_rate_ignores_lossless_points():
    assert bd_rate(CURVE, [*scaled(CURVE, 0.5), (9.0, math.inf)]).percent == pytest.approx(-50)


def test_pareto_front_rises_in_both_directions():
    points = [(2, 40.0), (1, 30.0), (1, 31.0), (3, 40.0), (4, 39.0), (5, math.inf), (0, 1.0), (6, math.nan)]
    assert pareto_front(points) == [(1, 31.0), (2, 40.0)]


def test_curves_that_share_little_have_no_bd_rate():
    result = bd_rate(CURVE, [(rate, quality + 9) for rate, quality in CURVE])
    assert result.percent is None
    assert result.overlap == pytest.approx(0.25)
    assert "share 25%" in result.reason


def test_curves_that_share_nothing_have_no_bd_rate():
    assert bd_rate(CURVE, [(rate, quality + 20) for rate, quality in CURVE]).overlap == 0


def test_a_short_curve_within_a_long_one_overlaps_fully():
    inner = [(rate, 33 + step) for step, rate in enumerate(RATES)]
    assert bd_rate(CURVE, inner).overlap == 1


def test_three_points_are_no_curve():
    assert "3 usable points" in bd_rate(CURVE, CURVE[:3]).reason

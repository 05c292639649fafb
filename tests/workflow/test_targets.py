"""Promises of targets: the best file within a limit, in few encodes, the same that `encode -q` makes."""

import math

import numpy as np
import pytest

from snncodec.benchmark.metrics import psnr_pair
from snncodec.codec import Codec
from snncodec.errors import InputError
from snncodec.io.images import StereoPair
from snncodec.workflow.targets import Target, choose_quality, encode_to_target


def sizes(quality):
    """Bytes that rise as those of a real pair do."""
    return 5000 * math.exp(0.06 * quality - 0.00015 * quality**2)


def decibels(quality):
    return 26 + 0.2 * quality


def rough(quality):
    """What one may foresee of both."""
    return 3000 * math.exp(0.04 * quality)


def rough_decibels(quality):
    return 30 + 0.15 * quality


@pytest.mark.parametrize("limit", [sizes(q) * factor for q in (1, 2, 30, 64, 99, 100) for factor in (1, 1.01)])
def test_a_size_is_met_from_below_by_the_highest_quality(limit):
    quality = choose_quality(Target("size", limit), sizes, rough)
    assert sizes(quality) <= limit * (1 + 1e-12) and (quality == 100 or sizes(quality + 1) > limit)


@pytest.mark.parametrize("least", [decibels(q) + more for q in (1, 2, 30, 64, 98) for more in (0, 0.05)])
def test_a_psnr_is_met_from_above_by_the_lowest_quality(least):
    quality = choose_quality(Target("psnr", least), decibels, rough_decibels)
    assert decibels(quality) >= least - 1e-9 and (quality == 1 or decibels(quality - 1) < least)


@pytest.mark.parametrize("curve", [sizes, lambda q: 10.0 + q // 20, lambda q: 5.0 * 1.3**q, lambda q: 7 + 1e-3 * q**3])
@pytest.mark.parametrize("goal", [3, 12, 77])
def test_few_encodes_are_enough(curve, goal):
    asked = []
    choose_quality(Target("size", curve(goal) * 1.0001), lambda q: asked.append(q) or curve(q), rough)
    assert len(asked) == len(set(asked)) <= 12


@pytest.mark.parametrize("goal", [1, 3, 12, 77, 99])
@pytest.mark.parametrize("off", [0.7, 1, 1.3])
def test_two_or_three_are_where_the_curve_is_foreseen_but_for_a_factor(off, goal):
    asked = []
    chosen = choose_quality(
        Target("size", sizes(goal) * 1.0001), lambda q: asked.append(q) or sizes(q), lambda q: off * sizes(q)
    )
    assert chosen == goal and len(asked) <= (2 if off == 1 else 3)


@pytest.mark.parametrize("target", [Target("size", 4000), Target("psnr", 60), Target("bpp", 1e-9)])
def test_what_no_quality_gives_is_refused_with_what_the_nearest_gives(target):
    curve, foreseen = (decibels, rough_decibels) if target.kind == "psnr" else (sizes, rough)
    with pytest.raises(InputError, match=f"no quality gives {target}: quality (1|100) gives"):
        choose_quality(target, curve, foreseen)


def test_targets_are_of_a_known_kind():
    with pytest.raises(InputError, match="size, bpp or psnr"):
        Target("foo", 5)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, 10**400, None, "x"])
def test_targets_are_numbers_above_zero(value):
    with pytest.raises(InputError, match="above 0"):
        Target("bpp", value)


@pytest.mark.parametrize("kind", ["size", "bpp", "psnr"])
def test_the_file_is_the_one_that_encode_makes_at_this_quality(kind, base, views):
    pair = StereoPair(*views)
    reached = {q: figures(base, pair, q)[kind] for q in (30, 31)}
    met = encode_to_target(base, pair, Target(kind, sum(reached.values()) / 2))
    assert met.quality == (31 if kind == "psnr" else 30) and met.reached == reached[met.quality]
    assert met.data == base.encode(*views, met.quality)


def figures(codec, pair, quality):
    data = codec.encode(*pair.views(), quality)
    bpp = 8 * len(data) / (2 * pair.left.shape[0] * pair.left.shape[1])
    return {"size": len(data), "bpp": bpp, "psnr": psnr_pair(pair, codec.decode(data))}


@pytest.fixture(scope="module")
def base():
    return Codec()


@pytest.fixture
def views(motorcycle):
    return tuple(np.ascontiguousarray(view[100:228, 200:360]) for view in motorcycle)

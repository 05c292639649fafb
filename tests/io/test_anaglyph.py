"""Promises of snncodec.io.anaglyph: the matrices of Dubois, in linear light, and grey that stays grey."""

import numpy as np
import pytest

from snncodec.io.anaglyph import LEFT, RIGHT, anaglyph
from snncodec.io.images import StereoPair


def plain(*colour, shape=(1, 1)):
    return np.full((*shape, 3), colour, np.uint8)


@pytest.mark.parametrize("grey", [0, 1, 77, 128, 254, 255])
def test_grey_that_both_eyes_see_stays_grey(grey):
    assert abs(anaglyph(StereoPair(plain(grey), plain(grey))).astype(int) - grey).max() <= 1
    assert np.allclose((LEFT + RIGHT).sum(1), 1, atol=0.001)


def test_the_left_view_is_red_and_the_right_one_cyan():
    assert anaglyph(StereoPair(plain(255), plain(0)))[0, 0].tolist() == [255, 0, 0]
    assert anaglyph(StereoPair(plain(0), plain(255)))[0, 0].tolist() == [0, 255, 255]


def test_a_colour_is_mixed_in_linear_light():
    light = LEFT @ [1, 0, 0] + RIGHT @ [0, 1, 0]  # red on the left, green on the right
    expected = [255 * (1.055 * max(x, 0) ** (1 / 2.4) - 0.055) for x in light]
    assert np.allclose(
        anaglyph(StereoPair(plain(255, 0, 0), plain(0, 255, 0)))[0, 0], np.clip(expected, 0, 255), atol=1
    )


def test_rows_do_not_depend_on_each_other():
    left, right = np.random.default_rng(0).integers(0, 256, (2, 300, 5, 3), np.uint8)
    whole = anaglyph(StereoPair(left, right))
    assert all((anaglyph(StereoPair(left[y : y + 1], right[y : y + 1])) == whole[y]).all() for y in (0, 127, 128, 299))

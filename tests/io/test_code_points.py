"""Promises of code_points.py: words for colours that are not those of sRGB, and none for what looks like it."""

import pytest

from snncodec.io.code_points import colours_of_code_points


@pytest.mark.parametrize(
    ("points", "words"),
    [((9, 16), "BT.2020 with PQ"), ((9, 18), "BT.2020 with HLG"), ((12, 13), "Display P3"), ((1, 8), "linear")],
)
def test_other_colours_than_those_of_srgb_are_told(points, words):
    (sentence,) = colours_of_code_points(*points)
    assert f"says that its colours are {words}; they are taken as sRGB" in sentence


@pytest.mark.parametrize("points", [(1, 13), (1, 1), (2, 2), (6, 6), (5, 4), (255, 255)])
def test_srgb_and_what_looks_like_it_is_not_told(points):
    assert list(colours_of_code_points(*points)) == []

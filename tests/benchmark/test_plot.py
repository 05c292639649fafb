"""Promises of snncodec.benchmark.plot: every curve is drawn with its name, readable, and alike every time."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from snncodec.benchmark import plot
from snncodec.benchmark.runner import BenchResult
from snncodec.errors import InputError

pytest.importorskip("matplotlib")


def result_of(**curves):
    """Means of two pairs."""
    means = [{"codec": codec, "bpp": bpp, "psnr": psnr} for codec, points in curves.items() for bpp, psnr in points]
    return BenchResult([{"scene": "a"}, {"scene": "b"}], {"means": means}, {}, [])


CURVES = {"jpeg": [(1, 30), (0.25, 25), (3, 35)], "snncodec": [(0.2, 30), (0.5, 33), (2, 35.1)], "webp": [(2, 35)]}


@pytest.mark.parametrize("name", ["a.svg", "b.SVG", "c.png"])
def test_a_plot_is_of_the_kind_that_its_name_says(name, tmp_path):
    plot.write_plot(result_of(**CURVES), tmp_path / name)
    if name.lower().endswith("svg"):
        assert ET.parse(tmp_path / name).getroot().tag.endswith("svg")
    else:
        assert min(Image.open(tmp_path / name).size) > 800


def test_a_plot_names_every_curve_its_axes_and_the_pairs(tmp_path):
    plot.write_plot(result_of(**CURVES), tmp_path / "a.svg")
    words = set(ET.parse(tmp_path / "a.svg").getroot().itertext())
    assert {"jpeg", "snncodec", "webp", "PSNR of RGB in dB", "Means over 2 stereo pairs"} <= words


def test_the_same_figures_make_the_same_file(tmp_path):
    for name in ("a.svg", "b.svg"):
        plot.write_plot(result_of(**CURVES), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_curves_are_sorted_by_rate_ours_first_and_without_lossless_points():
    result = result_of(**CURVES | {"jxl": [(1, 30), (4, float("inf")), (5, None)]})
    assert list(plot.curves(result)) == ["snncodec", "jpeg", "webp", "jxl"]
    assert plot.curves(result)["jpeg"] == [(0.25, 25), (1, 30), (3, 35)] and plot.curves(result)["jxl"] == [(1, 30)]


def test_labels_are_moved_apart_and_keep_their_order():
    moved = plot.spread([5.0, 5.1, 5.05, 9.0], 1.0)
    assert sorted(range(4), key=moved.__getitem__) == [0, 2, 1, 3] and moved[3] == 9.0
    assert min(b - a for a, b in zip(sorted(moved), sorted(moved)[1:], strict=False)) >= 1 - 1e-9


def test_other_names_are_refused_before_the_work():
    with pytest.raises(InputError, match=r"plot\.jpg is no name of a plot; let it end in \.svg or \.png"):
        plot.check_plot(Path("plot.jpg"))


def test_without_matplotlib_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"pip install 'snncodec\[plot\]'"):
        plot.check_plot(Path("plot.svg"))

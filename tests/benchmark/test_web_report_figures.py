"""Promises of snncodec.benchmark.web_report: tables and plot show the figures of the result, odd ones included."""

import math
import re
from xml.etree import ElementTree

import pytest

from snncodec.benchmark.web_report import rd_plot
from snncodec.benchmark.web_report.tables import Column, Table

POINTS = [(0.1, 30.0), (0.4, 35.0), (2.0, 41.5)]
MEANS = [{"codec": name, "bpp": rate, "psnr": level} for name in ("ours", "<b>") for rate, level in POINTS]
COLUMNS = [Column("codec", "codec"), Column("PSNR dB", "psnr", ".2f")]


def cells(records):
    return re.findall(r"<(?:td|th scope=.row.)[^>]*>.*?</t[dh]>", Table("t", "<caption>", COLUMNS, records).html())


def circles(plot):
    return [
        (float(one.get("cx")), float(one.get("cy"))) for one in plot.iter("circle") if one.find("title") is not None
    ]


def test_cells_hold_raw_numbers_for_sorting():
    assert cells([{"codec": "a<b", "psnr": 30.123456}]) == [
        '<th scope="row" class="words">a&lt;b</th>',
        '<td data-value="30.123456">30.12</td>',
    ]


@pytest.mark.parametrize(
    ("value", "cell"), [(None, "<td>-</td>"), (math.inf, '<td data-value="Infinity">∞</td>'), (-5.5, "-5.50</td>")]
)
def test_odd_numbers_have_their_signs(value, cell):
    assert cells([{"codec": "a", "psnr": value}])[1].endswith(cell)


def test_every_heading_is_a_button_and_every_table_has_a_caption():
    html = Table("t", "<caption>", COLUMNS, []).html()
    assert re.findall(r'<th scope="col"[^>]*><button type="button">(.*?)</button></th>', html) == ["codec", "PSNR dB"]
    assert '<caption id="t-caption">&lt;caption&gt;</caption>' in html


def test_the_plot_is_sound_and_has_a_title_and_a_description():
    plot = ElementTree.fromstring(rd_plot.draw_plot(MEANS, 12))
    title, description = plot.find("title"), plot.find("desc")
    assert plot.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert "12 pairs" in title.text and "<b>: 0.100 bpp 30.00 dB, 0.400 bpp" in description.text


def test_points_stand_where_their_axes_say():
    first, second, third = circles(ElementTree.fromstring(rd_plot.draw_plot(MEANS, 1)))[:3]
    assert rd_plot.LEFT < first[0] < second[0] < third[0] < rd_plot.RIGHT
    assert rd_plot.BOTTOM > first[1] > second[1] > third[1] > rd_plot.TOP
    ratio = (second[0] - first[0]) / (third[0] - first[0])
    assert ratio == pytest.approx(math.log(4) / math.log(20), abs=0.01)  # rates are logarithmic


def test_lossless_points_and_lonely_points_are_no_obstacle():
    lossless = {"codec": "ours", "bpp": 9.0, "psnr": math.inf}
    assert len(circles(ElementTree.fromstring(rd_plot.draw_plot([*MEANS, lossless], 1)))) == len(MEANS)
    assert len(circles(ElementTree.fromstring(rd_plot.draw_plot(MEANS[:1], 1)))) == 1
    assert "no point" in rd_plot.draw_plot([lossless], 1)


def test_every_curve_of_a_dozen_codecs_looks_different():
    means = [{"codec": f"codec {n}", "bpp": 0.1 * k, "psnr": 30.0 + n + k} for n in range(12) for k in (1, 2)]
    styles = re.findall(r'<path class="curve ([^"]+)" d="M[^"]*L', rd_plot.draw_plot(means, 3))
    assert len(styles) == len(set(styles)) == 12
    assert [style for style in styles if "ours" in style] == styles[:1]

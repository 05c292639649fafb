"""Promises of snncodec.benchmark.web_report: a page that holds everything, whole or not there, and harmless names."""

import base64
import io
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import web_report_helpers
from PIL import Image
from web_report_helpers import LABELS, QUALITIES, contents

from snncodec.benchmark.runner import BenchResult
from snncodec.benchmark.summary import summarise
from snncodec.benchmark.web_report import scenes, write_report
from snncodec.errors import InputError
from snncodec.io.datasets import Scene, list_pairs

tiny_result, report = web_report_helpers.tiny_result, web_report_helpers.report  # fixtures
EMPTY = BenchResult([], summarise([], "snncodec"), {}, [])


class Tags(HTMLParser):
    """Every tag and attribute of a page, and the text outside of scripts and styles."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.inside = [], "", None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside not in ("script", "style"):
            self.text += data


@pytest.fixture(scope="module")
def page(report):
    return Tags((report / "index.html").read_text(encoding="utf-8"))


def test_every_quality_has_all_its_pictures(report):
    first = contents(report)[0]
    assert [one["quality"] for one in first["coded"]] == list(QUALITIES)
    for one in first["coded"]:
        for name in ("left", "right", "error_left", "error_right", "anaglyph"):
            picture = Image.open(io.BytesIO(base64.b64decode(one[name].removeprefix("data:image/webp;base64,"))))
            assert picture.size == (120, 90)
        assert one["modes"].startswith("data:image/webp") and sum(one["shares"]) == pytest.approx(1)


def test_figures_are_those_of_the_rows(report, tiny_result):
    one = contents(report)[0]["coded"][1]
    assert {key: one[key] for key in scenes.FIGURES} == {key: tiny_result.rows[1][key] for key in scenes.FIGURES}


def test_a_row_without_its_file_is_told(report):
    shown, missing = contents(report)[1]["coded"]
    assert "left" in shown and "left" not in missing
    assert "no longer in the cache" in missing["note"]


def test_full_pictures_of_the_middle_quality_are_linked(report):
    for place in contents(report)[0]["coded"][1]["full"].values():
        assert Image.open(report / place).size == (120, 90)
    assert len(list((report / "full").iterdir())) == 2  # the other pair has no file at that quality


def test_names_are_text_whatever_they_look_like(page):
    assert "<b>&\"'{{ js }}" in page.text and "other <codec>" in page.text and "<pairs>" in page.text
    assert not [tag for tag, _ in page.tags if tag in ("b-", "codec", "pairs")]
    assert [tag for tag, _ in page.tags].count("script") == len(LABELS) + 1
    assert contents_of_labels(page) == list(LABELS)


def contents_of_labels(page):
    """The names that can be chosen."""
    chosen = page.text.partition("Scene ")[2]
    return [label for label in LABELS if label in chosen]


def test_the_page_needs_no_other_file(page):
    places = [attributes[name] for _, attributes in page.tags for name in ("src", "href") if attributes.get(name)]
    assert [place for place in places if not place.startswith(("#", "data:"))] == []


def test_everything_that_can_be_named_has_a_name(page):
    named = {attributes.get("for") for tag, attributes in page.tags if tag == "label"}
    inputs = [attributes for tag, attributes in page.tags if tag in ("input", "select")]
    assert {one["id"] for one in inputs if "id" in one} <= named
    assert all("alt" in attributes for tag, attributes in page.tags if tag == "img")
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    labels = [a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a]
    assert {name for label in labels for name in label.split()} <= set(identifiers)


def test_the_plot_says_in_words_what_it_shows(page, tiny_result):
    assert ("svg", "img") in [(tag, attributes.get("role")) for tag, attributes in page.tags]
    mean = tiny_result.summary["means"][0]
    assert f"snncodec: {mean['bpp']:.3f} bpp {mean['psnr']:.2f} dB" in page.text


def test_a_report_is_no_data_set(report):
    assert list_pairs(report) == ([], [])


def test_a_result_without_rows_has_a_page_too(tmp_path):
    write_report(EMPTY, tmp_path / "out")
    assert "There is no point to plot." in (tmp_path / "out" / "index.html").read_text()


def test_an_older_report_is_replaced_only_when_forced(tmp_path):
    out = tmp_path / "out"
    write_report(EMPTY, out)
    (out / "full" / "old.webp").write_bytes(b"old")
    with pytest.raises(InputError, match="exists"):
        write_report(EMPTY, out)
    write_report(EMPTY, out, force=True)
    assert list((out / "full").iterdir()) == [] and list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("name", ["index.html", "thesis.tex"])
def test_what_is_no_report_of_ours_is_never_replaced(name, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    with pytest.raises(InputError, match="something else"):
        write_report(EMPTY, tmp_path / "out", force=True)
    assert (tmp_path / "out" / name).read_text() == "mine"


def test_an_interrupted_report_leaves_the_older_one(tmp_path, monkeypatch):
    write_report(EMPTY, tmp_path / "out")
    before = (tmp_path / "out" / "index.html").read_bytes()

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(scenes, "draw_scenes", stop)
    with pytest.raises(KeyboardInterrupt):
        write_report(EMPTY, tmp_path / "out", force=True)
    assert (tmp_path / "out" / "index.html").read_bytes() == before and list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_damaged_file_and_a_lost_original_are_told(tiny_result, tmp_path):
    lost = replace(tiny_result.pictures[1], scene=Scene("lost", tmp_path / "left.png", tmp_path / "right.png"))
    damaged = {key: data[:-1] for key, data in tiny_result.files.items()}
    write_report(replace(tiny_result, files=damaged, pictures=[tiny_result.pictures[0], lost]), tmp_path / "out")
    first, second = contents(tmp_path / "out")
    assert all("cannot be decoded" in one["note"] for one in first["coded"])
    assert all("cannot be read any more" in one["note"] for one in second["coded"])


def test_a_run_with_rows_missing_is_marked(tmp_path):
    write_report(replace(EMPTY, missing=4, interrupted=True, faults=["<b> is left out"]), tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "4 of 4 rows are missing: the run was interrupted; &lt;b&gt; is left out." in page

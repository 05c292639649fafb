"""Promises of the page of a report in a browser, Chromium without a window: it works by keyboard and stays offline."""

import os
import shutil
import time

import pytest
import web_report_helpers
from web_report_helpers import LABELS

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (the extra dev has it)")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

tiny_result, report = web_report_helpers.tiny_result, web_report_helpers.report  # fixtures
LOADED_WITHIN = 6  # seconds, on a machine busy with other tests; alone it takes a tenth


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser):
    """What a page is opened with; tests may ask for another one."""
    return {}


@pytest.fixture
def page(browser, report, context):
    """The page, opened; a test fails if it complained, or asked for anything from outside."""
    complaints, requests = [], []
    opened = browser.new_page(**context)
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto((report / "index.html").as_uri())
    yield opened
    opened.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def choose(page, name, value):
    page.check(f'input[name="{name}"][value="{value}"]')


def clip(page):
    return page.eval_on_selector("#over", "image => image.style.clipPath")


def wait_for_pictures(page):
    """Until all that is on the stage is decoded."""
    page.locator("#stage").scroll_into_view_if_needed()
    page.wait_for_function(
        "[...document.querySelectorAll('#stage img')].every(i => i.hidden || (i.complete && i.naturalWidth))"
    )


def column(page, table, number):
    return page.locator(f"#{table} tbody tr > :nth-child({number})").all_inner_texts()


def test_the_page_is_there_at_once(browser, report):
    page = browser.new_page()
    start = time.monotonic()
    page.goto((report / "index.html").as_uri())
    wait_for_pictures(page)
    assert time.monotonic() - start < LOADED_WITHIN
    page.close()


def test_the_slider_moves_the_boundary_by_keyboard(page):
    wait_for_pictures(page)
    assert clip(page) == "inset(0px 0px 0px 50%)"
    page.focus("#boundary")
    page.keyboard.press("ArrowRight")
    assert clip(page) == "inset(0px 0px 0px 51%)"
    page.keyboard.press("Home")
    assert clip(page) == "inset(0px 0px 0px 0%)"
    assert page.get_attribute("#boundary", "aria-valuetext") == "0 % original, 100 % decoded"


def test_the_boundary_stands_at_one_place_in_pictures_and_in_maps_that_reach_beyond_them(page):
    choose(page, "mode", "modes")
    page.fill("#boundary", "50")
    wide = page.eval_on_selector("#over", "image => image.getBoundingClientRect().width")
    visible = wide * float(clip(page).split()[-1].rstrip("%)")) / 100
    stage = page.eval_on_selector("#stage", "stage => stage.getBoundingClientRect().width")
    assert wide > stage and visible == pytest.approx(stage / 2, abs=1)


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_heading_sorts_its_table_by_keyboard(page, key):
    heading = page.locator("#rows thead th").nth(4)  # bpp
    heading.locator("button").focus()
    page.keyboard.press(key)
    assert heading.get_attribute("aria-sort") == "ascending"
    rates = [float(text) for text in column(page, "rows", 5)]
    assert rates == sorted(rates)
    page.keyboard.press(key)
    assert heading.get_attribute("aria-sort") == "descending"
    assert [float(text) for text in column(page, "rows", 5)] == rates[::-1]


def test_one_heading_at_a_time_is_marked_and_words_are_sorted_too(page):
    page.click("#rows thead th:nth-child(5) button")
    page.click("#rows thead th:nth-child(1) button")
    assert page.locator("#rows [aria-sort]").count() == 1
    assert column(page, "rows", 1)[0] == LABELS[1] and column(page, "rows", 1)[-1] == LABELS[0]


def test_a_quality_changes_picture_and_figures(page, tiny_result):
    seen = []
    for quality, row in zip((20, 60), tiny_result.rows[:2], strict=True):
        choose(page, "quality", quality)
        seen.append(page.get_attribute("#over", "src"))
        figures = page.inner_text("#figures")
        assert f"quality {quality}: {row['bpp']:.3f} bpp, {row['psnr']:.2f} dB" in figures
        assert f"{quality}" in page.get_attribute("#over", "alt")
    assert seen[0] != seen[1] and page.get_attribute("#figures", "aria-live") == "polite"


def test_qualities_are_chosen_by_keyboard(page):
    choose(page, "quality", 20)
    page.focus('input[name="quality"][value="20"]')
    page.keyboard.press("ArrowRight")
    assert "quality 60" in page.inner_text("#figures")


def test_each_view_and_each_mode_shows_another_picture(page):
    seen = set()
    for mode in ("compare", "error", "anaglyph", "field", "modes"):
        for view in ("left", "right"):
            choose(page, "mode", "compare")
            choose(page, "view", view)
            choose(page, "mode", mode)
            wait_for_pictures(page)
            assert page.get_attribute("#over", "alt") and page.inner_text("#caption")
            seen.add(page.get_attribute("#over", "src"))
        assert page.locator(".legend:visible").count() == (mode in ("error", "field", "modes"))
    assert len(seen) == 2 + 2 + 1 + 1 + 1


def test_flicker_shows_both_views_until_another_mode_is_chosen(page):
    button = page.locator("#flicker")
    button.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    page.wait_for_selector("#over", state="hidden")
    page.wait_for_selector("#over", state="visible")
    choose(page, "mode", "error")
    assert button.get_attribute("aria-pressed") == "false"
    choose(page, "mode", "compare")
    button.press("Enter")
    button.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    assert page.evaluate("timer") is None


@pytest.mark.parametrize("context", [{"reduced_motion": "reduce"}])
def test_nothing_moves_by_itself_where_that_is_unwelcome(page):
    page.press("#flicker", "Enter")
    assert page.get_attribute("#flicker", "aria-pressed") == "true" and page.evaluate("timer") is None
    assert "right view" in page.get_attribute("#over", "alt") and page.is_visible("#over")


def test_another_scene_is_opened_from_the_menu_and_from_its_name_in_the_table(page):
    page.select_option("#scene", "1")
    assert LABELS[1] in page.inner_text("#figures")
    page.click("#pairs a >> nth=0")
    assert page.inner_text("#figures").startswith(LABELS[0])


def test_a_missing_picture_is_explained(page):
    page.select_option("#scene", "1")
    choose(page, "quality", 60)
    assert "no longer in the cache" in page.inner_text("#caption")
    assert not page.is_visible("#stage") and page.is_disabled("#flicker")


def test_pictures_that_are_not_chosen_are_not_loaded(page):
    assert page.locator("img").count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_and_ink_are_far_apart(page, scheme):
    page.emulate_media(color_scheme=scheme)
    colours = page.evaluate("(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))")
    ink, paper = (sum(int(part) for part in colour[4:-1].split(",")) for colour in colours)
    assert (paper - ink if scheme == "light" else ink - paper) > 500

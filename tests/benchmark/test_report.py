"""Promises of snncodec.benchmark.report: results arrive complete on the console and on disk, odd values included."""

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from snncodec.benchmark import report, results_files
from snncodec.benchmark.measurement import STAGE_KEYS
from snncodec.benchmark.runner import BenchResult
from snncodec.benchmark.summary import summarise
from snncodec.errors import InputError

KEYS = ["scene", "height", "width", "codec", "quality", "bytes", "bpp", "psnr", "psnr_left", "psnr_right"]
KEYS += ["ms_ssim", "encode_s", "decode_s", "bpp_left", "bpp_right"]
KEYS += STAGE_KEYS


def rows(scene, codec, factor):
    """A rate-distortion curve of six points, 3 dB for twice the bits."""
    same = {"psnr_left": 28.0, "psnr_right": 29.0, "ms_ssim": 0.9, "encode_s": 1.5, "decode_s": 0.5}
    same |= {"bpp_left": 0.25, "bpp_right": 0.125}
    same |= dict.fromkeys(STAGE_KEYS, 0.125 if codec == "snncodec" else 0.0)
    return [
        {
            "scene": scene,
            "height": 100,
            "width": 200,
            "codec": codec,
            "quality": q,
            "bytes": 99,
            "bpp": factor * 2**q / 10,
            "psnr": 28.25 + 3 * q,
        }
        | same
        for q in range(1, 7)
    ]


def result_of(table):
    return BenchResult(table, summarise(table, "snncodec"), {"coders": {"jpeg": "JPEG as is"}}, [Path("lost.png")])


@pytest.fixture
def result():
    table = rows("a", "snncodec", 0.5) + rows("a", "jpeg", 1) + rows("b", "snncodec", 1.2) + rows("b", "jpeg", 1)
    return result_of(table)


@pytest.fixture
def lossless():
    row = rows("[red]a", "snncodec", 1)[0] | {"psnr": math.inf, "ms_ssim": None}
    return result_of([row, row | {"codec": "jpeg"}])


def printed(result, per_pair=False, width=200):
    console = Console(file=io.StringIO(), width=width)
    report.print_tables(result, console, per_pair)
    return console.file.getvalue()


def lines_of(text):
    """The lines of a table, with single spaces for rules and padding."""
    return [" ".join(line.replace("│", " ").split()) for line in text.splitlines()]


def test_json_holds_rows_summary_and_settings(result, tmp_path):
    results_files.write_json(result, tmp_path / "out.json")
    content = json.loads((tmp_path / "out.json").read_text())
    assert list(content) == ["rows", "summary", "settings", "missing_rows"]
    assert content["rows"] == result.rows and content["summary"] == result.summary
    assert content["settings"] == result.settings | {"orphans": ["lost.png"]}


def test_json_comes_back_as_it_was_written(result, tmp_path):
    results_files.write_json(result, tmp_path / "out.json")
    assert results_files.read_json(tmp_path / "out.json") == result


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settings": 1}', '{"settings": {"orphans": [1]}}'])
def test_json_of_others_is_refused(content, tmp_path):
    (tmp_path / "out.json").write_text(content)
    with pytest.raises(InputError, match="holds no results of bench"):
        results_files.read_json(tmp_path / "out.json")


def test_a_lossless_row_is_null_in_strict_json(lossless, tmp_path):
    results_files.write_json(lossless, tmp_path / "out.json")
    content = json.loads((tmp_path / "out.json").read_text(), parse_constant=pytest.fail)
    assert content["rows"][0]["psnr"] is None
    assert content["summary"]["means"][0]["psnr"] is None


def test_a_lossless_row_is_infinite_in_csv(lossless, tmp_path):
    results_files.write_csv(lossless, tmp_path / "out.csv")
    line = next(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert float(line["psnr"]) == math.inf and line["ms_ssim"] == ""


def test_csv_has_one_line_per_row_and_the_same_figures(result, tmp_path):
    results_files.write_csv(result, tmp_path / "out.csv")
    lines = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert list(lines[0]) == KEYS
    assert [(line["scene"], line["codec"], float(line["bpp"])) for line in lines] == [
        (row["scene"], row["codec"], row["bpp"]) for row in result.rows
    ]


@pytest.mark.parametrize("write", [results_files.write_json, results_files.write_csv])
def test_results_replace_a_file_only_when_forced(write, result, tmp_path):
    target = tmp_path / "out"
    target.write_text("mine")
    with pytest.raises(InputError, match="exists"):
        write(result, target)
    assert target.read_text() == "mine"
    write(result, target, force=True)
    assert len(target.read_text()) > 1000 and list(tmp_path.iterdir()) == [target]


def test_every_row_is_shown_on_request_only(result):
    lines = lines_of(printed(result, per_pair=True))
    assert "a snncodec 3 0.400 37.25 0.9000 0.250 0.125 28.00 29.00 1.500 0.500" in lines
    assert sum(line.split()[1:2] in (["snncodec"], ["jpeg"]) for line in lines) == len(result.rows)
    assert "a snncodec 3" not in "".join(lines_of(printed(result)))


def test_means_are_shown(result):
    assert "snncodec 3 0.680 37.25 0.9000 0.250 0.125 28.00 29.00 1.500 0.500" in lines_of(printed(result))


def test_bd_rates_are_shown_with_the_pairs_at_both_ends_and_that_of_mean_curves(result):
    assert "jpeg -15.0 % -15.0 % 2 of 2 -50.0 % a +20.0 % b" in lines_of(printed(result))


def test_every_pair_has_one_line(result):
    lines = lines_of(printed(result))
    assert "a 200x100 -50.0 % 0.100 to 3.200 31.2 to 46.2" in lines
    assert "b 200x100 +20.0 % 0.240 to 7.680 31.2 to 46.2" in lines


def test_speeds_are_megapixels_of_both_views_a_second(result):
    assert "snncodec 0.03 0.08 - -" in lines_of(printed(result))


def test_a_bd_rate_of_curves_that_hardly_overlap_is_marked():
    table = rows("a", "snncodec", 1) + [row | {"psnr": row["psnr"] + 7} for row in rows("a", "jpeg", 1)]
    text = printed(result_of(table))
    assert "%? " in text and "? jpeg on a: the curves share 53% of the shorter one's range" in text


@pytest.mark.parametrize("width", [30, 80])
def test_narrow_consoles_get_fewer_columns_and_are_told_so(result, width):
    text = printed(result, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "decode s" in printed(result) and "no room for" in " ".join(text.split())
    assert "snncodec 3 0.680 37.25" in " ".join(" ".join(lines_of(text)).split())


def test_settings_and_orphans_are_printed_with_the_results(result):
    assert "jpeg: JPEG as is" in printed(result) and "left out, no partner: lost.png" in printed(result)


def test_a_run_with_rows_missing_is_marked_and_tells_why(result, tmp_path):
    partial = replace(result, missing=4, interrupted=True, faults=["wall is left out: it is gone"])
    assert "PARTIAL: 4 of 28 rows are missing" in printed(partial) and "wall is left out" in printed(partial)
    results_files.write_json(partial, tmp_path / "rows.json")
    assert results_files.read_json(tmp_path / "rows.json") == partial


def test_missing_values_are_a_dash_and_explained(lossless):
    text = printed(lossless, per_pair=True)
    assert "[red]a snncodec 1 0.200 inf - 0.250 0.125 28.00 29.00 1.500 0.500" in lines_of(text)
    assert "no BD-rate against jpeg on [red]a: a curve has 0 usable points, 4 are needed" in text

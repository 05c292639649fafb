"""Promises of `snncodec bench`: tables go to stdout, and results to the files that were asked for."""

import json
from dataclasses import replace
from pathlib import Path

import cli_helpers
import pytest
from cli_helpers import fails, run

from snncodec.benchmark import runner
from snncodec.benchmark.results_cache import default_folder
from snncodec.benchmark.runner import BenchResult
from snncodec.benchmark.summary import summarise
from snncodec.errors import InputError
from snncodec.stopwatch import STAGES

codec, folder, coded = cli_helpers.codec, cli_helpers.folder, cli_helpers.coded  # fixtures
ROW = {
    "scene": "alley",
    "height": 4,
    "width": 4,
    "codec": "snncodec",
    "quality": 20,
    "bytes": 99,
    "bpp": 0.25,
    "psnr": 30.5,
}
ROW |= {"psnr_left": 30.0, "psnr_right": 31.0, "ms_ssim": 0.9, "encode_s": 1.0, "decode_s": 1.0}
ROW |= {"bpp_left": 0.3, "bpp_right": 0.2}
ROW |= {f"{way}_{stage}_s": 0.1 for way in ("encode", "decode") for stage in STAGES}


@pytest.fixture
def measured(monkeypatch, folder):
    """The arguments of every run over the folder `pairs`, which all end with the same row."""
    seen = []
    (folder / "pairs").mkdir()

    def measure(data, qualities, baselines, **options):
        seen.append((data, list(qualities), list(baselines), {k: v for k, v in options.items() if k != "note"}))
        return BenchResult([ROW], summarise([ROW], "snncodec"), {"coders": {}}, [])

    monkeypatch.setattr(runner, "run", measure)
    return seen


def test_tables_are_printed_and_files_are_written(folder, measured):
    result = run("bench pairs --json rows.json --csv rows.csv")
    assert result.exit_code == 0
    assert "alley" in result.stdout
    assert result.stderr == ""
    assert json.loads(Path("rows.json").read_text())["rows"] == [ROW]
    assert "alley,4,4,snncodec,20" in Path("rows.csv").read_text()


def test_options_are_passed_on(folder, measured):
    run(
        "bench pairs -q 20,40 --baselines jpeg --independent --effort 7 --weights own.safetensors --device cpu "
        "--jobs 2 --cache kept"
    )
    options = {"weights": "own.safetensors", "device": "cpu", "independent": True, "effort": 7, "progress": None}
    options |= {"jobs": 2, "cache": Path("kept")}
    assert measured == [(Path("pairs"), [20, 40], ["jpeg"], options)]


def test_without_a_choice_the_usual_qualities_meet_all_baselines(folder, measured):
    run("bench pairs")
    options = {"weights": "base", "device": "auto", "independent": False, "effort": 5, "progress": None}
    options |= {"jobs": 1, "cache": default_folder()}
    assert measured == [(Path("pairs"), [10, 30, 50, 70, 90], ["jpeg", "webp", "avif", "avif-psnr"], options)]


def test_two_outputs_of_one_name_are_refused_before_the_work(folder, measured):
    fails(run("bench pairs --json rows --csv ./rows -f"), "named twice")
    assert not measured


def test_an_unknown_baseline_is_wrong_usage(folder, measured):
    result = run("bench pairs --baselines jpeg,bogus")
    assert result.exit_code == 2 and "Usage: " in result.stderr and "bogus" in result.stderr
    assert not measured


def test_spikes_are_counted_on_request_only(folder, measured, monkeypatch):
    made = []

    class Count:
        def add_to(self, result):
            return replace(result, spikes={"firing": 0.25})

    monkeypatch.setattr("snncodec.cli.bench._spike_count", lambda *given: made.append(given) or Count())
    monkeypatch.setattr("snncodec.benchmark.spike_report.print_spikes", lambda spikes, console: console.print(spikes))
    assert "firing" not in run("bench pairs").stdout and not made
    assert "'firing': 0.25" in run("bench pairs --spikes --device cpu --json rows.json").stdout
    assert made == [("base", "cpu")]
    assert json.loads(Path("rows.json").read_text())["spikes"] == {"firing": 0.25}


def test_spikes_of_neurons_that_do_not_fire_are_refused_before_the_work(folder, measured, monkeypatch):
    monkeypatch.setattr("snncodec.cli.bench._spike_count", cli_helpers.raiser(InputError("these fire no spikes")))
    fails(run("bench pairs --spikes"), "fire no spikes")
    assert not measured


def test_a_report_is_written(folder, measured):
    assert run("bench pairs --report page --json rows.json").exit_code == 0
    assert "alley" in Path("page/index.html").read_text()
    assert run("bench pairs --report page --json rows.json --force").exit_code == 0


def test_a_report_that_cannot_be_written_is_refused_before_the_work(folder, measured):
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine")
    fails(run("bench pairs --report mine"), "exists already")
    fails(run("bench pairs --report mine -f"), "something else than a report")
    fails(run("bench pairs --report left.png -f"), "is a file")
    fails(run("bench pairs --report lost/page"), "no folder")
    assert not measured


def test_a_file_inside_a_report_is_refused_before_the_work(folder, measured):
    assert run("bench pairs --report page").exit_code == 0
    fails(run("bench pairs --report page --json page/rows.json -f"), "lies in the folder of the report")
    assert len(measured) == 1


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        ({"interrupted": True}, 130, "snncodec: interrupted"),
        ({"faults": ["wall is left out: it is gone", "x"]}, 1, "measured: wall is left out: it is gone (and 1 more)"),
    ],
)
def test_rows_of_a_run_that_is_not_complete_are_written_and_its_status_tells(
    how, status, words, folder, measured, monkeypatch
):
    whole = runner.run
    monkeypatch.setattr(runner, "run", lambda *given, **options: replace(whole(*given, **options), missing=4, **how))
    result = run("bench pairs --json rows.json")
    assert result.exit_code == status and words in result.stderr
    assert "PARTIAL: 4 of 5 rows are missing" in result.stdout
    written = json.loads(Path("rows.json").read_text())
    assert written["rows"] == [ROW] and written["missing_rows"] == 4 and how.items() <= written.items()

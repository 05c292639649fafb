"""Promises of spike_count and spike_report: all pairs are counted, and the tables come with what they do not say."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from snncodec.benchmark import results_files
from snncodec.benchmark.measurement import Picture
from snncodec.benchmark.runner import BenchResult
from snncodec.benchmark.spike_count import SpikeCount
from snncodec.benchmark.spike_report import notes, print_spikes
from snncodec.codec import Codec
from snncodec.errors import InputError
from snncodec.io.datasets import Scene


@pytest.fixture(scope="module")
def codec(tiny):
    return Codec(tiny, "cpu")


@pytest.fixture(scope="module")
def measured(codec, motorcycle):
    """Two pairs of 48 x 64 pixels, at three qualities."""
    views = [tuple(np.ascontiguousarray(view[top : top + 48, 300:364]) for view in motorcycle) for top in (40, 250)]
    scene = Scene("a", Path("left.png"), Path("right.png"))
    files = {(name, q): codec.encode(*pair, q) for name, pair in zip("ab", views, strict=True) for q in (20, 40, 60)}
    return BenchResult([], {}, {"coders": {}}, [], [Picture(name, scene, name, 48, 64) for name in "ab"], files)


@pytest.fixture(scope="module")
def counted(codec, measured):
    return SpikeCount(codec).add_to(measured)


def printed(spikes, width):
    console = Console(file=io.StringIO(), width=width)
    print_spikes(spikes, console)
    return console.file.getvalue()


def test_all_pairs_are_counted_at_the_middle_quality(counted, codec, measured):
    spikes = counted.spikes
    assert (spikes["quality"], spikes["pairs"], spikes["of_pairs"], spikes["pixels"]) == (40, 2, 2, 4 * 48 * 64)
    one = SpikeCount(codec)
    with one.watch.counting():
        codec.decode(measured.files["a", 40])
        codec.decode(measured.files["b", 40])
    assert one.describe(4 * 48 * 64).items() <= spikes.items()


def test_costs_of_all_networks_are_the_sum_of_each(counted):
    for key, total in counted.spikes["per_pixel"].items():
        assert total == pytest.approx(sum(each["per_pixel"][key] for each in counted.spikes["networks"].values()))


def test_a_pair_whose_file_is_missing_is_told(codec, measured):
    files = {key: file for key, file in measured.files.items() if key != ("b", 40)}
    found = SpikeCount(codec).add_to(BenchResult([], {}, {}, [], measured.pictures, files))
    assert (found.spikes["pairs"], found.spikes["of_pairs"]) == (1, 2)
    assert "1 of 2 pairs" in notes(found.spikes)[0]


def test_an_interrupted_run_is_not_counted(codec, measured):
    stopped = BenchResult([], {}, {}, [], measured.pictures, measured.files, missing=1, interrupted=True)
    assert SpikeCount(codec).add_to(stopped) is stopped


def test_every_layer_and_the_terms_of_the_estimate_are_printed(counted):
    text = " ".join(printed(counted.spikes, 200).split())
    for network in counted.spikes["networks"].values():
        assert all(layer["layer"] in text for layer in network["neurons"])
    for words in ("simulation", "four binary steps", "0.9 pJ", "4.6 pJ", "45 nm", "Horowitz 2014", "24.96 pJ"):
        assert words in text


def test_with_several_time_steps_the_twins_are_not_called_equal(counted):
    about = counted.spikes | {"neuron": "lif", "time_steps": 4}
    assert any("T = 4" in line and "not compute quite the same" in line for line in notes(about))
    assert not any("five levels" in line for line in notes(about))


@pytest.mark.parametrize("width", [30, 60, 100])
def test_tables_fit_the_console(counted, width):
    assert max(map(len, printed(counted.spikes, width).splitlines())) <= width


def test_json_holds_what_was_counted(counted, tmp_path):
    results_files.write_json(counted, tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text())["spikes"] == counted.spikes


def test_the_relu_twin_is_refused(weights_files):
    with pytest.raises(InputError, match="fire no spikes"):
        SpikeCount(Codec(weights_files["relu"], "cpu"))

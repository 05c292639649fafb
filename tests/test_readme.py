"""The promise of README.md: its figures are those that were measured, and its commands exist."""

import importlib.util
from pathlib import Path

import pytest

from snncodec.benchmark.results_files import read_json

ROOT = Path(__file__).parent.parent
_spec = importlib.util.spec_from_file_location("fill_readme", ROOT / "docs/fill_readme.py")
fill_readme = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fill_readme)


@pytest.fixture(scope="module")
def tables():
    return fill_readme.tables()


def test_tables_are_those_of_the_committed_results(tables):
    readme = fill_readme.README.read_text(encoding="utf-8")
    assert fill_readme.filled(readme, tables) == readme, "run python docs/fill_readme.py"


@pytest.mark.parametrize("name", ["curves", "comparison", "qualities", "neurons"])
def test_another_result_would_show(name, tables):
    readme = fill_readme.README.read_text(encoding="utf-8")
    assert fill_readme.filled(readme, tables | {name: tables[name] + "| 1 |\n"}) != readme


def test_the_plot_is_there_and_names_every_codec():
    plot = fill_readme.PLOT.read_text(encoding="utf-8")
    assert all(f">{codec}<" in plot for codec in read_json(fill_readme.RESULTS).summary["speed"])

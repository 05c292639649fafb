"""Promises of `snncodec export`: a graph is written whole, what is not in it is told, what cannot be is refused."""

import sys

import pytest
from cli_helpers import fails, names, run

nir = pytest.importorskip("nir")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The current folder, an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_graph_is_written_for_whole_blocks(tiny):
    result = run(f"export {tiny} out.nir --height 20 --width 32 -q 30")
    assert (result.exit_code, result.stdout) == (0, "")
    graph = nir.read("out.nir")
    assert graph.nodes["input"].input_type["input"].tolist() == [3, 32, 32]
    assert int(graph.metadata["quality"]) == 30
    assert f"out.nir: {len(graph.nodes)} nodes, {len(graph.edges)} edges" in result.stderr


def test_what_stays_outside_is_told(tiny):
    lines = run(f"export {tiny} out.nir --height 16 --width 16").stderr.splitlines()
    outside = [line for line in lines if line.startswith("outside the graph: ")]
    for words in ("local contrast", "gain of D", "conditioning", "context model"):
        assert any(words in line for line in outside)


def test_with_quiet_nothing_is_said(tiny):
    assert run(f"export {tiny} out.nir --height 16 --width 16 --quiet").output == ""


def test_what_exists_is_kept(tiny, folder):
    (folder / "out.nir").write_text("mine")
    fails(run(f"export {tiny} out.nir"), "exists already")
    assert (folder / "out.nir").read_text() == "mine"


@pytest.mark.parametrize("name", ["lif", "relu"])
def test_other_neurons_are_one_sentence(weights_files, name, folder):
    fails(run(f"export {weights_files[name]} out.nir"), "NIR cannot say", name)
    assert not names(folder)


def test_unknown_weights_are_one_sentence(folder):
    fails(run("export nobody out.nir"), "there are no weights 'nobody'")
    assert not names(folder)


def test_a_missing_package_is_one_sentence(tiny, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    fails(run(f"export {tiny} out.nir"), "pip install 'snncodec[nir]'")
    assert not names(folder)

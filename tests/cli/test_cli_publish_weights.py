"""Promises of `snncodec publish-weights`: sound weights are shipped under a name, anything else changes nothing."""

import hashlib
import json
from pathlib import Path

import pytest
from cli_helpers import fails, names, run
from conftest import CPU

from snncodec.model import shipped_weights, weights_manifest
from snncodec.model.shipped_weights import load_weights

MANIFEST = '{"other": {"sha256": "00", "bytes": 1}}'


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """The folder of shipped weights, for once an empty one but for a manifest."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "MANIFEST.json").write_text(MANIFEST)
    for module in (weights_manifest, shipped_weights):
        monkeypatch.setattr(module, "folder", lambda: folder)
    return folder


def test_a_file_is_shipped_under_its_name(shipped, tiny):
    result = run(f"publish-weights {tiny} small")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{shipped / 'small.safetensors'}: shipped as 'small'\n"
    data = Path(tiny).read_bytes()
    assert (shipped / "small.safetensors").read_bytes() == data
    entry = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    assert json.loads((shipped / "MANIFEST.json").read_text()) == json.loads(MANIFEST) | {"small": entry}
    assert load_weights("small", CPU).id.hex() == entry["sha256"][:16]


def test_other_weights_take_the_place_of_those_of_their_name(shipped, weights_files):
    for name in ("ilif", "lif"):
        assert run(f"publish-weights {weights_files[name]} small").exit_code == 0
    assert load_weights("small", CPU).codec.config.neuron == "lif"
    assert names(shipped) == {"MANIFEST.json", "small.safetensors"}


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"", lambda data: b"no weights"])
def test_a_damaged_file_is_refused_and_the_manifest_is_left_alone(shipped, tiny, tmp_path, damage):
    (tmp_path / "damaged.safetensors").write_bytes(damage(Path(tiny).read_bytes()))
    fails(run(f"publish-weights {tmp_path / 'damaged.safetensors'} small"), "damaged.safetensors")
    assert (shipped / "MANIFEST.json").read_text() == MANIFEST
    assert names(shipped) == {"MANIFEST.json"}


def test_a_missing_file_is_one_sentence(shipped):
    fails(run("publish-weights nowhere.safetensors small"), "nowhere.safetensors: No such file or directory")
    assert (shipped / "MANIFEST.json").read_text() == MANIFEST

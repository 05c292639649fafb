"""Promises of model/shipped_weights.py: weights are found by name or id, and only as the manifest describes them."""

import hashlib
import json
from pathlib import Path

import pytest
from conftest import CPU

from snncodec.codec import decode, encode
from snncodec.errors import UnsupportedError, WeightsError
from snncodec.model import shipped_weights, weights_manifest
from snncodec.model.shipped_weights import load_weights, publish_weights
from snncodec.model.weights import read_weights
from snncodec.model.weights_manifest import find_by_id, manifest

LARGEST = 12 * 2**20  # bytes of a shipped weights file


@pytest.fixture
def shipped(tmp_path, monkeypatch, tiny):
    """A folder with the tiny weights shipped under the name `it`."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for module in (weights_manifest, shipped_weights):
        monkeypatch.setattr(module, "folder", lambda: folder)
    data = Path(tiny).read_bytes()
    (folder / "it.safetensors").write_bytes(data)
    entry = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "MANIFEST.json").write_text(json.dumps({"it": entry}))
    read_weights.cache_clear()
    yield folder
    read_weights.cache_clear()


@pytest.mark.parametrize("name", ["", ".", "no such weights", "base/../base"])
def test_weights_that_are_not_there_are_refused(name):
    with pytest.raises(WeightsError):
        load_weights(name, CPU)


def test_files_coded_with_shipped_weights_find_them_by_themselves(shipped, crop):
    data = encode(*crop, weights="it")
    assert decode(data).left.shape == crop[0].shape


def test_shipped_weights_that_were_changed_are_refused(shipped):
    file = shipped / "it.safetensors"
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(WeightsError, match="sha256"):
        load_weights("it", CPU)


def test_shipped_weights_that_are_gone_are_refused(shipped):
    (shipped / "it.safetensors").unlink()
    with pytest.raises(WeightsError):
        load_weights("it", CPU)


def test_an_id_that_is_not_shipped_is_unsupported(shipped):
    with pytest.raises(UnsupportedError):
        find_by_id(bytes(8))


def test_weights_without_a_manifest_are_still_found_by_their_path(shipped, tiny):
    (shipped / "MANIFEST.json").unlink()
    assert manifest() == {}
    assert load_weights(tiny, CPU).id == hashlib.sha256(Path(tiny).read_bytes()).digest()[:8]


def test_published_weights_are_shipped_beside_the_others(shipped, weights_files):
    before = manifest()["it"]
    file = publish_weights(Path(weights_files["lif"]), "more")
    assert file == shipped / "more.safetensors" and file.read_bytes() == Path(weights_files["lif"]).read_bytes()
    assert set(manifest()) == {"it", "more"} and manifest()["it"] == before
    assert find_by_id(load_weights("more", CPU).id) == "more"


def test_damaged_weights_are_not_published(shipped, tmp_path):
    before = sorted((file.name, file.read_bytes()) for file in shipped.iterdir())
    (tmp_path / "damaged").write_bytes((shipped / "it.safetensors").read_bytes()[:-1])
    with pytest.raises(WeightsError):
        publish_weights(tmp_path / "damaged", "it")
    assert sorted((file.name, file.read_bytes()) for file in shipped.iterdir()) == before


def test_every_weights_file_of_the_repository_is_in_the_manifest():
    assert {file.stem for file in shipped_weights.folder().glob("*.safetensors")} == set(manifest())


@pytest.mark.parametrize("name", sorted(manifest()))
def test_shipped_weights_are_sound_and_small(name):
    data = (shipped_weights.folder() / f"{name}.safetensors").read_bytes()
    entry = manifest()[name]
    assert hashlib.sha256(data).hexdigest() == entry["sha256"] and len(data) == entry["bytes"] < LARGEST
    assert load_weights(name, CPU).id.hex() == entry["sha256"][:16]

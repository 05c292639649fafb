"""Promises of weights.py: what is saved is what is loaded, bit for bit, and nothing but sound weights is ever used."""

import copy
import hashlib
import json
import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import CONFIGS, CPU, TINY, random_model
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from snncodec.entropy import TABLES, WIDEST, make_frequencies
from snncodec.neurons import Spike
from snncodec.weights import find_by_id, load_for_training, load_weights, read_weights, save_weights

from snncodec import codec, weights
from snncodec.errors import UnsupportedError, WeightsError
from snncodec.model import NODES

ENCODER = ("left_encoder", "right_encoder", "encoder_offsets")
LARGEST = 12 * 2**20  # bytes of a shipped weights file


@pytest.fixture
def parts(tiny):
    """The tensors and the metadata of the tiny weights."""
    with safe_open(tiny, "pt") as file:
        return load_file(tiny), file.metadata()


@pytest.fixture
def refused(tmp_path):
    """A function that writes tensors and metadata to a file and expects a `WeightsError` of it."""

    def check(tensors, metadata):
        save_file(tensors, tmp_path / "bad.safetensors", metadata)
        with pytest.raises(WeightsError):
            load_weights(str(tmp_path / "bad.safetensors"), CPU)

    return check


@pytest.mark.parametrize("name", CONFIGS)
def test_what_decodes_is_saved_and_loaded_bit_for_bit(name, tmp_path):
    histogram = np.random.default_rng(0).integers(0, 99, (TABLES, WIDEST + 1)).astype(float)
    model, frequencies = random_model(CONFIGS[name]), make_frequencies(histogram)
    loaded = load_weights(str(save_weights(model, tmp_path / "w.safetensors", frequencies)), CPU)
    prepared = copy.deepcopy(model).prepare(CPU)
    assert loaded.model.config == CONFIGS[name]
    assert np.array_equal(loaded.tables.frequencies, frequencies)
    for key, value in prepared.state_dict().items():
        other = loaded.model.state_dict()[key]
        if key.startswith(ENCODER):
            assert torch.allclose(other, value, rtol=1e-3, atol=2**-14)
        else:
            assert torch.equal(other, value) and other.dtype == value.dtype


def test_the_id_is_the_start_of_the_sha256_of_the_file(tiny):
    assert load_weights(tiny, CPU).id == hashlib.sha256(Path(tiny).read_bytes()).digest()[:8]


def test_one_model_always_gives_the_same_file(loaded, tmp_path):
    files = [save_weights(loaded.model, tmp_path / f"{i}.safetensors").read_bytes() for i in range(8)]
    assert len(set(files)) == 1


def test_saving_leaves_the_model_as_it_was(tmp_path):
    model = random_model(TINY)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    save_weights(model, tmp_path / "w.safetensors")
    after = model.state_dict()
    assert model.training and all(p.requires_grad for p in model.parameters())
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


def test_a_file_that_was_written_again_is_read_again(tmp_path):
    file = tmp_path / "w.safetensors"
    save_weights(random_model(TINY, seed=1), file)
    first = load_weights(str(file), CPU).id
    save_weights(random_model(TINY, seed=2), file)
    assert load_weights(str(file), CPU).id != first


def test_every_flipped_byte_changes_the_id_or_is_refused(tiny):
    data, original = Path(tiny).read_bytes(), load_weights(tiny, CPU).id
    for position in np.random.default_rng(0).integers(0, len(data), 15):
        flipped = data[:position] + bytes([data[position] ^ 16]) + data[position + 1 :]
        with suppress(WeightsError):
            assert read_weights(flipped, "it", CPU).id != original


class Surprise:
    """What a hostile pickle does when it is loaded."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was executed",)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 7,
        b"not weights at all",
        bytes(1000),
        (2**62).to_bytes(8, "little") + b"{}",
        pickle.dumps(Surprise()),
    ],
    ids=["empty", "short", "text", "zeros", "endless header", "pickle"],
)
def test_foreign_files_are_refused(data, tmp_path):
    (tmp_path / "foreign").write_bytes(data)
    with pytest.raises(WeightsError):
        load_weights(str(tmp_path / "foreign"), CPU)


@pytest.mark.parametrize("keep", [1, 8, 500, 20000, -1])
def test_truncated_files_are_refused(keep, tiny, tmp_path):
    (tmp_path / "cut").write_bytes(Path(tiny).read_bytes()[:keep])
    with pytest.raises(WeightsError):
        load_weights(str(tmp_path / "cut"), CPU)


@pytest.mark.parametrize("name", ["", ".", "no such weights", "base/../base"])
def test_weights_that_are_not_there_are_refused(name):
    with pytest.raises(WeightsError):
        load_weights(name, CPU)


def test_safetensors_of_something_else_are_refused(refused):
    refused({"weight": torch.zeros(3)}, {"format": "pt"})
    refused({"weight": torch.zeros(3)}, None)


CONFIG_CHANGES = [
    {"extra": 1}, {"neuron": "quartz"}, {"M": "8"}, {"M": -1}, {"M": 16}, {"T": 0}, {"groups": [48, 1]},
    {"groups": None}, {"groups": 48}, {"tau": "2"}, {"patch": 3}, {"patch": 0}, {"blocks": 2}, {"refined": 49},
    {"M": 20000}, {"M": 4000}, {"blocks": 10**6}, {"T": 2**20}, {"neuron": "lif", "T": 64}, {"N2": 10**9},
]  # fmt: skip


@pytest.mark.parametrize("change", CONFIG_CHANGES, ids=str)
def test_a_configuration_that_does_not_fit_is_refused(change, parts, refused):
    tensors, metadata = parts
    key, text = next((key, text) for key, text in metadata.items() if '"prior_width"' in text.replace("\\", ""))
    values = json.loads(text)
    values.get("config", values).update(change)
    refused(tensors, {**metadata, key: json.dumps(values)})


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("tables", lambda t: t[:-1].clone()),
        ("tables", lambda t: -t),
        ("tables", lambda t: t.float() * float("nan")),
        ("tables", None),
        ("hyper_index", None),
        ("hyper_index", lambda t: t[:-1].clone()),
        ("hyper_index", lambda t: t.float() * float("nan")),
        ("left_encoder.analysis.matrix", lambda t: t * float("nan")),
        ("left_encoder.network.stem.weight", lambda t: t * float("inf")),
        ("tables", lambda t: t.long() * 2**40),
        ("decoder.network.stem.weight", lambda t: t.double() * 1e30),
        ("decoder.network.stem.weight", lambda t: t.float() * float("nan")),
        ("decoder.synthesis.matrix", lambda t: t.float() * float("nan")),
        ("decoder.synthesis.matrix", lambda t: t.double() * 1e12),
        ("prior_offsets.nodes", lambda t: t.double() * float("inf")),
        ("steps", lambda t: t * 0),
        ("steps", lambda t: t * float("nan")),
        ("steps", lambda t: -t),
        ("steps", lambda t: t + 1e-3),
    ],
)
def test_tensors_that_do_not_fit_or_cannot_be_exact_are_refused(key, change, parts, refused):
    tensors, metadata = parts
    changed = {**tensors, key: change(tensors[key])} if change else {k: v for k, v in tensors.items() if k != key}
    refused(changed, metadata)


def test_a_tensor_that_nobody_asked_for_is_refused(parts, refused):
    refused({**parts[0], "more": torch.zeros(1)}, parts[1])


def test_weights_loaded_for_training_can_learn_and_code_like_the_ones_loaded(tiny, tmp_path):
    model = load_for_training(tiny)
    assert model.training and all(p.requires_grad and p.dtype == torch.float32 for p in model.parameters())
    assert all(len(offsets.nodes) == NODES for offsets in model.offsets())
    out = model(torch.randn(1, 3, 64, 64) * 30, torch.tensor([50]))
    (out.bits.sum() + out.pixels.square().sum()).backward()
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, Spike)}
    spikes = [layer for name, layer in layers.items() if "fusion" not in name and ".side." not in name]
    assert all(layer.threshold.grad is not None and layer.offset.grad is not None for layer in spikes)
    again = load_weights(str(save_weights(model, tmp_path / "again.safetensors")), CPU).model
    assert torch.equal(again.decoder.network.stem.weight, load_weights(tiny, CPU).model.decoder.network.stem.weight)


def test_training_does_not_change_the_weights_that_others_code_with(tiny, crop):
    before = codec.encode(*crop, weights=tiny)
    with torch.no_grad():
        for parameter in load_for_training(tiny).parameters():
            parameter.add_(1)
    assert codec.encode(*crop, weights=tiny) == before


@pytest.fixture
def shipped(tmp_path, monkeypatch, tiny):
    """A folder with the tiny weights shipped under the name `it`."""
    monkeypatch.setattr(weights, "folder", lambda: tmp_path)
    data = Path(tiny).read_bytes()
    (tmp_path / "it.safetensors").write_bytes(data)
    entry = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"it": entry}))
    read_weights.cache_clear()
    yield tmp_path
    read_weights.cache_clear()


def test_files_coded_with_shipped_weights_find_them_by_themselves(shipped, crop):
    data = codec.encode(*crop, weights="it")
    assert codec.decode(data).left.shape == crop[0].shape


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


def test_every_weights_file_of_the_repository_is_in_the_manifest():
    assert {file.stem for file in weights.folder().glob("*.safetensors")} == set(weights.manifest())


@pytest.mark.parametrize("name", sorted(weights.manifest()))
def test_shipped_weights_are_sound_and_small(name):
    data = (weights.folder() / f"{name}.safetensors").read_bytes()
    entry = weights.manifest()[name]
    assert hashlib.sha256(data).hexdigest() == entry["sha256"] and len(data) == entry["bytes"] < LARGEST
    assert load_weights(name, CPU).id.hex() == entry["sha256"][:16]

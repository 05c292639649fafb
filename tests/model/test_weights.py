"""Promises of model/weights.py: what is saved is what is loaded, bit for bit, and only sound weights are ever used."""

import dataclasses
import hashlib
import json
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import CONFIGS, CPU, TINY, random_model
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from snncodec.bitstream.frequency_tables import LARGEST_SYMBOL, TABLES
from snncodec.codec import encode
from snncodec.errors import WeightsError
from snncodec.model.quality import NODES, QualityOffsets
from snncodec.model.shipped_weights import load_weights
from snncodec.model.stereo_codec import ENCODER_PARTS
from snncodec.model.weights import FORMAT, TABLES_KEY, read_weights, save_weights, trainable
from snncodec.spiking.fixed_point import FRACTION_BITS
from snncodec.spiking.neurons import Spike
from snncodec.training.fit_tables import fit_frequencies, logistic_frequencies
from snncodec.training.simulated_coding import simulate_coding

LOGISTIC = logistic_frequencies()


@pytest.fixture
def parts(tiny):
    """The tensors and the metadata of the tiny weights."""
    with safe_open(tiny, "pt") as file:
        return load_file(tiny), file.metadata()


@pytest.fixture
def refused(tmp_path):
    """A function that writes tensors and metadata to a file, expects a `WeightsError` of it, and returns its text."""

    def check(tensors, metadata):
        save_file(tensors, tmp_path / "bad.safetensors", metadata)
        with pytest.raises(WeightsError) as error:
            load_weights(str(tmp_path / "bad.safetensors"), CPU)
        return str(error.value)

    return check


@pytest.mark.parametrize("name", CONFIGS)
def test_what_decodes_is_saved_and_loaded_bit_for_bit(name, tmp_path):
    histogram = np.random.default_rng(0).integers(0, 99, (TABLES, LARGEST_SYMBOL + 1)).astype(float)
    model, frequencies = random_model(CONFIGS[name]), fit_frequencies(histogram)
    loaded = load_weights(str(save_weights(model, frequencies, tmp_path / "w.safetensors")), CPU)
    prepared, state = model.prepare(CPU).state_dict(), loaded.codec.state_dict()
    assert loaded.codec.config == CONFIGS[name] and prepared.keys() == state.keys()
    assert np.array_equal(loaded.tables.frequencies, frequencies)
    for key, value in prepared.items():
        assert state[key].dtype == value.dtype
        if key.startswith(ENCODER_PARTS):
            assert torch.allclose(state[key], value, rtol=1e-3, atol=2**-14)
        else:
            assert torch.equal(state[key], value)


def test_the_id_is_the_start_of_the_sha256_of_the_file(tiny):
    assert load_weights(tiny, CPU).id == hashlib.sha256(Path(tiny).read_bytes()).digest()[:8]


def test_one_model_always_gives_the_same_file(tmp_path):
    model = random_model(TINY)
    files = [save_weights(model, LOGISTIC, tmp_path / f"{i}.safetensors").read_bytes() for i in range(8)]
    assert len(set(files)) == 1


def test_saving_leaves_the_model_as_it_was(tmp_path):
    model = random_model(TINY)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    save_weights(model, LOGISTIC, tmp_path / "w.safetensors")
    after = model.state_dict()
    assert model.training and all(p.requires_grad for p in model.parameters())
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


def test_a_model_that_is_not_provably_exact_or_too_large_is_not_saved(tmp_path):
    for name, bad in (("decoder.network.stem.weight", 1e30), ("prior_offsets.nodes", 2.0**20)):
        model = random_model(TINY)
        model.get_parameter(name).data[0, 0] = bad
        with pytest.raises(WeightsError):
            save_weights(model, LOGISTIC, tmp_path / "w.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_written_again_is_read_again(tmp_path):
    file = tmp_path / "w.safetensors"
    save_weights(random_model(TINY, seed=1), LOGISTIC, file)
    first = load_weights(str(file), CPU).id
    save_weights(random_model(TINY, seed=2), LOGISTIC, file)
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


@pytest.mark.parametrize(
    "tensor",
    [
        {"dtype": "F4", "shape": [16], "data_offsets": [0, 8]},
        {"dtype": "F8_E8M0", "shape": [8], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [0, 2**62, 2**62], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [0, 2**63, 4], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [2**64 - 1, 0], "data_offsets": [0, 0]},
    ],
    ids=lambda tensor: f"{tensor['dtype']} {tensor['shape']}",
)
def test_tensors_that_torch_cannot_hold_are_refused(tensor, tmp_path):
    header = json.dumps({"x": tensor}).encode()
    data = len(header).to_bytes(8, "little") + header + bytes(tensor["data_offsets"][1])
    (tmp_path / "strange").write_bytes(data)
    with pytest.raises(WeightsError):
        load_weights(str(tmp_path / "strange"), CPU)


@pytest.mark.parametrize("name", ["x" * 5000, "", "a\0b", "/proc/self/mem"])
def test_names_of_no_readable_file_are_refused(name):
    with pytest.raises(WeightsError, match=r"there are no weights|cannot read the weights"):
        load_weights(name, CPU)


def test_a_pointer_in_place_of_weights_is_called_one(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n")
    with pytest.raises(WeightsError, match="Git LFS pointer"):
        load_weights(str(tmp_path / "x.safetensors"), CPU)


@pytest.mark.parametrize("keep", [1, 8, 500, 20000, -1])
def test_truncated_files_are_refused(keep, tiny, tmp_path):
    (tmp_path / "cut").write_bytes(Path(tiny).read_bytes()[:keep])
    with pytest.raises(WeightsError):
        load_weights(str(tmp_path / "cut"), CPU)


def test_safetensors_of_something_else_are_refused(refused):
    refused({"weight": torch.zeros(3)}, {"format": "pt"})
    refused({"weight": torch.zeros(3)}, None)


@pytest.mark.parametrize("other", ["snncodec weights 2", "snncodec weights, version 2", "", None, 1, [FORMAT]], ids=str)
def test_weights_of_another_format_are_refused_in_one_sentence(other, parts, refused):
    tensors, metadata = parts
    config = json.loads(metadata["config"])
    assert config["format"] == FORMAT
    text = refused(tensors, {"config": json.dumps({**config, "format": other})})
    assert text.endswith(f"does not hold snncodec weights of this version (expected {FORMAT!r})") and "\n" not in text


@pytest.mark.parametrize("config", ["", "[]", "7", "null", '"text"', "{", "[" * 10**5], ids=lambda text: text[:8])
def test_a_configuration_that_is_none_is_refused(config, parts, refused):
    refused(parts[0], {"config": config})


CONFIG_CHANGES = [
    {"extra": 1}, {"neuron": "quartz"}, {"M": "8"}, {"M": -1}, {"M": 16}, {"T": 0}, {"groups": [48, 1]},
    {"groups": None}, {"groups": 48}, {"tau": "2"}, {"patch": 3}, {"patch": 0}, {"blocks": 2}, {"refined": 49},
    {"M": 20000}, {"M": 4000}, {"blocks": 10**6}, {"T": 2**20}, {"neuron": "lif", "T": 64}, {"N2": 10**9},
    {"M": 8.0}, {"M": None}, {"tau": 0}, {"attended": None}, {"attended": []}, {"compared": "all"},
    {"compared": 1e308}, {"compared": 10**9}, {"compared": -1}, {"compared": True}, {"attended": "8"},
    {"attended": ["x"]}, {"attended": [-1]}, {"attended": [10**9]}, {"attended": [[1]]}, {"attended": [1] * 10**5},
    {"attended": {"a": 1}}, {"groups": [1] * 10**5}, {"M": 2**70}, {"T": float("nan")}, {"N2": True},
]  # fmt: skip


@pytest.mark.parametrize("change", CONFIG_CHANGES, ids=lambda change: str(change)[:30])
def test_a_configuration_that_does_not_fit_is_refused(change, parts, refused):
    tensors, metadata = parts
    config = json.loads(metadata["config"])
    assert config["prior_width"] == TINY.prior_width
    refused(tensors, {"config": json.dumps({**config, **change})})


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("tables", lambda t: t[:-1].clone()),
        ("tables", lambda t: -t),
        ("tables", lambda t: t.float() * float("nan")),
        ("tables", lambda t: t.bfloat16()),
        ("tables", None),
        ("hyper_index", None),
        ("hyper_index", lambda t: t[:-1].clone()),
        ("hyper_index", lambda t: t.float() * float("nan")),
        ("left_encoder.network.read_out.weight", lambda t: t * float("nan")),
        ("left_encoder.network.stem.weight", lambda t: t * float("inf")),
        ("tables", lambda t: t.long() * 2**40),
        ("decoder.network.stem.weight", lambda t: t.double() * 1e30),
        ("decoder.network.stem.weight", lambda t: t.float() * float("nan")),
        ("transform.filter", lambda t: t.float() * float("nan")),
        ("transform.colours", lambda t: t.double() * 1e12),
        ("transform.order", lambda t: t * 0),
        ("transform.order", lambda t: t.float() * float("nan")),
        ("prior_offsets.values", lambda t: t.double() * float("inf")),
        ("decoder.network.stem.weight", lambda t: t.double() / 4096),  # on the grid, but not by construction
        ("decoder.network.stem.bias", lambda t: t / 4096 + 1e-5),
        ("decoder.network.stem.weight", lambda t: t.to(torch.complex64)),
        ("decoder.network.stem.weight", lambda t: t.to(torch.int8)),
        ("transform.filter", lambda t: t.double() / 2**16),
        ("prior_offsets.values", lambda t: t.float()),
        ("left_encoder.network.stem.weight", lambda t: t.to(torch.complex64)),
        ("left_encoder.network.stem.weight", lambda t: t.float()),
        ("steps", lambda t: t.to(torch.complex64)),
        ("steps", lambda t: t * 0),
        ("steps", lambda t: t * float("nan")),
        ("steps", lambda t: -t),
        ("steps", lambda t: t + 1e-3),
        ("steps", lambda t: t * 2**10),
    ],
)
def test_tensors_that_do_not_fit_or_cannot_be_exact_are_refused(key, change, parts, refused):
    tensors, metadata = parts
    changed = {**tensors, key: change(tensors[key])} if change else {k: v for k, v in tensors.items() if k != key}
    refused(changed, metadata)


def test_a_tensor_that_nobody_asked_for_is_refused(parts, refused):
    refused({**parts[0], "more": torch.zeros(1)}, parts[1])


def test_weights_loaded_for_training_can_learn_and_code_like_the_ones_loaded(tiny, tmp_path):
    model = trainable(load_weights(tiny, CPU))
    assert model.training and all(p.requires_grad and p.dtype == torch.float32 for p in model.parameters())
    assert {len(part.nodes) for part in model.modules() if isinstance(part, QualityOffsets)} == {NODES}
    out = simulate_coding(model, torch.randn(1, 3, 64, 64) * 30, torch.tensor([50]))
    (out.bits.sum() + out.pixels.square().sum()).backward()
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, Spike)}
    spikes = [layer for name, layer in layers.items() if "fusion" not in name and ".conditioning." not in name]
    assert all(layer.threshold.grad is not None and layer.offset.grad is not None for layer in spikes)
    again = load_weights(str(save_weights(model, LOGISTIC, tmp_path / "again.safetensors")), CPU).codec
    assert torch.equal(again.decoder.network.stem.weight, load_weights(tiny, CPU).codec.decoder.network.stem.weight)


@pytest.mark.parametrize("name", CONFIGS)
def test_weights_loaded_for_training_and_saved_again_keep_all_but_the_finer_course_of_offsets(
    name, weights_files, tmp_path
):
    again = save_weights(trainable(load_weights(weights_files[name], CPU)), LOGISTIC, tmp_path / "again.safetensors")
    before, after = load_file(weights_files[name]), load_file(again)
    assert before.keys() == after.keys()
    for key in before:
        if not key.endswith("offsets.values"):  # these are learned at 9 of the 100 qualities
            assert before[key].dtype == after[key].dtype and torch.equal(before[key], after[key])
        else:
            steepest = before[key].double().diff(dim=0).abs().max() + 2  # a node lies at most 1/2 from a quality
            assert (after[key].double() - before[key].double()).abs().max() <= steepest


@pytest.mark.parametrize("name", CONFIGS)
def test_weights_whose_offsets_do_not_turn_are_saved_again_byte_for_byte(name, tmp_path):
    model = random_model(CONFIGS[name])
    for part in model.modules():
        if isinstance(part, QualityOffsets):
            part.nodes.data[:] = part.nodes.data[:1].clone()
    first = save_weights(model, LOGISTIC, tmp_path / "first.safetensors")
    again = save_weights(trainable(load_weights(str(first), CPU)), LOGISTIC, tmp_path / "again.safetensors")
    assert again.read_bytes() == first.read_bytes()


def test_weights_loaded_for_training_have_every_number_of_those_that_code(tiny):
    loaded = load_weights(tiny, CPU)
    model, state = trainable(loaded), loaded.codec.state_dict()
    for key, value in model.state_dict().items():
        if key.endswith("offsets.nodes"):
            ends = state[key.replace("nodes", "values")][[0, -1]].double()
            assert torch.allclose(value[[0, -1]].double(), ends, rtol=0, atol=2.0**-FRACTION_BITS)
        else:
            assert torch.equal(value.double(), state[key].double())


def test_training_does_not_change_the_weights_that_others_code_with(tiny, crop):
    before = encode(*crop, weights=tiny)
    with torch.no_grad():
        for parameter in trainable(load_weights(tiny, CPU)).parameters():
            parameter.add_(1)
    assert encode(*crop, weights=tiny) == before


def test_tables_are_stored_as_they_are(parts):
    assert np.array_equal(parts[0][TABLES_KEY].numpy(), LOGISTIC)


def test_loaded_weights_cannot_be_rebound(loaded):
    with pytest.raises(dataclasses.FrozenInstanceError):
        loaded.id = bytes(8)


def test_a_model_is_made_for_coding_without_a_trace_in_the_random_numbers_of_torch(tiny):
    read_weights.cache_clear()
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    load_weights(tiny, CPU)
    assert torch.equal(torch.rand(2), expected)


def test_a_codec_is_ready_without_the_slow_parts_of_torch():
    program = "import sys; from snncodec.codec import Codec; Codec(); sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

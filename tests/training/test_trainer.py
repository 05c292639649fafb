"""Promises of train.py: every stage runs, a resumed run is the uninterrupted one, and nothing goes on after a NaN."""

import dataclasses
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import CPU, synthetic_pair
from PIL import Image
from safetensors.torch import load_file
from snncodec.config import STAGES, ModelConfig, TrainOptions
from snncodec.data import CropSampler
from snncodec.metrics import psnr
from snncodec.weights import load_weights

from snncodec import codec, klt, neurons, train
from snncodec.errors import InputError, SnncodecError, TrainingError

ORDINARY_BATCH, FILTER = CropSampler.batch, cache(klt.lapped_filter)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Runs of a second: nothing compiled, few and small crops to start from and to calibrate with."""

    def batch(self, count, size, colour=True):
        return ORDINARY_BATCH(self, min(count, 12), min(size, 64), colour)

    monkeypatch.setattr(neurons, "compile_neurons", lambda: True)
    monkeypatch.setattr(klt, "lapped_filter", FILTER)
    monkeypatch.setattr(CropSampler, "batch", batch)
    monkeypatch.setattr(train, "CALIBRATION_CROPS", 3)
    yield
    torch.set_flush_denormal(False)


@pytest.fixture
def data(tmp_path):
    """Three synthetic scenes and a single picture."""
    folder = tmp_path / "data"
    for number in range(3):
        for view, picture in zip(("left", "right"), synthetic_pair(80, 100, number), strict=True):
            path = folder / str(number) / f"{view}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path)
    Image.fromarray(synthetic_pair(70, 64, 9)[0]).save(folder / "single.png")
    return folder


@pytest.fixture
def options(data, tmp_path):
    """A function: TrainOptions of a tiny run of 12 steps over all stages into the folder of that name."""

    def make(name, **changes):
        return TrainOptions([data], **{"preset": "tiny", "steps": 12, "out": tmp_path / name, **changes})

    return make


def run(options, lines=None):
    return train.train(options, (lines if lines is not None else []).append)


def tensors(file):
    """All bytes of a weights file, by the names of its tensors."""
    return {name: value.numpy().tobytes() for name, value in load_file(file).items()}


def test_all_stages_run_and_leave_weights_that_encode_and_decode(options):
    lines = []
    file = run(options("run"), lines)
    stages = [line.split(" step ")[0] for line in lines if " step " in line]
    assert list(dict.fromkeys(stages)) == list(STAGES)
    left, right = synthetic_pair(50, 60, 5)
    pair = codec.decode(codec.encode(left, right, 90, weights=str(file)), weights=str(file))
    assert psnr(left, pair.left) > 25 and psnr(right, pair.right) > 25


@pytest.mark.parametrize("neuron", ["lif", "relu"])
def test_the_other_neurons_train_and_code(neuron, options):
    file = run(options("run", neuron=neuron))
    assert load_weights(str(file), CPU).model.config.neuron == neuron
    assert codec.encode(*synthetic_pair(20, 30), weights=str(file))


def test_each_stage_changes_what_it_says_it_trains_and_nothing_else(options):
    for name, stage in train.PLAN.items():
        trainer = train.Trainer(options(name, stages=(name,)), print)
        before = {key: value.clone() for key, value in trainer.model.named_parameters()}
        trainer._begin(name)
        for fraction in (0.0, 0.3, 0.6):
            trainer._step(stage, fraction)
        changed = {key for key, value in trainer.model.named_parameters() if not torch.equal(value, before[key])}
        assert changed and all(key.startswith(stage.trains) for key in changed)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(options):
    first, second, other = (tensors(run(options(f"run{i}", seed=seed))) for i, seed in enumerate((1, 1, 2)))
    assert first == second != other


class Killed(Exception):
    """Stands in for the power cut."""


@pytest.mark.parametrize("steps_done", [1, 6, 12])
def test_a_run_resumed_in_the_middle_is_the_uninterrupted_one_bit_for_bit(steps_done, options, monkeypatch):
    expected = tensors(run(options("whole")))
    monkeypatch.setattr(train, "SAVE_SECONDS", -1)  # a checkpoint after every step
    step, calls = train.Trainer._step, []

    def mortal_step(self, *arguments):
        if len(calls) == steps_done:
            raise Killed
        calls.append(1)
        return step(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(train.Trainer, "_step", mortal_step)
        with pytest.raises(Killed):
            run(options("cut"))
    resumed = options("cut", resume=options("cut").out / "last.ckpt")
    assert tensors(run(resumed)) == expected


def test_resuming_a_finished_run_changes_nothing(options):
    expected = tensors(run(options("run")))
    assert tensors(run(options("run", resume=options("run").out / "last.ckpt"))) == expected


@pytest.mark.parametrize(
    "content", [None, b"", b"no checkpoint", "weights"], ids=["missing", "empty", "text", "weights"]
)
def test_what_is_no_checkpoint_is_refused_in_a_sentence(content, options, tmp_path, tiny):
    file = tmp_path / "file.ckpt"
    if content is not None:
        file.write_bytes(Path(tiny).read_bytes() if content == "weights" else content)
    with pytest.raises(SnncodecError):
        run(options("run", resume=file))


@pytest.mark.parametrize(
    "change",
    [
        {"config": 5},
        {"config": {"M": 8}},
        {"progress": {"stage": "magic"}},
        {"model": {}},
        {"optimiser": 1},
        {"random": {}},
        {"more": 1},
    ],
    ids=str,
)
def test_a_checkpoint_that_does_not_fit_is_refused_in_a_sentence(change, options, tmp_path):
    made = options("run", stages=("prior",), steps=2)
    run(made)
    state = torch.load(made.out / "last.ckpt", weights_only=True)
    if "progress" in change:
        change = {"progress": state["progress"] | change["progress"]}
    torch.save(state | change, tmp_path / "odd.ckpt")
    with pytest.raises(TrainingError):
        run(options("run", resume=tmp_path / "odd.ckpt", steps=4))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_missing_gpu_is_said_before_pictures_are_read(options, monkeypatch):
    monkeypatch.setattr(train, "load_pictures", pytest.fail)
    with pytest.raises(InputError, match="CUDA"):
        run(options("run", device="cuda"))


def test_pairs_named_from_elsewhere_are_learned_from(options, data):
    (data / "set").mkdir()
    (data / "set" / "pairs.csv").write_text("../0/left.png,../0/right.png\n")
    (data / "set" / "one.png").write_bytes((data / "single.png").read_bytes())
    lines = []
    run(dataclasses.replace(options("run", steps=1, stages=("prior",)), data=[data / "set"]), lines)
    assert "1 stereo pairs" in lines[0]


def test_nothing_left_to_train_is_said(options):
    made, lines = options("run", stages=("prior",), steps=1), []
    run(made)
    run(options("run", stages=("prior",), steps=3, resume=made.out / "last.ckpt"), lines)
    assert any("nothing is left to train" in line for line in lines)


def test_training_starts_from_weights_that_exist(options, tiny, monkeypatch):
    monkeypatch.setattr(train, "WARM_UP", 1)
    file = run(options("run", init=tiny, steps=3, stages=("prior",)))
    before, after = load_weights(tiny, CPU).model, load_weights(str(file), CPU).model
    assert torch.equal(before.decoder.synthesis.matrix, after.decoder.synthesis.matrix)
    assert not torch.equal(before.context_model.passes[0].mix.weight, after.context_model.passes[0].mix.weight)


def test_a_loss_that_is_not_a_number_stops_the_run_and_keeps_the_checkpoint(options, monkeypatch):
    run(options("run", stages=("prior",)))
    kept = (options("run").out / "last.ckpt").read_bytes()
    cost = train.cost
    monkeypatch.setattr(train, "cost", lambda *arguments: (cost(*arguments)[0] * math.nan, *cost(*arguments)[1:]))
    with pytest.raises(TrainingError, match="nan"):
        run(options("run"))
    assert (options("run").out / "last.ckpt").read_bytes() == kept


def test_gradients_that_are_not_numbers_stop_the_run_before_they_reach_the_weights(options, monkeypatch):
    cost = train.cost

    def poisoned(model, *arguments):
        loss, *rest = cost(model, *arguments)
        return loss + (model.hyper_index - model.hyper_index.detach()).abs().sqrt().sum(), *rest

    monkeypatch.setattr(train, "cost", poisoned)
    monkeypatch.setattr(train, "SAVE_SECONDS", -1)
    with pytest.raises(TrainingError):
        run(options("run", stages=("prior",)))
    assert not (options("run").out / "last.ckpt").exists()


@pytest.mark.parametrize("value", [0, 128])
def test_flat_pictures_can_be_trained_on(value, options, data):
    for file in data.rglob("*.png"):
        Image.fromarray(np.full((60, 60, 3), value, dtype=np.uint8)).save(file)
    assert run(options("run", steps=5)).is_file()


def test_pairs_of_unequal_views_do_not_stop_a_run(options, data):
    Image.fromarray(synthetic_pair(90, 60)[0]).save(data / "1" / "right.png")
    assert run(options("run", steps=10, stages=("stereo",))).is_file()


def test_photographs_alone_are_enough_to_learn_stereo_from(options, data):
    for file in data.rglob("right.png"):
        file.unlink()
    lines = []
    assert run(options("run"), lines).is_file()
    assert any("0 stereo pairs" in line for line in lines) and any(line.startswith("both step") for line in lines)


def test_a_folder_without_pictures_is_an_input_error(options, data):
    for file in data.rglob("*.png"):
        file.unlink()
    with pytest.raises(InputError):
        run(options("run"))


@pytest.fixture
def validation(tmp_path):
    """A folder with one pair that is large enough to validate with."""
    folder = tmp_path / "val/scene"
    folder.mkdir(parents=True)
    for view, picture in zip(("left", "right"), synthetic_pair(256, 260), strict=True):
        Image.fromarray(picture).save(folder / f"{view}.png")
    return folder.parent


def test_validation_keeps_the_best_weights(options, validation):
    lines = []
    run(options("run", val=validation), lines)
    assert sum(line.startswith("validation") for line in lines) == len(STAGES)
    assert load_weights(str(options("run").out / "best.safetensors"), CPU)


def test_validation_in_the_stereo_stage_sees_the_fusion(options, validation):
    lines = []
    trainer = train.Trainer(options("run", val=validation), lines.append)
    trainer._begin("stereo")
    for std in (0.0, 1.0):
        torch.nn.init.normal_(trainer.model.fusion.start.weight, std=std)
        trainer.validate()
    assert lines[-1] != lines[-2]


@pytest.fixture(scope="module")
def sketch_crops(motorcycle):
    return [np.ascontiguousarray(view[150:278, 200 + 128 * n : 328 + 128 * n]) for n in range(2) for view in motorcycle]


@pytest.mark.slow
def test_the_sketch_passes_its_old_8_89_db_within_a_few_steps(motorcycle, sketch_crops, tmp_path, monkeypatch):
    for number in range(2):
        (tmp_path / f"data/{number}").mkdir(parents=True)
        for view, picture in zip(("left", "right"), sketch_crops[2 * number :], strict=False):
            Image.fromarray(picture).save(tmp_path / f"data/{number}/{view}.png")
    file = run(TrainOptions([tmp_path / "data"], preset="sketch", steps=10, out=tmp_path / "run"))
    config = load_weights(str(file), CPU).model.config
    assert config == ModelConfig(**{**config.to_dict(), "neuron": "lif", "M": 256, "N2": 25, "T": 4, "tau": 2.0})
    left, right = (np.ascontiguousarray(view[300:428, 480:608]) for view in motorcycle)  # not seen in training
    data = codec.encode(left, right, 50, weights=str(file))
    pair = codec.decode(data, weights=str(file))
    assert min(psnr(left, pair.left), psnr(right, pair.right)) > 8.89
    assert 8 * len(data) / (2 * 128 * 128) < 2

"""Promises of snncodec.training.trainer: every stage runs, any pictures will do, and nothing goes on after a NaN."""

import dataclasses
import math

import numpy as np
import pytest
import torch
import training_helpers
from conftest import CPU, synthetic_pair
from training_helpers import run, tensors, write_pair, write_picture

from snncodec import codec
from snncodec.benchmark.metrics import psnr
from snncodec.errors import InputError, TrainingError
from snncodec.model.config import ModelConfig
from snncodec.model.shipped_weights import load_weights
from snncodec.training import trainer, workers
from snncodec.training.options import STAGES, TrainOptions
from snncodec.training.stages import PLAN

quick, data, options = training_helpers.quick, training_helpers.data, training_helpers.options  # fixtures


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
    assert load_weights(str(file), CPU).codec.config.neuron == neuron
    assert codec.encode(*synthetic_pair(20, 30), weights=str(file))


def test_each_stage_changes_what_it_says_it_trains_and_nothing_else(options):
    for name, stage in PLAN.items():
        made = trainer.Trainer(options(name, stages=(name,)), print)
        before = {key: value.clone() for key, value in made.model.named_parameters()}
        made._begin(name)
        for fraction in (0.0, 0.3, 0.6):
            made._step(stage, fraction)
        changed = {key for key, value in made.model.named_parameters() if not torch.equal(value, before[key])}
        assert changed and all(key.startswith(stage.trains) for key in changed)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(options):
    first, second, other = (tensors(run(options(f"run{i}", seed=seed))) for i, seed in enumerate((1, 1, 2)))
    assert first == second != other


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_missing_gpu_is_said_before_pictures_are_read(options, monkeypatch):
    monkeypatch.setattr(trainer, "load_folders", pytest.fail)
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
    monkeypatch.setattr(trainer, "WARM_UP", 1)
    file = run(options("run", init=tiny, steps=3, stages=("prior",)))
    before, after = load_weights(tiny, CPU).codec, load_weights(str(file), CPU).codec
    assert torch.equal(before.transform.colours, after.transform.colours)
    assert not torch.equal(before.context_model.passes[0].mix.weight, after.context_model.passes[0].mix.weight)


def test_a_loss_that_is_not_a_number_stops_the_run_and_keeps_the_checkpoint(options, monkeypatch):
    run(options("run", stages=("prior",)))
    kept = (options("run").out / "last.ckpt").read_bytes()
    cost = workers.rd_cost
    monkeypatch.setattr(workers, "rd_cost", lambda *given: (cost(*given)[0] * math.nan, *cost(*given)[1:]))
    with pytest.raises(TrainingError, match="nan"):
        run(options("run"))
    assert (options("run").out / "last.ckpt").read_bytes() == kept


def test_gradients_that_are_not_numbers_stop_the_run_before_they_reach_the_weights(options, monkeypatch):
    cost = workers.rd_cost

    def poisoned(model, *arguments):
        loss, *rest = cost(model, *arguments)
        return loss + (model.hyper_index - model.hyper_index.detach()).abs().sqrt().sum(), *rest

    monkeypatch.setattr(workers, "rd_cost", poisoned)
    monkeypatch.setattr(trainer, "SAVE_SECONDS", -1)
    with pytest.raises(TrainingError):
        run(options("run", stages=("prior",)))
    assert not (options("run").out / "last.ckpt").exists()


@pytest.mark.parametrize("value", [0, 128])
def test_flat_pictures_can_be_trained_on(value, options, data):
    for file in data.rglob("*.png"):
        write_picture(file, np.full((60, 60, 3), value, dtype=np.uint8))
    assert run(options("run", steps=5)).is_file()


def test_pairs_of_unequal_views_do_not_stop_a_run(options, data):
    write_picture(data / "1" / "right.png", synthetic_pair(90, 60)[0])
    assert run(options("run", steps=10, stages=("stereo",))).is_file()


def test_photographs_alone_are_enough_to_learn_stereo_from(options, data):
    for file in data.rglob("right.png"):
        file.unlink()
    lines = []
    assert run(options("run"), lines).is_file()
    assert any("0 stereo pairs" in line for line in lines)
    assert any(line.startswith("stereo_joint step") for line in lines)


def test_a_folder_without_pictures_is_an_input_error(options, data):
    for file in data.rglob("*.png"):
        file.unlink()
    with pytest.raises(InputError):
        run(options("run"))


@pytest.fixture
def validation(tmp_path):
    """A folder with one pair that is large enough to validate with."""
    write_pair(tmp_path / "val/scene", synthetic_pair(256, 260))
    return tmp_path / "val"


def test_validation_keeps_the_best_weights(options, validation):
    lines = []
    run(options("run", val=validation), lines)
    assert sum(line.startswith("validation") for line in lines) == len(STAGES)
    assert load_weights(str(options("run").out / "best.safetensors"), CPU)


def test_validation_in_the_stereo_stage_sees_the_fusion(options, validation):
    lines = []
    made = trainer.Trainer(options("run", val=validation), lines.append)
    made._begin("stereo")
    for std in (0.0, 1.0):
        torch.nn.init.normal_(made.result.fusion.start.weight, std=std)
        made.validate()
    assert lines[-1] != lines[-2]


@pytest.mark.slow
def test_the_sketch_passes_its_old_8_89_db_within_a_few_steps(motorcycle, tmp_path):
    for number in range(2):
        across = slice(200 + 128 * number, 328 + 128 * number)
        write_pair(tmp_path / f"data/{number}", [np.ascontiguousarray(view[150:278, across]) for view in motorcycle])
    file = run(TrainOptions([tmp_path / "data"], preset="sketch", steps=10, out=tmp_path / "run"))
    config = load_weights(str(file), CPU).codec.config
    assert config == ModelConfig(**{**config.to_dict(), "neuron": "lif", "M": 256, "N2": 25, "T": 4, "tau": 2.0})
    left, right = (np.ascontiguousarray(view[300:428, 480:608]) for view in motorcycle)  # not seen in training
    data = codec.encode(left, right, 50, weights=str(file))
    pair = codec.decode(data, weights=str(file))
    assert min(psnr(left, pair.left), psnr(right, pair.right)) > 8.89
    assert 8 * len(data) / (2 * 128 * 128) < 2


@pytest.mark.slow
def test_training_on_from_the_shipped_weights_makes_them_better_for_what_they_see(options):
    lines = []
    made = trainer.Trainer(
        options("run", init="base", preset="base", steps=40, crop=96, stages=("prior",)), lines.append
    )
    made._begin("prior")
    views, quality = made.sampler.batch(8, 96), torch.arange(10, 90, 10)
    with torch.no_grad():
        before = workers.rd_cost(made.model, views, quality, trainer.PLAN["prior"])[0]
    for _ in range(40):
        made._step(trainer.PLAN["prior"], 0)
    with torch.no_grad():
        assert workers.rd_cost(made.model, views, quality, trainer.PLAN["prior"])[0] < 0.97 * before

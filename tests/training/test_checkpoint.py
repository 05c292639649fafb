"""Promises of checkpoints: a resumed run is the uninterrupted one, and what does not fit is refused in a sentence."""

import math
from pathlib import Path

import pytest
import torch
import training_helpers
from training_helpers import run, tensors

from snncodec.errors import SnncodecError, TrainingError
from snncodec.training import trainer
from snncodec.training.checkpoint import FIELDS, read_checkpoint, write_checkpoint

quick, data, options = training_helpers.quick, training_helpers.data, training_helpers.options  # fixtures


class Killed(Exception):
    """Stands in for the power cut."""


@pytest.mark.parametrize("steps_done", [1, 6, 12])
def test_a_run_resumed_in_the_middle_is_the_uninterrupted_one_bit_for_bit(steps_done, options, monkeypatch):
    expected = tensors(run(options("whole")))
    monkeypatch.setattr(trainer, "SAVE_SECONDS", -1)  # a checkpoint after every step
    step, calls = trainer.Trainer._step, []

    def mortal_step(self, *arguments):
        if len(calls) == steps_done:
            raise Killed
        calls.append(1)
        return step(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "_step", mortal_step)
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


def trained(options):
    """The last checkpoint of a run of two stages, so that there is one before it."""
    made = options("run", stages=("prior", "decoder"), steps=4)
    run(made)
    return made.out / "last.ckpt"


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_a_damaged_checkpoint_is_replaced_by_the_one_before_it_and_this_is_said(damage, options):
    last, lines = trained(options), []
    expected, data = tensors(last.with_name("last.safetensors")), bytearray(last.read_bytes())
    data[len(data) // 2] ^= 1
    last.write_bytes(data[:-40] if damage == "cut" else data)
    if damage == "gone":
        last.unlink()
    again = run(options("run", stages=("prior", "decoder"), steps=4, resume=last), lines)
    assert "continues from" in lines[0] and "previous.ckpt" in lines[0]
    assert tensors(again) == expected


def test_a_damaged_checkpoint_never_becomes_the_previous_one(options):
    last = trained(options)
    good = last.with_name("previous.ckpt").read_bytes()
    last.write_bytes(last.read_bytes()[:-1])
    write_checkpoint(dict.fromkeys(FIELDS), last)
    assert last.with_name("previous.ckpt").read_bytes() == good


def test_a_checkpoint_without_a_hash_is_read(options):
    last = trained(options)
    torch.save(read_checkpoint(last), last)
    assert set(read_checkpoint(last)) == set(FIELDS)


@pytest.mark.parametrize(
    "change",
    [
        {"config": 5},
        {"config": {"M": 8}},
        {"progress": {"stage": "magic"}},
        {"progress": {"spent": -1e9}},
        {"progress": {"spent": math.nan}},
        {"progress": {"step": -1}},
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


def first_moments(state, value):
    for moments in state["optimiser"]["state"].values():
        moments["exp_avg"] = value


CRAFTED = {
    "moments of another shape": lambda state: first_moments(state, torch.zeros(3)),
    "moments that are scalars": lambda state: first_moments(state, torch.zeros(())),
    "no moments": lambda state: first_moments(state, None),
    "an order out of range": lambda state: state["model"]["transform.order"].fill_(9999),
    "a state of random numbers out of range": lambda state: state["random"]["crops"].update(has_uint32=2**70),
    "a model that needs more numbers than there are": lambda state: state["config"].update(M=4096),
}


@pytest.mark.parametrize("kind", CRAFTED)
def test_a_crafted_checkpoint_is_refused_and_crashes_nothing(kind, options, tmp_path):
    made = options("run", stages=("prior",), steps=2)
    run(made)
    state = torch.load(made.out / "last.ckpt", weights_only=True)
    CRAFTED[kind](state)
    torch.save(state, tmp_path / "odd.ckpt")
    with pytest.raises(TrainingError):
        run(options("run", resume=tmp_path / "odd.ckpt", steps=4))


def test_settings_of_the_optimiser_are_those_of_the_program(options, tmp_path):
    made = options("run", stages=("prior",), steps=2)
    run(made)
    state = torch.load(made.out / "last.ckpt", weights_only=True)
    for group in state["optimiser"]["param_groups"]:
        group.update(betas=None, amsgrad=True, weight_decay="x", differentiable=True)
    torch.save(state, tmp_path / "odd.ckpt")
    run(options("run", resume=tmp_path / "odd.ckpt", steps=4))

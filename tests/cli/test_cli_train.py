"""Promises of `snncodec train`: options reach the trainer, a run keeps to its folder, and failures are one sentence."""

from pathlib import Path

import cli_helpers
import pytest
from cli_helpers import fails, raiser, run

from snncodec.errors import TrainingError
from snncodec.training import trainer

codec, folder, coded = cli_helpers.codec, cli_helpers.folder, cli_helpers.coded  # fixtures


@pytest.fixture
def trained(monkeypatch):
    """The options of every run; nothing is trained."""
    seen = []

    def train(options, report, progress):
        seen.append(options)
        report("step 1")

    monkeypatch.setattr(trainer, "train", train)
    return seen


def test_options_are_passed_on(folder, trained):
    result = run("train a b --val c --preset tiny --seed 3 --steps 9 --stages prior,stereo_joint --device cpu")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "step 1\n")
    [options] = trained
    assert (options.data, options.val, options.preset) == ([Path("a"), Path("b")], Path("c"), "tiny")
    assert (options.seed, options.steps, options.minutes, options.device) == (3, 9, None, "cpu")
    assert (options.out, options.stages) == (Path("runs/tiny"), ("prior", "stereo_joint"))


def test_the_other_options_are_passed_on(folder, trained):
    run("train a --neuron lif --minutes 1.5 --crop 64 -o run")
    run("train a --init base --steps 1 -o run")
    assert (trained[0].neuron, trained[0].minutes, trained[0].crop, trained[0].out) == ("lif", 1.5, 64, Path("run"))
    assert (trained[1].init, trained[1].resume, trained[1].preset) == ("base", None, "base")


def test_quiet_says_nothing(folder, trained):
    assert run("train a --steps 1 --quiet").output == ""


def test_a_run_that_fails_is_one_sentence(folder, monkeypatch):
    monkeypatch.setattr(trainer, "train", raiser(TrainingError("the loss is not a number at step 3")))
    fails(run("train a --minutes 1 --quiet"), "the loss is not a number at step 3")


def test_a_resumed_run_stays_in_its_folder_and_touches_no_other(folder, trained):
    for name in ("runs/a", "runs/base"):
        Path(name).mkdir(parents=True)
        Path(name, "last.ckpt").touch()
    run("train pictures --steps 1 --resume runs/a/last.ckpt")
    assert [options.out for options in trained] == [Path("runs/a")]
    fails(run("train pictures --steps 1 --resume runs/a/last.ckpt -o runs/base"), "holds a run already")


def test_force_trains_into_a_folder_that_holds_a_run(folder, trained):
    Path("run").mkdir()
    Path("run", "last.ckpt").touch()
    fails(run("train a --steps 1 -o run"), "holds a run already")
    assert run("train a --steps 1 -o run -f").exit_code == 0 and len(trained) == 1

"""Promises of snncodec.training.workers: a run of two workers is the run of one, and survives the loss of one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import training_helpers

from snncodec.errors import TrainingError
from snncodec.training.checkpoint import read_checkpoint
from snncodec.training.workers import Workers

data = training_helpers.data  # fixture
PROGRAM = str(Path(__file__).with_name("worker_run.py"))
ROUNDING = 2e-2  # a spike that rounding turns over moves a loss of a few small crops by up to a hundredth
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def train(workers, *arguments):
    """A finished process of a run with one worker or two."""
    launch = TORCHRUN if workers == 2 else ()
    return subprocess.run(
        [sys.executable, *launch, PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=150
    )


def losses(folder):
    return json.loads((folder / "losses.json").read_text())


def test_a_batch_is_dealt_out_evenly_or_refused():
    batch = torch.arange(8)
    shares = [Workers(torch.device("cpu"), rank, 4).share(batch).tolist() for rank in range(4)]
    assert sorted(number for share in shares for number in share) == batch.tolist() and {
        len(share) for share in shares
    } == {2}
    with pytest.raises(TrainingError):
        Workers(torch.device("cpu"), 0, 3).share(batch)


@pytest.mark.slow
def test_two_workers_have_the_losses_of_one_and_continue_each_others_runs(data, tmp_path):
    alone, together, mixed = (tmp_path / name for name in ("alone", "together", "mixed"))
    for count, folder in ((1, alone), (2, together)):
        done = train(count, data, folder)
        assert done.returncode == 0, done.stderr
    assert losses(together) == pytest.approx(losses(alone), rel=ROUNDING)
    mixed.mkdir()
    (mixed / "last.ckpt").write_bytes((together / "previous.ckpt").read_bytes())  # after the first stage
    done = train(1, data, mixed, f"resume={mixed / 'last.ckpt'}")
    assert done.returncode == 0, done.stderr
    rest = losses(mixed)
    assert rest == pytest.approx(losses(alone)[-len(rest) :], rel=ROUNDING)


@pytest.mark.slow
def test_a_worker_that_dies_ends_the_run_with_a_saved_state(data, tmp_path):
    done = train(2, data, tmp_path / "run", "die=2")
    assert done.returncode != 0
    assert read_checkpoint(tmp_path / "run" / "last.ckpt")["progress"]["step"] == 2
    assert "continue with --resume" in done.stderr

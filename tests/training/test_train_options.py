"""Promises of snncodec.training.options: only runs that can be done are accepted, and a good one says all it needs."""

import math
from pathlib import Path

import pytest

from snncodec.errors import InputError
from snncodec.training.options import RECIPE, STAGES, TrainOptions


@pytest.mark.parametrize(
    "change",
    [{"preset": "huge"}, {"stages": ("joint", "magic")}, {"stages": ()}, {"steps": None}, {"minutes": 1.0},
     {"init": "base", "resume": "x"}, {"steps": 0}, {"steps": -1},
     {"steps": None, "minutes": math.nan}, {"steps": None, "minutes": math.inf},
     {"neuron": "lif", "init": "base"}, {"neuron": "lif", "resume": "x"}, {"crop": 16}, {"crop": 40}],
    ids=str,
)  # fmt: skip
def test_options_of_a_run_that_cannot_be_used_are_refused(change):
    with pytest.raises(InputError):
        TrainOptions([], **{"steps": 10, **change})


@pytest.mark.parametrize(
    "change",
    [{}, {"steps": None, "minutes": 0.1}, {"crop": 32}, {"stages": ("stereo_joint",)}, {"neuron": "relu"},
     {"init": "base"}, {"resume": Path("last.ckpt")}, {"preset": "sketch"}],
    ids=str,
)  # fmt: skip
def test_options_of_a_run_that_can_be_done_are_taken(change):
    made = TrainOptions([Path("pictures")], **{"steps": 10, **change})
    assert all(getattr(made, name) == value for name, value in change.items())


def test_without_a_choice_the_stages_of_the_shipped_weights_run_in_order():
    assert TrainOptions([], steps=1).stages == RECIPE == ("prior", "decoder", "stereo")
    assert [stage for stage in STAGES if stage in RECIPE] == list(RECIPE)

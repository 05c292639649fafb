"""Promises of spiking/config.py: only neurons that can compute exactly are accepted."""

import math

import pytest

from snncodec.errors import WeightsError
from snncodec.spiking.config import NeuronConfig


@pytest.mark.parametrize("tau", [0.5, 1.0, 1.5, 3.0, math.nan, math.inf, 2**20 / 838861])
def test_a_time_constant_without_an_exact_leak_is_refused(tau):
    with pytest.raises(WeightsError, match="no exact leak"):
        NeuronConfig("lif", 4, tau)


@pytest.mark.parametrize(
    ("kind", "time_steps"), [("quartz", 1), ("ilif", 0), ("lif", 3), ("ilif", -2), ("relu", 4)], ids=str
)
def test_neurons_and_time_steps_that_cannot_work_are_refused(kind, time_steps):
    with pytest.raises(WeightsError):
        NeuronConfig(kind, time_steps)

"""Promises of model/config.py: only sizes that can work are accepted, and they survive being stored."""

import dataclasses
import json
import math

import pytest
from conftest import TINY

from snncodec.errors import WeightsError
from snncodec.model.config import PRESETS, ModelConfig
from snncodec.model.stereo_codec import StereoCodec


@pytest.mark.parametrize("preset", PRESETS)
def test_a_configuration_survives_json(preset):
    assert ModelConfig.from_dict(json.loads(json.dumps(PRESETS[preset].to_dict()))) == PRESETS[preset]


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(ModelConfig)])
def test_a_missing_or_unknown_field_is_refused(field):
    values = TINY.to_dict()
    for wrong in ({k: v for k, v in values.items() if k != field}, {**values, field + "x": 1}):
        with pytest.raises(WeightsError, match=field):
            ModelConfig.from_dict(wrong)


@pytest.mark.parametrize("tau", [0.5, 1.0, 1.5, 3.0, math.nan, math.inf, 2**20 / 838861])
def test_a_time_constant_without_an_exact_leak_is_refused(tau):
    with pytest.raises(WeightsError):
        ModelConfig(neuron="lif", T=4, tau=tau)


@pytest.mark.parametrize(
    "change",
    [{"neuron": "quartz"}, {"T": 0}, {"neuron": "lif", "T": 3}, {"neuron": "relu", "T": 4}, {"groups": (3, 9)},
     {"groups": (0, 48)}, {"groups": (), "N2": 0}, {"N2": 769, "groups": (769,)}, {"patch": 3}, {"patch": 0},
     {"refined": 49}, {"M": 0}, {"blocks": -1}, {"M": 4097}, {"blocks": 65}, {"T": 128}],
    ids=str,
)  # fmt: skip
def test_sizes_that_cannot_work_are_refused(change):
    with pytest.raises(WeightsError):
        dataclasses.replace(TINY, **change)


def test_the_neuron_of_all_networks_is_made_of_the_fields_of_the_sketch():
    spiking = PRESETS["sketch"].spiking
    assert (spiking.kind, spiking.time_steps, spiking.tau) == ("lif", 4, 2.0)


@pytest.mark.parametrize(
    "changes", [{}, {"M": 200}, {"groups": (768,)}, {"prior_width": 300}, {"compared": 0}, {"blocks": 0}], ids=str
)
@pytest.mark.parametrize("preset", PRESETS)
def test_the_least_size_of_a_model_is_near_its_true_size(preset, changes):
    config = dataclasses.replace(PRESETS[preset], **changes, **{"N2": 768} if "groups" in changes else {})
    numbers = sum(value.numel() for value in StereoCodec(config).exact().state_dict().values())
    assert config.least_numbers <= numbers <= 3 * config.least_numbers

"""Promises of snncodec.training.stages: the plan has all stages, shares out the whole budget, and names real parts."""

import pytest
from conftest import TINY

from snncodec.model.stereo_codec import StereoCodec
from snncodec.training.options import RECIPE, STAGES
from snncodec.training.stages import PLAN, SINGLE_VIEW


def test_the_plan_has_every_stage_in_order_and_the_recipe_spends_the_budget():
    assert tuple(PLAN) == STAGES
    assert sum(PLAN[stage].share for stage in RECIPE) == pytest.approx(1)


def test_every_part_that_a_stage_trains_exists():
    names = [name for name, _ in StereoCodec(TINY).named_parameters()]
    for stage in PLAN.values():
        assert all(any(name.startswith(part) for name in names) for part in stage.trains)


def test_the_last_stage_trains_every_parameter():
    names = [name for name, _ in StereoCodec(TINY).named_parameters()]
    assert all(name.startswith(PLAN["stereo_joint"].trains) for name in names)


def test_what_single_views_use_is_left_alone_while_only_right_views_are_trained():
    names = [name for name, _ in StereoCodec(TINY).named_parameters() if name.startswith(SINGLE_VIEW)]
    assert not any(name.startswith(PLAN["stereo"].trains) for name in names)

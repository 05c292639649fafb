"""Estimated costs of blocks: they are those of the blocks that the decoder will move, and are measured once."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from conftest import field_of, moved, planes, textured

from snncodec.decoder.warping import KERNELS, warp
from snncodec.encoder.block_cost import BlockCost
from snncodec.encoder.stereo_matching import contrast


@pytest.mark.parametrize("kernel", range(len(KERNELS)))
def test_the_encoder_measures_with_the_warp_that_the_decoder_makes(kernel):
    left, displacements = textured(96, 160), torch.from_numpy(field_of(23, 2, (6, 10)).displacements)
    warped = warp(planes(left), displacements, kernel).permute(1, 2, 0).numpy()
    cost, blocks = BlockCost(contrast(left), contrast(warped), 30.0, kernel), torch.full((1,), 3)
    measured = cost._transform(blocks, blocks, torch.tensor([23]), torch.tensor([2]))[0]
    made = cost.right[3, 3]
    assert (measured - made).norm() < 0.05 * made.norm()


def test_what_the_encoder_measured_before_it_knows():
    cost, random = BlockCost(*map(contrast, moved(6)), 30.0, 0), np.random.default_rng(0)
    blocks = random.integers(0, 6, 40), random.integers(0, 10, 40)
    for _ in range(3):
        tried = random.integers(-3, 4, (5, 2, 40))
        wanted = [cost._measure(np.stack([*blocks, *displacements])) for displacements in tried]
        assert np.allclose(cost.matched(blocks, tried), wanted, rtol=1e-5)
    with patch.object(cost, "_measure", return_value=np.empty(0)) as measure:
        assert np.allclose(cost.matched(blocks, tried[::-1]), wanted[::-1], rtol=1e-5)
    assert all(not argument.size for argument in measure.call_args.args)


def test_a_block_that_is_predicted_well_costs_less_than_one_that_is_not_predicted():
    cost = BlockCost(*map(contrast, moved(6)), 30.0, 0)
    found = cost.matched((np.full(2, 3), np.full(2, 4)), np.array([[[24, 100], [0, 0]]]))[0]
    assert found[0] < 0.1 * cost.unmatched[3, 4] < found[1]

"""Promises of spiking/fixed_point.py: numbers go to the nearest multiple of 2**-12, and gradients pass."""

import pytest
import torch

from snncodec.spiking.fixed_point import FRACTION_BITS, snap, snap_through


def test_snapping_is_to_the_nearest_multiple_and_lets_gradients_through():
    x = torch.tensor([0.3, -1.0, 7e-5, 2.0**-13 * 3], dtype=torch.float64, requires_grad=True)
    snapped = snap_through(x)
    snapped.sum().backward()
    assert torch.equal(snapped * 2**12, (snapped * 2**12).round()) and (snapped - x).abs().max() <= 2.0**-13
    assert torch.equal(x.grad, torch.ones(4, dtype=torch.float64)) and torch.equal(snapped, snap(x))


@pytest.mark.parametrize("bits", [FRACTION_BITS, 6, 14])
def test_what_is_on_the_grid_stays_where_it_is(bits):
    x = torch.arange(-(2**16), 2**16, dtype=torch.float64) * 2.0**-bits
    assert torch.equal(snap(x, bits), x) and torch.equal(snap_through(x, bits), x)
    assert torch.equal(snap(x[:: 2**8], bits - 8), x[:: 2**8])


def test_snapping_leaves_its_argument_alone():
    x = torch.tensor([0.3, -1.7])
    snap(x)
    snap_through(x)
    assert torch.equal(x, torch.tensor([0.3, -1.7]))

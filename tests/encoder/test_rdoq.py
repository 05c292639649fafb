"""Rate-distortion optimised quantisation: what it chooses costs no more than what is nearest."""

import numpy as np
import torch

from snncodec.bitstream.frequency_tables import FrequencyTables
from snncodec.encoder.rdoq import SQUARED_STEP_BITS, rdoq
from snncodec.training.fit_tables import logistic_frequencies


def test_quantisation_never_costs_more_than_any_candidate():
    tables, random = FrequencyTables(logistic_frequencies()), np.random.default_rng(0)
    residual = torch.from_numpy(random.logistic(0, 3, (50, 100)))
    index = torch.from_numpy(random.integers(0, 64, (50, 100)).astype(np.uint8))

    def rate(symbols, index):
        return torch.from_numpy(tables.bits(symbols.numpy(), index.numpy()))

    def cost(symbols):
        return rate(symbols, index) + SQUARED_STEP_BITS * (residual - symbols).square()

    chosen, bits = rdoq(residual, index, rate)
    assert torch.equal(bits, rate(chosen, index).double()) and torch.equal(chosen, chosen.round())
    for shrink in (0, 1, 2):
        nearest = residual.round()
        assert (cost(chosen) <= cost(nearest.sign() * (nearest.abs() - shrink).clamp_min(0))).all()
    assert cost(chosen).sum() < 0.99 * cost(residual.round()).sum()


def test_residuals_are_rounded_where_all_symbols_cost_alike():
    residual = torch.from_numpy(np.random.default_rng(0).logistic(0, 3, 500))
    index = torch.zeros(500)
    assert torch.equal(rdoq(residual, index, lambda symbols, _: torch.full_like(symbols, 7))[0], residual.round())

"""Rate-distortion optimised quantisation: what it chooses costs no more than what is nearest."""

import numpy as np
import torch

from snncodec.bitstream.frequency_tables import FrequencyTables
from snncodec.encoder.rdoq import SQUARED_STEP_BITS, rdoq
from snncodec.training.fit_tables import logistic_frequencies


def test_quantisation_never_costs_more_than_rounding():
    tables, random = FrequencyTables(logistic_frequencies()), np.random.default_rng(0)
    residual = torch.from_numpy(random.logistic(0, 3, 5000))
    indexes = random.integers(0, 64, 5000).astype(np.uint8)

    def rate(symbols):
        return torch.from_numpy(tables.bits(symbols.numpy(), indexes))

    def cost(symbols):
        return rate(symbols) + SQUARED_STEP_BITS * (residual - symbols).square()

    chosen, bits = rdoq(residual, rate)
    assert torch.equal(bits, rate(chosen).double())
    assert torch.equal(chosen, chosen.round()) and (cost(chosen) <= cost(residual.round())).all()
    assert cost(chosen).sum() < 0.99 * cost(residual.round()).sum()


def test_residuals_are_rounded_where_all_symbols_cost_alike():
    residual = torch.from_numpy(np.random.default_rng(0).logistic(0, 3, 500))
    assert torch.equal(rdoq(residual, lambda symbols: torch.full_like(symbols, 7))[0], residual.round())

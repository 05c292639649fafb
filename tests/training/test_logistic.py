"""Promises of snncodec.training.logistic: bits are those of probabilities, and the best table is the cheapest one."""

import numpy as np
import torch

from snncodec.bitstream.frequency_tables import SCALES
from snncodec.training.logistic import LOWEST_SCALE, SCALE_RATIO, best_tables, logistic_bits


def test_the_bits_of_all_symbols_make_probabilities():
    symbols, index = torch.arange(-4000.0, 4001.0).double(), torch.arange(float(SCALES)).double()[:, None]
    assert torch.allclose(torch.exp2(-logistic_bits(symbols, index)).sum(1), torch.ones(SCALES).double(), atol=1e-3)


def test_bits_are_those_of_the_logistic_distribution():
    index, symbols = torch.tensor(30.0).double(), torch.arange(-20.0, 21.0).double()
    scale = LOWEST_SCALE * np.exp(SCALE_RATIO * 30)
    edges = 1 / (1 + np.exp(-np.arange(-20.5, 21.0) / scale))
    assert torch.allclose(logistic_bits(symbols, index), torch.from_numpy(-np.log2(np.diff(edges))))


def test_an_index_beyond_the_tables_is_the_last_table_and_still_learns():
    index = torch.tensor([-5.0, SCALES + 5.0], requires_grad=True)
    bits = logistic_bits(torch.tensor([3.0, 3.0]), index)
    assert torch.equal(bits, logistic_bits(torch.tensor([3.0, 3.0]), torch.tensor([0.0, SCALES - 1.0])))
    bits.sum().backward()
    assert (index.grad != 0).all()


def test_the_best_table_follows_the_spread_of_the_symbols():
    symbols = torch.from_numpy(np.random.default_rng(0).logistic(0, [[0.05, 1.0, 20.0]], (4000, 3))).round()
    tables = best_tables(symbols)
    assert (tables.diff() > 10).all()


def test_no_table_is_cheaper_than_the_best_one():
    symbols = torch.from_numpy(np.random.default_rng(1).logistic(0, [[0.3, 5.0]], (500, 2))).round()
    bits = torch.stack([logistic_bits(symbols, torch.tensor(float(i))).sum(0) for i in range(SCALES)])
    assert torch.equal(bits.argmin(0).float(), best_tables(symbols))

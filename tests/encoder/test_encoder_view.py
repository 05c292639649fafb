"""A view on its way to symbols: whole blocks, and whole numbers that 32 bits hold."""

import numpy as np
import pytest
import torch
from conftest import CPU, textured

from snncodec.encoder.analysis import padded
from snncodec.encoder.view import as_symbols
from snncodec.errors import LimitError


@pytest.mark.parametrize("symbol", [2**31, -(2**31), 2**40, float("inf")])
def test_a_symbol_beyond_32_bits_is_a_limit_error(symbol):
    with pytest.raises(LimitError):
        as_symbols(torch.tensor([0, symbol], dtype=torch.float64))


@pytest.mark.parametrize("symbols", [[], [0, -3, 2**31 - 1, 1 - 2**31]])
def test_symbols_of_32_bits_are_kept(symbols):
    found = as_symbols(torch.tensor(symbols, dtype=torch.float64))
    assert found.dtype == np.int32 and found.tolist() == symbols


@pytest.mark.parametrize("shape", [(1, 1), (16, 32), (17, 15)])
def test_a_view_is_continued_by_its_border_to_whole_blocks(shape):
    view = textured(*shape)
    rows, columns = (np.arange(-(-length // 16) * 16).clip(max=length - 1) for length in shape)
    assert np.array_equal(padded(view, CPU)[0].permute(1, 2, 0).numpy(), view[rows][:, columns])

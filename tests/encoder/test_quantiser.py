"""Residuals of a pass: each becomes the level that its symbol stands for, or is refused."""

import numpy as np
import pytest
import torch

from snncodec.bitstream.dependent_quantisation import FIRST_SCALE
from snncodec.bitstream.frequency_tables import SCALES, FrequencyTables
from snncodec.bitstream.range_coder import SymbolDecoder, SymbolEncoder
from snncodec.decoder.view import decode_residuals
from snncodec.encoder.quantiser import code_alone, code_residuals
from snncodec.encoder.symbol_sinks import NullSink
from snncodec.errors import LimitError
from snncodec.training.fit_tables import logistic_frequencies

TABLES = FrequencyTables(logistic_frequencies())


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 3), (40, 9), (300, 24)])
@pytest.mark.parametrize("lowest", [0, FIRST_SCALE, SCALES - 1])
def test_a_decoder_finds_the_levels_that_the_encoder_chose(shape, lowest):
    random, coder = np.random.default_rng(1), SymbolEncoder(TABLES)
    indexes = random.integers(lowest, SCALES, shape).astype(np.uint8)
    residuals = torch.from_numpy(random.normal(0, 3, shape))
    coded = code_residuals(residuals, indexes, TABLES, coder)
    data = coder.finish()
    assert coded.levels.shape == coded.bits.shape == coded.quantisers.shape == shape
    assert len(data) * 8 == pytest.approx(float(coded.bits.sum()), rel=0.02, abs=64)
    decoder = SymbolDecoder(TABLES, data)
    assert np.array_equal(decode_residuals(decoder, indexes), coded.levels.numpy())
    decoder.finish()


@pytest.mark.parametrize("residual", [2.0**31, -(2.0**31), 2.0**40, float("inf"), float("nan")])
@pytest.mark.parametrize("index", [0, 60])
def test_a_symbol_beyond_32_bits_is_a_limit_error(residual, index):
    residuals = torch.zeros(40, 1, dtype=torch.float64)
    residuals[7] = residual
    with pytest.raises(LimitError):
        code_residuals(residuals, np.full((40, 1), index, dtype=np.uint8), TABLES, NullSink())


@pytest.mark.parametrize("symbols", [[], [0, -3, 2**31 - 1, 1 - 2**31]])
def test_symbols_of_32_bits_are_kept(symbols):
    indexes = np.full(len(symbols), 20, dtype=np.uint8)
    found, _ = code_alone(np.array(symbols, dtype=np.float64), indexes, TABLES, NullSink())
    assert found.tolist() == symbols

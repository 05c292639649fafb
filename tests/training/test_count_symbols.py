"""Promises of snncodec.training.fit_tables: tables are fitted to the very symbols that files hold."""

import numpy as np
import pytest
import torch
from conftest import CONFIGS, CPU, moved, planes, random_model
from training_helpers import fresh_model

from snncodec.bitstream.frequency_tables import LARGEST_SYMBOL, TABLES
from snncodec.bitstream.range_coder import SymbolEncoder
from snncodec.codec import Codec
from snncodec.encoder.rd_trial import code_at_once
from snncodec.model.shipped_weights import load_weights
from snncodec.model.weights import save_weights
from snncodec.training import fit_tables
from snncodec.training.fit_tables import SymbolCounter, count_symbols, logistic_frequencies


@pytest.fixture(scope="module")
def pair():
    return moved(9, height=64, width=96)


@pytest.fixture
def written(monkeypatch):
    """A counter of all symbols that encoders write from now on."""
    counter = SymbolCounter()

    def counting(name):
        coded, counted = getattr(SymbolEncoder, name), getattr(counter, name)

        def count(self, symbols, tables):
            counted(symbols, tables)
            return coded(self, symbols, tables)

        return count

    for name in ("encode", "encode_mixed"):
        monkeypatch.setattr(SymbolEncoder, name, counting(name))
    return counter


@pytest.fixture(scope="module")
def without_encoder(tmp_path_factory):
    """Weights whose spiking encoder, the one network in ordinary floats, says nothing: the same symbols every time."""
    model = random_model(CONFIGS["ilif"])
    for numbers in model.left_encoder.network.read_out.parameters():
        torch.nn.init.zeros_(numbers)
    return str(save_weights(model, logistic_frequencies(), tmp_path_factory.mktemp("weights") / "w.safetensors"))


def test_the_symbols_of_a_picture_are_those_of_its_file(without_encoder, pair, written):
    scenes = torch.stack([planes(pair[0])])[:, None]
    Codec(without_encoder, "cpu").encode(pair[0], pair[0], 1, independent=True)
    assert np.array_equal(2 * count_symbols(load_weights(without_encoder, CPU), scenes), written.histogram)


def test_a_right_view_is_counted_given_the_left_one(pair, tmp_path):
    file = save_weights(fresh_model("ilif"), logistic_frequencies(), tmp_path / "w.safetensors")
    fresh = load_weights(str(file), CPU)
    scenes = torch.stack([planes(pair[0]), planes(pair[0])]).expand(2, -1, -1, -1, -1)
    single, both = count_symbols(fresh, scenes[:, :1]), count_symbols(fresh, scenes)
    energy = np.arange(single.shape[1]) ** 2
    assert single.sum() < both.sum() <= 2 * single.sum() and (both @ energy).sum() < 1.5 * (single @ energy).sum()


def test_magnitudes_are_counted_per_table_and_large_ones_together():
    counter = SymbolCounter()
    counter.encode(np.array([[0, -3, 3, 10**6]]), np.array([[5, 5, 5, 63]], dtype=np.uint8))
    counter.encode_adaptive(np.array([1]), np.ones((1, 2)))  # needs no tables
    assert counter.histogram.shape == (TABLES, LARGEST_SYMBOL + 1) and counter.histogram.sum() == 4
    assert counter.histogram[5, 0] == 1 and counter.histogram[5, 3] == 2 and counter.histogram[63, -1] == 1


def test_qualities_are_spread_over_the_whole_range(loaded, monkeypatch):
    used = []

    def watched(loaded, view, quality, *given):
        used.append(quality)
        return code_at_once(loaded, view, quality, *given)

    monkeypatch.setattr(fit_tables, "code_at_once", watched)
    count_symbols(loaded, torch.zeros(4, 1, 3, 16, 16, dtype=torch.uint8))
    assert used == [1, 34, 67, 100]

"""Promises of model/entropy_model.py: what a prediction tells is not coded, and that is known without looking."""

import pytest
import torch
from conftest import TINY

from snncodec.model.prediction import PredictedLatents
from snncodec.spiking.arithmetic import exact_arithmetic


def predicted(matched):
    """Random predicted latents, on their grid, with these blocks [h, w] matched."""
    scale = torch.logspace(1, -1, TINY.N2, dtype=torch.float64).view(1, -1, 1, 1)
    noise = torch.randn(1, TINY.N2, *matched.shape, generator=torch.Generator().manual_seed(1))
    return PredictedLatents((noise * scale * 64).round() / 64, matched[None, None])


def test_hyper_latents_are_coded_only_where_they_cannot_be_inferred(loaded):
    matched = torch.ones(6, 7, dtype=torch.bool)
    matched[:, 4:] = False
    with exact_arithmetic():
        hyper, coded = loaded.codec.infer_hyper(1, (6, 7), 50, predicted(matched))
        inferred = loaded.codec.hyper_analysis(predicted(matched).values, 50).round()
    assert torch.equal(hyper, inferred) and hyper.unique().numel() > 1
    cells = torch.tensor([[False, True], [False, True]])
    assert torch.equal(coded, cells.view(1, 1, 2, 2).expand_as(hyper))


@pytest.mark.parametrize(("blocks", "coded"), [(16, False), (8, False), (7, True), (0, True)])
def test_half_of_the_blocks_of_a_cell_must_be_matched(blocks, coded, loaded):
    matched = torch.zeros(16, dtype=torch.bool)
    matched[:blocks] = True
    with exact_arithmetic():
        assert (loaded.codec.infer_hyper(1, (4, 4), 50, predicted(matched.view(4, 4)))[1] == coded).all()


def test_without_a_prediction_all_hyper_latents_are_coded(loaded):
    with exact_arithmetic():
        hyper, coded = loaded.codec.infer_hyper(1, (6, 9), 50, None)
    assert coded.all() and coded.shape == hyper.shape == (1, TINY.hyper_channels, 2, 3)

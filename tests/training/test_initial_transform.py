"""Promises of snncodec.training.initial_transform: a model starts from an orthogonal transform that packs energy."""

import pytest
import torch
from conftest import TINY, planes, textured

from snncodec.constants import BLOCK
from snncodec.model.stereo_codec import StereoCodec
from snncodec.training.initial_transform import lapped_filter, principal_colours, start_transform


@pytest.fixture(scope="module")
def crops():
    """Float crops minus 128, [12, 3, 64, 64]."""
    return torch.stack([planes(textured(64, 64, seed)) for seed in range(12)]).float() - 128


@pytest.fixture(scope="module")
def started(crops):
    model = StereoCodec(TINY)
    start_transform(model, crops)
    return model


def test_the_lapped_filter_is_orthogonal_and_no_identity():
    across = lapped_filter(iterations=30)
    assert torch.allclose(across @ across.T, torch.eye(BLOCK), atol=1e-5)
    assert (across - torch.eye(BLOCK)).abs().max() > 0.1


def test_colours_are_decorrelated_and_come_in_order_of_their_variance(crops):
    colours = principal_colours(crops)
    pixels = colours @ crops.movedim(1, 0).flatten(1)
    covariance = pixels @ pixels.T / pixels.shape[1]
    assert torch.allclose(colours @ colours.T, torch.eye(3), atol=1e-5)
    assert (covariance.diagonal().diff() < 0).all()
    assert torch.allclose(covariance, covariance.diagonal().diag(), atol=1e-4 * float(covariance[0, 0]))


@torch.no_grad()
def test_latents_come_in_order_of_their_variance_and_hold_most_of_the_picture(started, crops):
    latents = started.transform.analysis(crops)
    energy = latents.square().mean((0, 2, 3))
    assert (energy.diff() <= 1e-3 * energy[0]).all()
    assert energy.sum() > 0.9 * crops.square().mean() * 3 * BLOCK**2


@torch.no_grad()
def test_tables_start_wide_for_strong_channels_and_narrow_for_low_qualities(started):
    nodes = started.index_offsets.nodes
    assert (nodes[:, 0] > nodes[:, -1]).all()
    assert (nodes.diff(dim=0) >= 0).all()

"""Promises of snncodec.training.loss: rate and distortion weigh what they should, in every stage."""

import dataclasses

import pytest
import torch
from conftest import moved, planes
from training_helpers import fresh_model, views

from snncodec.training import loss
from snncodec.training.loss import LAMBDA, predict_right, rd_cost, validation_curve
from snncodec.training.simulated_coding import simulate_coding
from snncodec.training.stages import PLAN

SINGLE = PLAN["joint"]


@pytest.fixture(scope="module")
def model():
    return fresh_model("ilif")


@pytest.fixture(scope="module")
def pair():
    """A left and a right view of one texture, [1, 2, 3, 96, 160] minus 128."""
    return torch.stack([planes(view) for view in moved(9)]).float()[None] - 128


@torch.no_grad()
def test_bpp_and_mse_are_those_of_what_is_coded(model):
    pixels, quality = views(0, 1), torch.tensor([20, 70])
    coded = simulate_coding(model, pixels, quality)
    _, bpp, mse = rd_cost(model, pixels[:, None], quality, SINGLE)
    assert torch.equal(bpp, coded.bits / 64**2)
    assert torch.equal(mse, (coded.pixels - pixels).square().mean((1, 2, 3)))


@torch.no_grad()
def test_the_loss_is_rate_and_weighted_distortion_over_what_the_quality_costs(model):
    quality = torch.tensor([50])
    cost, bpp, mse = rd_cost(model, views(0)[:, None], quality, SINGLE)
    step = model.steps[49].item()
    assert cost.item() == pytest.approx((bpp + LAMBDA / step**2 * mse).item() / (0.15 * 192 / step), rel=1e-4)


@torch.no_grad()
def test_without_a_decoder_the_distortion_is_that_of_the_latents(model):
    cost, bpp, mse = rd_cost(model, views(0)[:, None], torch.tensor([50]), PLAN["prior"])
    step = model.steps[49].item()
    assert cost.item() == pytest.approx((bpp + LAMBDA / step**2 * mse).item() / (0.15 * 192 / step), rel=1e-4)


@torch.no_grad()
def test_the_views_of_a_pair_count_alike_in_a_stage_on_both(model, pair):
    quality = torch.tensor([50])
    both, right = PLAN["stereo_joint"], dataclasses.replace(PLAN["stereo_joint"], both_views=False)
    figures = [rd_cost(model, pair[:, :1], quality, SINGLE), rd_cost(model, pair, quality, right)]
    for mean, *parts in zip(rd_cost(model, pair, quality, both), *figures, strict=True):
        assert torch.allclose(mean, sum(parts) / 2)


def test_left_views_learn_only_in_a_stage_on_both(model, pair, monkeypatch):
    learning = []

    def watched(*arguments, **options):
        learning.append(torch.is_grad_enabled())
        return simulate_coding(*arguments, **options)

    monkeypatch.setattr(loss, "simulate_coding", watched)
    for name in ("stereo", "stereo_joint"):
        rd_cost(model, pair, torch.tensor([50]), PLAN[name])
    assert learning == [True, True, True]  # in `stereo` the left view only predicts, and is decoded roughly


def test_a_right_view_is_predicted_from_the_left_one(model, pair):
    left, right = pair.unbind(1)
    predicted = predict_right(model, left, right, torch.tensor([50]))
    assert predicted.pixels.shape == right.shape and predicted.matched.shape == (1, 1, 6, 10)
    assert predicted.matched.float().mean() > 0.7
    assert (predicted.pixels - right).square().mean() < 0.2 * (left - right).square().mean()


def test_a_validation_curve_rises(model):
    cost, points = validation_curve(model, views(0, 1, 2)[:, None], SINGLE)
    assert len(points) == 6 and points == sorted(points)
    assert [psnr for _, psnr in points] == sorted(psnr for _, psnr in points) and cost > 0


def test_a_validation_curve_weighs_every_picture_alike(model):
    crops = views(*range(9))[:, None]  # more than are coded at once
    cost, points = validation_curve(model, crops, SINGLE)
    single = [validation_curve(model, crop, SINGLE) for crop in crops.split(1)]
    assert cost == pytest.approx(sum(found for found, _ in single) / 9, rel=0.03)
    for number, point in enumerate(points):
        mean = torch.tensor([curve[number] for _, curve in single]).mean(0)
        assert torch.allclose(torch.tensor(point), mean, rtol=0.03)


def test_a_left_view_decoded_roughly_is_nearly_as_good_as_one_that_was_coded(model, pair):
    left, quality = pair[:, 0], torch.tensor([50])
    with torch.no_grad():
        coded = simulate_coding(model, left, quality).pixels
    rough = loss.decode_roughly(model, left, quality)
    assert (rough - left).square().mean() < 1.3 * (coded - left).square().mean()

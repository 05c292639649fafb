"""Promises of snncodec.training.synthetic_stereo: pairs have the geometry that they are made with.

They look as if two cameras had taken them.
"""

import numpy as np
import pytest
import torch
from conftest import textured

from snncodec.encoder.displacement_search import DisplacementSearch
from snncodec.training import synthetic_stereo
from snncodec.training.synthetic_stereo import FAR, NEAR, compose, move


def textures(count, side=160):
    return torch.stack([torch.from_numpy(textured(side, side, seed)).permute(2, 0, 1).float() for seed in range(count)])


def pictures(pair):
    return [view.permute(1, 2, 0).byte().numpy() for view in pair]


@pytest.mark.parametrize("objects", [0, 1, 3])
def test_views_are_eight_bit_pictures_fixed_by_the_seed(objects):
    pairs = [compose(textures(1 + objects), np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert pairs[0].shape == (2, 3, 160, 160)
    assert torch.equal(pairs[0], pairs[0].clamp(0, 255).round())
    assert torch.equal(pairs[0], pairs[1]) and not torch.equal(pairs[0], pairs[2])


def test_a_background_alone_moves_a_little():
    for seed in range(4):
        field = DisplacementSearch(*pictures(compose(textures(1), np.random.default_rng(seed))), 30.0).find()
        inner = field.displacements[:, 2:-2, 2:-2] / 4
        assert np.abs(np.median(inner[0])) <= FAR and (inner[1] == 0).mean() > 0.9


def test_an_object_keeps_its_outline_at_its_own_disparity(monkeypatch):
    monkeypatch.setattr(synthetic_stereo, "other_camera", lambda view, random: view)
    monkeypatch.setattr(synthetic_stereo, "SLANT", 0.0)
    flat = torch.tensor([0.0, 200.0]).view(2, 1, 1, 1).expand(2, 3, 160, 160)  # a black background, a bright object
    for seed in range(6):
        left, right = (view[0] > 100 for view in compose(flat, np.random.default_rng(seed)))
        inner = slice(50, 110)
        shifts = range(-int(FAR), int(FAR + NEAR) + 1)
        wrong = [(left[:, 50 + d : 110 + d] ^ right[:, inner]).float().mean().item() for d in shifts]
        assert left.any() and min(wrong) < 0.02


@pytest.mark.parametrize("shift", [-3, 0, 5])
def test_whole_pixels_are_moved_unchanged(shift):
    texture = textures(1)[0]
    found = move(texture, torch.full((160, 160), float(shift)))
    assert torch.allclose(found[:, :, 8:-8], texture[:, :, 8 + shift : 152 + shift], atol=0.05)


def test_the_right_camera_differs_a_little_or_not_at_all():
    view = textures(1)[0]
    others = [synthetic_stereo.other_camera(view, np.random.default_rng(seed)) for seed in range(20)]
    differences = [(other - view).abs().mean().item() for other in others]
    assert 0 < sum(difference == 0 for difference in differences) < 20 and max(differences) < 40

"""Stereo matching: displacements follow what neighbours agree on."""

import torch

from snncodec.encoder.stereo_matching import aggregate_paths


def test_paths_prefer_what_neighbours_agree_on():
    costs = torch.ones(5, 6, 7)
    costs[2] = 0
    costs[:, 3, 3], costs[4, 3, 3] = 1, 0.5  # one block sees something else, but hardly better
    assert (aggregate_paths(costs).argmin(0) == 2).all()

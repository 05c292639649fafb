"""Truncated tiles: the last group of latents is left out where it is not worth its bits, and decodes to zero."""

import numpy as np
import pytest
import torch
from conftest import textured

from snncodec import Codec
from snncodec.encoder.truncation import worth_truncating

ALL = torch.ones(2, 3, dtype=torch.bool)


def test_small_latents_are_left_out_and_large_ones_are_not():
    latents = torch.rand(1, 8, 2, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    assert worth_truncating(10.0, ALL, latents)
    latents[0, 5, 1, 2] = -3
    assert not worth_truncating(10.0, ALL, latents)
    counted = ALL.clone()
    counted[1, 2] = False
    assert worth_truncating(10.0, counted, latents)


def test_latents_that_the_prediction_tells_are_not_left_out():
    latents = torch.full((1, 8, 2, 3), 0.9)
    assert worth_truncating(10.0, ALL, latents) and worth_truncating(10.0, ALL, latents, -latents)
    assert not worth_truncating(10.0, ALL, latents, latents)


@pytest.mark.parametrize("truncated", [True, False])
def test_the_last_group_of_a_truncated_tile_is_zero_in_the_decoder(tiny, truncated, monkeypatch):
    codec, seen = Codec(tiny), []
    ramp = np.linspace(40, 200, 160)[:, None].repeat(3, 1).astype(np.uint8) + np.zeros((96, 1, 1), dtype=np.uint8)
    left = ramp if truncated else textured(96, 160)
    kind = type(codec.loaded.codec)
    run, group = kind.run_context_model, codec.loaded.codec.config.groups[-1]

    def watched(self, *given):
        seen.append((given[-1], run(self, *given)))
        return seen[-1][1]

    data = codec.encode(left, left, 30, independent=True)
    monkeypatch.setattr(kind, "run_context_model", watched)
    codec.decode(data, left_only=True)
    assert seen[0][0] is truncated and bool(seen[0][1][:, -group:].any()) is not truncated
    assert seen[0][1][:, :-group].any()

"""The search for a displacement field: what moved is found, where it pays, in units that pay."""

import numpy as np
import pytest
from conftest import moved, textured

from snncodec.bitstream.displacement_field import encode_field
from snncodec.constants import block_shape
from snncodec.decoder.inter_view import InterViewPrediction, encode_inter_view
from snncodec.encoder.displacement_search import DisplacementSearch


def find(left, right, step=30.0):
    return DisplacementSearch(left, right, step).find()


def inner(values):
    """The blocks that are seen in both views."""
    return values[..., 1:-1, 2:-2]


@pytest.mark.parametrize("columns", [-20, -3, 0, 1, 14, 33])
@pytest.mark.parametrize("rows", [-2, 0, 1])
def test_a_shift_is_found(columns, rows):
    field = find(*moved(columns, rows))
    assert np.median(field.displacements[0]) == 4 * columns and np.median(field.displacements[1]) == 4 * rows
    found = np.stack([*field.displacements, field.matched])
    assert (inner(found) == np.array([4 * columns, 4 * rows, 1]).reshape(3, 1, 1)).mean() > 0.8


def test_another_exposure_does_not_hide_a_shift():
    left, right = moved(9)
    field = find(left, (right * 0.8 + 20).astype(np.uint8))
    assert (inner(field.displacements)[0] == 36).mean() > 0.8


def test_a_coarser_step_asks_for_a_smoother_field():
    left, right = moved(9)
    noise = np.random.default_rng(1).normal(0, 12, right.shape)
    noisy = (right + noise).clip(0, 255).astype(np.uint8)
    sizes = [len(encode_field(find(left, noisy, step))[0]) for step in (5.0, 190.0)]
    assert 4 < sizes[1] < sizes[0]


def test_unrelated_views_have_no_field_worth_coding():
    assert not find(textured(96, 160, 1), textured(96, 160, 2)).matched.any()
    assert find(*moved(7)).matched.any()


def test_what_only_one_view_shows_is_not_matched():
    left, right = moved(8, height=96, width=256)
    right = right.copy()
    right[:, 128:] = textured(96, 128, seed=5)
    matched = find(left, right).matched
    assert matched[:, 1:7].mean() > 0.9 and matched[:, 9:].mean() < 0.3


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (40, 2), (17, 33), (700, 1000)])
def test_views_of_any_size_are_searched(shape):
    field = find(textured(*shape), textured(*shape, seed=1))
    assert field.displacements.shape == (2, *block_shape(*shape)) and field.displacements.dtype == np.int64
    assert field.matched.shape == block_shape(*shape) and field.matched.dtype == bool


def test_what_a_search_did_before_does_not_change_what_it_finds():
    search, kernels = DisplacementSearch(*moved(9), 30.0), (5, 0, 1)
    for kernel in kernels:
        again, fresh = search.find(kernel), DisplacementSearch(*moved(9), 30.0).find(kernel)
        assert np.array_equal(again.displacements, fresh.displacements) and np.array_equal(again.matched, fresh.matched)


def test_a_field_must_save_the_share_that_is_asked_for():
    search = DisplacementSearch(*moved(7), 30.0)
    assert search.find(least_share=0.1).matched.any() and not search.find(least_share=0.95).matched.any()


def test_displacements_get_coarser_units_where_bits_are_dear():
    random, (left, right) = np.random.default_rng(0), moved(5, height=160, width=256)
    noisy = (right + random.normal(0, 10, right.shape)).clip(0, 255).astype(np.uint8)
    same = np.zeros((3, 2), dtype=np.int8)
    fields = [find(left, noisy, step) for step in (6.0, 190.0)]
    units = [encode_inter_view(InterViewPrediction(field, 0, same))[0][0] for field in fields]
    assert units[0] == 1 and units[1] > 1

"""Displacement fields: any field comes back, at the bits that were stated, and a smooth one is cheap."""

import numpy as np
import pytest
from conftest import field_of
from hypothesis import given, settings, strategies

from snncodec.bitstream.displacement_field import (
    DISPLACEMENT_MAX,
    DisplacementField,
    decode_field,
    encode_field,
    scan_field,
)
from snncodec.errors import FormatError

SIDE = strategies.integers(1, 20)
SEED = strategies.integers(0, 99)


def random_field(random, height, width, largest, share):
    """A field with components up to `largest`, of which about `share` is matched."""
    displacements = random.integers(-largest, largest + 1, (2, height, width))
    return DisplacementField(displacements, random.random((height, width)) < share)


@settings(max_examples=60)
@given(SIDE, SIDE, SEED, strategies.sampled_from([0, 1, 3, 40, DISPLACEMENT_MAX]))
def test_any_field_comes_back(height, width, seed, largest):
    random = np.random.default_rng(seed)
    field = random_field(random, height, width, largest, random.random())
    data, stated = encode_field(field)
    decoded = decode_field(data, (height, width))
    assert decoded.displacements.dtype == np.int64 and decoded.matched.dtype == bool
    assert np.array_equal(decoded.displacements, stated.displacements)
    assert np.array_equal(decoded.matched, field.matched) and np.array_equal(stated.matched, field.matched)
    assert np.array_equal(decoded.displacements * field.matched, field.displacements * field.matched)


def test_a_smooth_field_is_cheap():
    assert len(encode_field(field_of(57, 0, (40, 60)))[0]) < 30
    ramp = field_of(np.arange(60), 0, (40, 60))
    assert 8 * len(encode_field(ramp)[0]) < ramp.matched.size
    assert len(encode_field(DisplacementField(ramp.displacements, np.zeros_like(ramp.matched)))[0]) < 10


@given(SEED, SIDE, SIDE)
def test_the_stated_bits_are_those_that_are_written(seed, height, width):
    field, stated = random_field(np.random.default_rng(seed), height, width, 40, 0.5), 0.0

    def code(context):
        nonlocal stated
        displacements, matched = field.displacements[:, *context.blocks], field.matched[context.blocks]
        stated += np.take_along_axis(context.flag_bits(), matched[None].astype(int), 0).sum()
        stated += context.displacement_bits(displacements[None])[0][matched].sum()
        return np.where(matched, displacements, context.prediction), matched

    scan_field((height, width), code)
    assert 0 <= 8 * len(encode_field(field)[0]) - stated < 64 + 0.01 * stated


def test_the_search_for_a_field_and_its_coding_scan_alike():
    field = random_field(np.random.default_rng(0), 9, 14, 40, 0.7)

    def code(context):
        matched = field.matched[context.blocks]
        return np.where(matched, field.displacements[:, *context.blocks], context.prediction), matched

    scanned, (_, coded) = scan_field((9, 14), code), encode_field(field)
    assert np.array_equal(scanned.displacements, coded.displacements)
    assert np.array_equal(scanned.matched, coded.matched)


def test_displacements_out_of_range_are_refused():
    with pytest.raises(FormatError, match="larger than"):
        decode_field(encode_field(field_of(DISPLACEMENT_MAX + 1, 0, (3, 3)))[0], (3, 3))


def test_foreign_bytes_give_displacements_in_range_or_are_refused():
    random = np.random.default_rng(0)
    for _ in range(50):
        try:
            field = decode_field(random.bytes(4 * random.integers(30)), (9, 11))
        except FormatError:
            continue
        assert np.abs(field.displacements).max() <= DISPLACEMENT_MAX

"""The inter-view prediction: it survives its section, the encoder and the decoder make the same, whole or in parts."""

import numpy as np
import pytest
import torch
from conftest import field_of, moved, planes, textured

from snncodec import Codec
from snncodec.bitstream.container import Tag, unpack
from snncodec.bitstream.displacement_field import DisplacementField
from snncodec.constants import BLOCK, DEFAULT_EFFORT
from snncodec.decoder.inter_view import HEAD_BYTES, InterViewPrediction, decode_inter_view, encode_inter_view
from snncodec.decoder.tiling import Tile, split
from snncodec.decoder.warping import KERNELS, warp
from snncodec.encoder.effort import LEVELS
from snncodec.encoder.mode_decision import find_prediction
from snncodec.errors import FormatError
from snncodec.spiking.arithmetic import exact_arithmetic

NO_WEIGHTS = np.zeros((3, 2), dtype=np.int8)
WEIGHTS = np.array([[1, -2], [3, 127], [-128, 0]], dtype=np.int8)


def random_prediction(height, width, kernel=0):
    """A prediction that moves every block elsewhere, matches about half of them, and weights the colours."""
    random = np.random.default_rng(0)
    displacements, matched = random.integers(-90, 90, (2, height, width)), random.random((height, width)) < 0.5
    return InterViewPrediction(DisplacementField(displacements, matched), kernel, WEIGHTS)


@pytest.mark.parametrize(("unit", "kernel"), [(1, 0), (2, 1), (4, 2), (1, 3), (2, 4), (4, 5)])
def test_predictions_survive_coding(unit, kernel):
    columns = np.random.default_rng(unit).integers(-40, 40, (5, 9)) * unit
    given = InterViewPrediction(field_of(columns, unit, (5, 9)), kernel, WEIGHTS)
    section, stated = encode_inter_view(given)
    assert section[0] == unit
    for found in (stated, decode_inter_view(section, (5, 9))):
        assert found.kernel == kernel and np.array_equal(found.weights, WEIGHTS)
        assert np.array_equal(found.field.displacements, given.field.displacements) and found.field.matched.all()


def test_the_encoder_knows_what_becomes_of_blocks_that_are_not_matched():
    section, stated = encode_inter_view(random_prediction(5, 9))
    decoded = decode_inter_view(section, (5, 9))
    assert np.array_equal(decoded.field.displacements, stated.field.displacements)
    assert np.array_equal(decoded.field.matched, stated.field.matched) and not stated.field.matched.all()


@pytest.mark.parametrize("length", [HEAD_BYTES, HEAD_BYTES + 4])
@pytest.mark.parametrize("head", [b"", b"\3", b"\1\7"], ids=["unit 0", "unit 3", "kernel 7"])
def test_a_section_of_unknown_unit_or_kernel_is_refused(head, length):
    with pytest.raises(FormatError, match="does not hold a unit, a kernel, weights and a field"):
        decode_inter_view(head.ljust(length, b"\0"), (3, 4))


@pytest.mark.parametrize("length", range(HEAD_BYTES + 1))
def test_a_section_that_ends_before_its_field_is_refused(length):
    with pytest.raises(FormatError, match="does not hold a unit, a kernel, weights and a field"):
        decode_inter_view((b"\1\0" + WEIGHTS.tobytes())[:length], (3, 4))


def test_unmatched_blocks_are_marked():
    field = field_of(0, 0, (3, 4))
    field.matched[1, 2] = False
    predicted = InterViewPrediction(field, 0, NO_WEIGHTS).apply(planes(textured(48, 64)))
    assert predicted.matched.shape == (1, 1, 3, 4) and predicted.matched.dtype == torch.bool
    assert not predicted.matched[0, 0, 1, 2] and predicted.matched.sum() == 11


def test_a_prediction_without_weights_is_the_warped_view():
    given, left = random_prediction(10, 6, kernel=3), planes(textured(160, 96))
    predicted = InterViewPrediction(given.field, 3, NO_WEIGHTS).apply(left)
    assert torch.equal(predicted.pixels[0], warp(left, torch.from_numpy(given.field.displacements), kernel=3))
    assert np.array_equal(predicted.matched[0, 0].numpy(), given.field.matched)


@pytest.mark.parametrize("kernel", range(len(KERNELS)))
def test_a_part_of_a_prediction_is_what_the_whole_shows_there(kernel):
    prediction, left = random_prediction(10, 6, kernel), planes(textured(160, 96))
    whole = prediction.apply(left)
    for part in [Tile(slice(2, 9), slice(1, 4)), Tile(slice(0, 10), slice(5, 6)), *split((10, 6), 5)]:
        predicted = prediction.apply(left, part)
        assert torch.equal(predicted.pixels, whole.pixels[(..., *part.pixels(BLOCK))])
        assert torch.equal(predicted.matched, whole.matched[(..., *part)])


def test_the_decoder_predicts_what_the_encoder_did(tiny):
    codec, (left, right) = Codec(tiny), moved(6)
    right = np.rint((right - 128.0) * (0.9, 1, 1) + 128 + (5, 0, 0)).clip(0, 255).astype(np.uint8)
    data = codec.encode(left, right, 60)
    header, sections = unpack(data)
    found, left = decode_inter_view(sections[Tag.DISPARITY], (6, 10)), codec.decode(data).left
    loaded, effort = codec.loaded.turned(header.chroma_angle), LEVELS[DEFAULT_EFFORT]
    with exact_arithmetic():
        wanted, _ = find_prediction(loaded, planes(left), right, 60, effort)
    kept = found.field.matched
    assert kept.any() and np.array_equal(found.field.displacements[:, kept], wanted.field.displacements[:, kept])
    assert np.array_equal(found.weights, wanted.weights) and found.weights.any()

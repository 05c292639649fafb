"""Promises of exposure and prediction: exposures are found and applied exactly, and predictions survive coding."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from conftest import CPU
from PIL import Image, ImageFilter
from snncodec.container import Tag, unpack
from snncodec.disparity import estimate
from snncodec.exact import exact_arithmetic
from snncodec.exposure import expose, match_exposure
from snncodec.field import encode_field
from snncodec.prediction import HEAD, Prediction, decode_prediction, encode_prediction, predict
from snncodec.trial import Trial
from snncodec.warp import KERNELS
from snncodec.weights import load_weights
from test_stereo import field_of, moved, tensor, textured

from snncodec import codec, coupling, prediction
from snncodec.errors import FormatError

SAME = np.zeros((3, 2), dtype=np.int8)


def matched(view):
    """A prediction, uint8 [4, H, W], that equals a view and counts everywhere."""
    return torch.cat([tensor(view), torch.ones(1, *view.shape[:2], dtype=torch.uint8)])


def exposed(view, gains, offsets):
    """A view with other gains (around grey 128) and offsets per colour, rounded."""
    return np.rint((view.astype(float) - 128) * gains + 128 + offsets).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(("gains", "offsets"), [((1, 1, 1), (40, 40, 40)), ((0.8, 0.9, 1.1), (-30, 0, 7.5))])
def test_another_exposure_is_found_also_where_some_blocks_show_something_else(gains, offsets):
    view = textured(96, 160)
    right = exposed(view, gains, offsets)
    right[:48, :64] = textured(48, 64, seed=3)
    found = match_exposure(matched(view), right)
    assert np.abs(found[:, 0] / 256 + 1 - gains).max() < 0.01 and np.abs(found[:, 1] / 2 - offsets).max() <= 0.5


@pytest.mark.parametrize("right", [textured(96, 160), np.full((96, 160, 3), 77, dtype=np.uint8)])
def test_views_exposed_alike_are_left_as_they_are(right):
    assert np.array_equal(match_exposure(matched(right), right), SAME)


def test_no_exposure_is_found_where_nothing_is_matched():
    left = matched(textured(32, 48))
    left[3] = 0
    assert np.array_equal(match_exposure(left, textured(32, 48, 1)), SAME)


def test_exposures_are_applied_with_rounding_and_bounds():
    levels = torch.arange(256, dtype=torch.uint8).expand(4, 1, 256)
    exposure = np.array([[0, 0], [-128, 127], [127, -128]], dtype=np.int8)
    found = expose(levels, exposure)
    exact = (np.arange(256) - 128) * (1 + exposure[:, :1] / 256) + 128 + exposure[:, 1:] / 2
    assert np.array_equal(found[:3, 0].numpy(), np.floor(exact + 0.5).clip(0, 255)) and torch.equal(found[3], levels[3])


@pytest.mark.parametrize(("unit", "kernel"), [(1, 0), (2, 1), (4, 2), (1, 3), (2, 4), (4, 5)])
def test_predictions_survive_coding(unit, kernel):
    columns = np.random.default_rng(unit).integers(-40, 40, (5, 9)) * unit
    exposure = np.array([[1, -2], [3, 127], [-128, 0]], dtype=np.int8)
    given = Prediction(field_of(columns, unit, (5, 9)), exposure, kernel)
    section, decoded = encode_prediction(given)
    found = decode_prediction(section, (5, 9), adjusted=True)
    assert section[0] == unit
    for one in (decoded, found):
        assert one.kernel == kernel
        assert np.array_equal(one.field, given.field) and np.array_equal(one.exposure, given.exposure)


def test_sections_of_earlier_files_are_a_field_alone():
    field = field_of(7, -1, (3, 4))
    found = decode_prediction(encode_field(field)[0], (3, 4), adjusted=False)
    assert np.array_equal(found.field, field) and np.array_equal(found.exposure, SAME)


@pytest.mark.parametrize("head", [b"", b"\1" + b"\0" * 6, b"\0" * HEAD, b"\3" + b"\0" * 7, b"\1\6" + b"\0" * 6])
def test_a_section_without_unit_kernel_or_exposure_is_refused(head):
    with pytest.raises(FormatError, match="does not start with a unit"):
        decode_prediction(head, (3, 4), adjusted=True)


def test_displacements_get_coarser_units_where_bits_are_dear():
    random, (left, right) = np.random.default_rng(0), moved(5, height=160, width=256)
    noisy = (right + random.normal(0, 10, right.shape)).clip(0, 255).astype(np.uint8)
    units = [encode_prediction(Prediction(estimate(left, noisy, step), SAME))[0][0] for step in (6.0, 190.0)]
    assert units[0] == 1 and units[1] > 1


@pytest.mark.parametrize("kernel", range(len(KERNELS)))
def test_the_kernel_that_suits_the_middle_of_the_view_is_chosen(kernel, tiny, monkeypatch):
    def try_view(loaded, view, quality, warped):
        error = (warped[:3].int() - tensor(view).int()).abs().sum(0).double()
        blocks = error.unflatten(1, (-1, 16)).unflatten(0, (-1, 16)).sum((1, 3))
        return Trial(blocks, blocks, blocks, blocks)

    monkeypatch.setattr(coupling, "try_view", try_view)
    monkeypatch.setattr(coupling, "SAMPLE", 4)
    seen, given = tensor(textured(96, 160)), Prediction(field_of(23, 2, (6, 10)), SAME, kernel)
    right = given.apply(seen)[:3].permute(1, 2, 0).numpy().copy()
    right[:16], right[80:], right[:, :48], right[:, 112:] = 0, 0, 0, 0
    assert coupling.best_kernel(load_weights(tiny, CPU), seen, right, 50, given._replace(kernel=0)) == kernel


@pytest.mark.parametrize("radius", [1.5, 2])
def test_a_right_view_out_of_focus_is_predicted(radius):
    left, right = moved(6)
    soft = np.asarray(Image.fromarray(right).filter(ImageFilter.GaussianBlur(radius)))
    data, alone = (codec.encode(left, soft, 60, independent=independent) for independent in (False, True))
    header, sections = unpack(data)
    assert decode_prediction(sections[Tag.DISPARITY], (6, 10), header.adjusted).kernel in (3, 4, 5)
    assert len(data) < 0.9 * len(alone)


def test_another_exposure_of_the_right_view_costs_little(tiny):
    left, right = moved(6)
    darker = exposed(right, (0.9, 0.9, 0.9), (-12, -12, -12))

    def size():
        return len(unpack(codec.encode(left, darker, 60, weights=tiny))[1][Tag.RIGHT])

    found = size()
    with patch.object(prediction, "match_exposure", lambda warped, right: SAME):
        assert found < 0.9 * size()


def test_the_decoder_predicts_what_the_encoder_did(tiny):
    left, right = moved(6)
    data = codec.encode(left, exposed(right, (0.9, 1, 1), (5, 0, 0)), 60, weights=tiny)
    header, sections = unpack(data)
    assert header.adjusted and decode_prediction(sections[Tag.DISPARITY], (6, 10), adjusted=True).exposure.any()
    with exact_arithmetic():
        step = float(load_weights(tiny, CPU).model.steps[59])
        seen = tensor(codec.decode(data, weights=tiny).left)
        found = decode_prediction(sections[Tag.DISPARITY], (6, 10), adjusted=True)
        wanted = predict(seen, exposed(right, (0.9, 1, 1), (5, 0, 0)), step, found.kernel)
    kept = found.field[2] > 0
    assert np.array_equal(found.field[:, kept], wanted.field[:, kept])
    assert np.array_equal(found.exposure, wanted.exposure)

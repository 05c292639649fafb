"""Promises of codec.py: pictures of any size come back as the encoder saw them, bad input ends in one clear error."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from conftest import CONFIGS, random_model, synthetic_pair
from hypothesis import given, settings, strategies
from snncodec.container import Tag, pack, unpack
from snncodec.entropy import Tables, make_frequencies
from snncodec.metrics import psnr
from snncodec.rounding import DISTORTION, cheapest
from snncodec.tiles import spans
from snncodec.weights import save_weights

from snncodec import codec, views
from snncodec.errors import FormatError, InputError, LimitError, SnncodecError, UnsupportedError, WeightsError

SIDE = strategies.one_of(strategies.integers(1, 130), strategies.sampled_from([1, 15, 16, 17, 64, 65]))


@pytest.fixture(scope="module")
def coded(crop, tiny):
    """A file of the motorcycle crop, with a colour profile."""
    return codec.encode(*crop, 50, weights=tiny, icc=b"profile")


def encode_and_watch(left, right, quality, weights, **options):
    """The file of a pair, and the views that the encoder expects it to decode to."""
    seen = []

    def watched(loaded, *arguments):
        section, values = views.encode_view(loaded, *arguments)
        seen.append(codec.as_picture(views.render(loaded, values, *arguments[1:3]), *left.shape[:2]))
        return section, values

    with patch.object(codec, "encode_view", watched):
        return codec.encode(left, right, quality, weights=weights, **options), seen


@settings(max_examples=20)
@given(SIDE, SIDE, strategies.integers(1, 100), strategies.booleans())
def test_any_size_decodes_to_what_the_encoder_saw(tiny, height, width, quality, independent):
    left, right = synthetic_pair(height, width, seed=height + 200 * width)
    data, expected = encode_and_watch(left, right, quality, tiny, independent=independent)
    pair = codec.decode(data, weights=tiny)
    assert pair.left.dtype == np.uint8 and pair.left.shape == left.shape
    assert np.array_equal(pair.left, expected[0]) and np.array_equal(pair.right, expected[1])


@pytest.mark.parametrize("size", [1, 3, 4])
@pytest.mark.parametrize("independent", [False, True])
def test_a_picture_of_several_coded_tiles_decodes_to_what_the_encoder_saw(tiny, size, independent, monkeypatch):
    monkeypatch.setattr(views, "CODED_TILE", size)
    data, expected = encode_and_watch(*synthetic_pair(90, 150, seed=3), 60, tiny, independent=independent)
    pair = codec.decode(data, weights=tiny)
    assert unpack(data)[0].coupled != independent
    assert np.array_equal(pair.left, expected[0]) and np.array_equal(pair.right, expected[1])


@pytest.mark.parametrize(
    ("length", "size", "parts"), [(1, 64, [1]), (64, 64, [64]), (65, 64, [33, 32]), (7, 3, [3, 3, 1])]
)
def test_a_map_is_cut_into_the_fewest_parts_of_about_one_size(length, size, parts):
    assert [span.stop - span.start for span in spans(length, size)] == parts


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (33, 50)])
def test_every_neuron_makes_a_round_trip(name, height, width, weights_files):
    left, right = synthetic_pair(height, width)
    data = codec.encode(left, right, 40, weights=weights_files[name])
    assert data == codec.encode(left, right, 40, weights=weights_files[name])
    pair, again = (codec.decode(data, weights=weights_files[name]) for _ in range(2))
    expected = encode_and_watch(left, right, 40, weights_files[name])[1]
    assert np.array_equal(pair.left, expected[0]) and np.array_equal(pair.right, expected[1])
    assert np.array_equal(pair.left, again.left) and np.array_equal(pair.right, again.right)


def test_higher_quality_costs_more_and_looks_better(crop, tiny):
    files = [codec.encode(*crop, quality, weights=tiny) for quality in (5, 50, 95)]
    quality = [psnr(crop[0], codec.decode(data, weights=tiny).left) for data in files]
    assert len(files[0]) < len(files[1]) < len(files[2])
    assert (
        quality[0] + 2 < quality[1] < quality[2] and quality[1] > 21
    )  # a mere 48 of 768 coefficients, random networks


def test_the_left_view_alone_is_the_left_view_of_the_pair(coded, tiny):
    pair, alone = codec.decode(coded, weights=tiny), codec.decode(coded, left_only=True, weights=tiny)
    assert alone.right is None and np.array_equal(alone.left, pair.left)


@pytest.mark.parametrize("change", [lambda d: d[:-1] + bytes([d[-1] ^ 1]), lambda d: d[:-50]], ids=["flip", "cut"])
def test_a_damaged_right_view_leaves_the_left_one(coded, tiny, change):
    with pytest.raises(FormatError, match="--left-only"):
        codec.decode(change(coded), weights=tiny)
    alone = codec.decode(change(coded), left_only=True, weights=tiny)
    assert np.array_equal(alone.left, codec.decode(coded, weights=tiny).left)


def test_the_left_section_does_not_depend_on_the_right_view(crop, coded, tiny):
    other = codec.encode(crop[0], 255 - crop[1], 50, weights=tiny)
    assert unpack(other)[1][Tag.LEFT] == unpack(coded)[1][Tag.LEFT]


@pytest.mark.parametrize("value", [0, 1, 128, 255])
@pytest.mark.parametrize("quality", [1, 100])
def test_flat_views_make_a_round_trip(value, quality, tiny):
    view = np.full((40, 72, 3), value, dtype=np.uint8)
    data, expected = encode_and_watch(view, view, quality, tiny)
    pair = codec.decode(data, weights=tiny)
    assert np.array_equal(pair.left, expected[0]) and np.array_equal(pair.right, expected[1])


def test_hard_black_and_white_makes_a_round_trip(tiny):
    view = np.random.default_rng(0).choice(np.array([0, 255], dtype=np.uint8), (64, 80, 3))
    data, expected = encode_and_watch(view, view[::-1], 100, tiny)
    pair = codec.decode(data, weights=tiny)
    assert np.array_equal(pair.left, expected[0]) and np.array_equal(pair.right, expected[1])


def test_views_that_are_not_contiguous_are_coded_alike(crop, coded, tiny):
    turned = [np.asfortranarray(view) for view in crop]
    assert codec.encode(*turned, 50, weights=tiny, icc=b"profile") == coded
    assert codec.encode(crop[0][::-1], crop[1][::-1], 50, weights=tiny)


GREY = np.zeros((8, 9), dtype=np.uint8)
COLOUR = np.zeros((8, 9, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("left", "right", "options"),
    [
        (COLOUR, COLOUR[:7], {}),
        (COLOUR, COLOUR[:, :8], {}),
        (GREY, GREY, {}),
        (COLOUR.astype(float), COLOUR, {}),
        (COLOUR, COLOUR.astype(np.uint16), {}),
        (COLOUR[:0], COLOUR[:0], {}),
        (COLOUR[..., [0, 1, 2, 0]], COLOUR[..., [0, 1, 2, 0]], {}),
        (COLOUR.tolist(), COLOUR, {}),
        (COLOUR, None, {}),
        (COLOUR, COLOUR, {"quality": 0}),
        (COLOUR, COLOUR, {"quality": 101}),
        (COLOUR, COLOUR, {"quality": 50.0}),
        (COLOUR, COLOUR, {"quality": True}),
        (COLOUR, COLOUR, {"quality": "50"}),
        (COLOUR, COLOUR, {"device": "tpu"}),
        (COLOUR, COLOUR, {"icc": bytes(2**20 + 1)}),
    ],
)
def test_views_and_options_that_cannot_be_used_are_input_errors(left, right, options, tiny):
    with pytest.raises(InputError):
        codec.encode(left, right, **options, weights=tiny)


def test_a_quality_counted_by_numpy_is_a_quality(tiny):
    assert codec.encode(COLOUR, COLOUR, np.int64(50), weights=tiny) == codec.encode(COLOUR, COLOUR, 50, weights=tiny)


def test_weights_that_do_not_exist_are_a_weights_error(coded):
    with pytest.raises(WeightsError):
        codec.encode(COLOUR, COLOUR, weights="no such weights")
    with pytest.raises(WeightsError):
        codec.decode(coded, weights="no such weights")


def test_the_colour_profile_survives(coded, crop, tiny):
    assert codec.decode(coded, weights=tiny).icc == codec.decode(coded, True, weights=tiny).icc == b"profile"
    assert codec.decode(codec.encode(*crop, weights=tiny), weights=tiny).icc is None


def test_a_file_that_needs_other_weights_is_unsupported(coded, tmp_path):
    other = save_weights(random_model(CONFIGS["ilif"], seed=9), tmp_path / "other.safetensors")
    with pytest.raises(UnsupportedError, match="needs weights"):
        codec.decode(coded, weights=str(other))
    with pytest.raises(UnsupportedError, match="not shipped"):
        codec.decode(coded)


def test_pixels_over_the_limit_are_refused_before_any_work(coded, tiny):
    with pytest.raises(LimitError):
        codec.decode(coded, weights=tiny, max_pixels=96 * 128 - 1)
    assert codec.decode(coded, weights=tiny, max_pixels=96 * 128).left.shape == (96, 120, 3)


def test_progress_counts_to_its_total(crop, coded, tiny):
    calls = []
    codec.encode(*crop, weights=tiny, progress=lambda *call: calls.append(call))
    codec.decode(coded, weights=tiny, progress=lambda *call: calls.append(call))
    codec.decode(coded, True, weights=tiny, progress=lambda *call: calls.append(call))
    assert calls == [(1, 2), (2, 2), (1, 2), (2, 2), (1, 1)]


def test_random_bytes_cuts_and_flips_are_always_refused(coded, tiny):
    random = np.random.default_rng(0)
    bad = [random.bytes(size) for size in range(0, 200, 9)] + [b"SNNC\x01" + random.bytes(60) for _ in range(20)]
    bad += [coded[:size] for size in (*range(0, 90, 5), *range(90, len(coded), 499))] + [coded + b"x"]
    for position in (*range(0, 60), *random.integers(60, len(coded), 60)):
        flipped = bytearray(coded)
        flipped[position] ^= 1 << int(random.integers(8))
        bad.append(bytes(flipped))
    for data in bad:
        with pytest.raises(SnncodecError):
            codec.decode(data, weights=tiny)


@pytest.mark.parametrize("tag", [Tag.LEFT, Tag.DISPARITY, Tag.RIGHT])
def test_sections_that_no_encoder_wrote_give_pixels_or_a_format_error(tag, tiny):
    header, sound = unpack(codec.encode(*synthetic_pair(96, 120), 60, weights=tiny))
    random, refused = np.random.default_rng(1), 0
    assert header.coupled and header.width == 120
    for trial in range(60):
        damaged = bytearray(sound[tag])
        damaged[random.integers(len(damaged))] ^= 255
        part = [random.bytes(trial * 4), bytes(trial * 4), bytes(damaged), random.bytes(trial)][trial % 4]
        data = pack(header, {**sound, tag: part})
        try:
            pair = codec.decode(data, weights=tiny)
            assert pair.left.shape == pair.right.shape == (96, 120, 3)
        except FormatError:
            refused += 1
    assert refused > 30


def test_a_range_of_symbols_that_overflows_is_a_limit_error(tmp_path):
    model = random_model(CONFIGS["ilif"])
    model.left_encoder.analysis.matrix.data[0] = 1.3e5
    file = save_weights(model, tmp_path / "huge.safetensors")
    black = np.zeros((32, 32, 3), dtype=np.uint8)
    with pytest.raises(LimitError):
        codec.encode(black, black, 100, weights=str(file))


def test_quantisation_never_costs_more_than_rounding():
    tables, random = Tables(make_frequencies()), np.random.default_rng(0)
    residual = torch.from_numpy(random.logistic(0, 3, 5000))
    indexes = random.integers(0, 64, 5000).astype(np.uint8)

    def rate(symbols):
        return torch.from_numpy(tables.bits(symbols.numpy(), indexes))

    def cost(symbols):
        return rate(symbols) + DISTORTION * (residual - symbols).square()

    chosen, bits = cheapest(residual, rate)
    assert torch.equal(bits, rate(chosen).double())
    assert torch.equal(chosen, chosen.round()) and (cost(chosen) <= cost(residual.round())).all()
    assert cost(chosen).sum() < 0.99 * cost(residual.round()).sum()

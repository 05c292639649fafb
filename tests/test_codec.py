"""Promises of codec.py: pictures of any size come back as the encoder saw them, bad input ends in one clear error."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from conftest import CONFIGS, moved, save_random_weights, synthetic_pair
from hypothesis import given, settings, strategies
from PIL import Image

from snncodec import Codec, codec
from snncodec.benchmark.metrics import psnr
from snncodec.bitstream.container import Tag, pack, unpack
from snncodec.errors import FormatError, InputError, LimitError, SnncodecError, UnsupportedError, WeightsError
from snncodec.io.exif import exif_facts

SIDE = strategies.one_of(strategies.integers(1, 130), strategies.sampled_from([1, 15, 16, 17, 64, 65]))


@pytest.fixture(scope="module")
def coded(crop, tiny):
    """A file of the motorcycle crop, with a colour profile."""
    return codec.encode(*crop, 50, weights=tiny, icc=b"profile")


def assert_alike(pair, expected):
    assert np.array_equal(pair.left, expected.left) and np.array_equal(pair.right, expected.right)


@settings(max_examples=20)
@given(SIDE, SIDE, strategies.integers(1, 100), strategies.booleans())
def test_any_size_decodes_to_what_the_encoder_saw(tiny, height, width, quality, independent):
    left, right = synthetic_pair(height, width, seed=height + 200 * width)
    encoded = Codec(tiny).encode_pair(left, right, quality, independent=independent)
    pair = codec.decode(encoded.data, weights=tiny)
    assert pair.left.dtype == pair.right.dtype == np.uint8 and pair.left.shape == pair.right.shape == left.shape
    assert_alike(pair, encoded.reconstruction())


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (33, 50)])
def test_every_neuron_makes_a_round_trip(name, height, width, weights_files):
    left, right = synthetic_pair(height, width)
    encoded = Codec(weights_files[name]).encode_pair(left, right, 40)
    assert encoded.data == codec.encode(left, right, 40, weights=weights_files[name])
    pair, again = (codec.decode(encoded.data, weights=weights_files[name]) for _ in range(2))
    assert_alike(pair, encoded.reconstruction())
    assert_alike(pair, again)


def test_higher_quality_costs_more_and_looks_better(crop):
    base = codec.Codec("base")
    files = [base.encode(*crop, quality) for quality in (5, 50, 95)]
    quality = [psnr(crop[0], base.decode(data).left) for data in files]
    assert len(files[0]) < len(files[1]) < len(files[2])
    assert quality[0] + 6 < quality[1] < quality[2] - 6


def test_the_left_view_alone_is_the_left_view_of_the_pair(coded, tiny):
    pair, alone = codec.decode(coded, weights=tiny), codec.decode(coded, left_only=True, weights=tiny)
    assert alone.right is None and np.array_equal(alone.left, pair.left)


@pytest.mark.parametrize("change", [lambda d: d[:-1] + bytes([d[-1] ^ 1]), lambda d: d[:-50]], ids=["flip", "cut"])
def test_a_damaged_right_view_leaves_the_left_one(coded, tiny, change):
    with pytest.raises(FormatError, match="--left-only"):
        codec.decode(change(coded), weights=tiny)
    alone = codec.decode(change(coded), left_only=True, weights=tiny)
    assert np.array_equal(alone.left, codec.decode(coded, weights=tiny).left)


def test_a_damaged_field_leaves_the_left_view(tiny):
    data = bytearray(codec.encode(*moved(6), 60, weights=tiny))
    field = unpack(bytes(data))[1][Tag.DISPARITY]
    data[bytes(data).rindex(field)] ^= 1
    with pytest.raises(FormatError, match="--left-only"):
        codec.decode(bytes(data), weights=tiny)
    assert codec.decode(bytes(data), True, weights=tiny).left.shape == (96, 160, 3)


def test_a_field_of_another_size_is_refused(tiny):
    header, sections = unpack(codec.encode(*moved(6, height=64, width=96), 60, weights=tiny))
    with pytest.raises(FormatError):
        codec.decode(pack(dataclasses.replace(header, width=160), sections), weights=tiny)


@pytest.mark.parametrize("name", CONFIGS)
def test_files_with_prediction_between_views_hold_a_field_and_decode_alike(name, weights_files):
    data = codec.encode(*moved(6), 60, weights=weights_files[name])
    header, sections = unpack(data)
    assert header.inter_view and Tag.DISPARITY in sections
    pair, left = codec.decode(data, weights=weights_files[name]), codec.decode(data, True, weights=weights_files[name])
    assert np.array_equal(pair.left, left.left) and left.right is None


def test_the_left_section_does_not_depend_on_the_right_view(crop, coded, tiny):
    other = codec.encode(crop[0], 255 - crop[1], 50, weights=tiny)
    assert unpack(other)[1][Tag.LEFT] == unpack(coded)[1][Tag.LEFT]


@pytest.mark.parametrize("value", [0, 1, 128, 255])
@pytest.mark.parametrize("quality", [1, 100])
def test_flat_views_make_a_round_trip(value, quality, tiny):
    view = np.full((40, 72, 3), value, dtype=np.uint8)
    encoded = Codec(tiny).encode_pair(view, view, quality)
    assert_alike(codec.decode(encoded.data, weights=tiny), encoded.reconstruction())


def test_hard_black_and_white_makes_a_round_trip(tiny):
    view = np.random.default_rng(0).choice(np.array([0, 255], dtype=np.uint8), (64, 80, 3))
    encoded = Codec(tiny).encode_pair(view, view[::-1], 100)
    assert_alike(codec.decode(encoded.data, weights=tiny), encoded.reconstruction())


def test_views_that_are_not_contiguous_are_coded_alike(crop, coded, tiny):
    turned = [np.asfortranarray(view) for view in crop]
    assert codec.encode(*turned, 50, weights=tiny, icc=b"profile") == coded
    assert codec.encode(crop[0][::-1], crop[1][::-1], 50, weights=tiny)


def test_a_codec_does_what_the_two_functions_do(crop, coded, tiny):
    shared, calls = Codec(tiny), []
    assert shared.encode(*crop, 50, icc=b"profile") == coded
    assert shared.encode(*crop, 30, independent=True) == codec.encode(*crop, 30, weights=tiny, independent=True)
    pair, left = shared.decode(coded, progress=lambda *call: calls.append(call)), shared.decode(coded, left_only=True)
    assert_alike(pair, codec.decode(coded, weights=tiny))
    assert np.array_equal(left.left, pair.left) and left.right is None
    assert pair.icc == left.icc == b"profile" and calls == [(1, 2), (2, 2)]


def test_a_codec_refuses_what_the_two_functions_refuse(crop, coded, tiny, tmp_path):
    shared, other = Codec(tiny), Codec(save_random_weights("ilif", tmp_path / "other.safetensors", seed=9))
    for wrong in (
        lambda: shared.encode(crop[0], crop[1][1:]),
        lambda: shared.encode(*crop, 0),
        lambda: Codec(tiny, "tpu"),
    ):
        with pytest.raises(InputError):
            wrong()
    with pytest.raises(LimitError):
        shared.decode(coded, max_pixels=96 * 128 - 1)
    with pytest.raises(UnsupportedError, match="needs weights"):
        other.decode(coded)


@pytest.mark.parametrize("name", CONFIGS)
def test_one_codec_in_two_threads_gives_what_it_gives_in_one(name, weights_files):
    shared, views = Codec(weights_files[name]), (synthetic_pair(33, 70, seed=1), synthetic_pair(50, 40, seed=2))
    expected = [shared.encode_pair(*pair, 60) for pair in views]
    started = Barrier(2)

    def work(number):
        started.wait()
        if number:  # one thread encodes while the other decodes, and the other way round
            return shared.encode(*views[1], 60), shared.decode(expected[1].data)
        return shared.decode(expected[0].data), shared.encode(*views[0], 60)

    with ThreadPoolExecutor(2) as pool:
        (first_pair, first_data), (second_data, second_pair) = pool.map(work, (0, 1))
    assert [first_data, second_data] == [encoded.data for encoded in expected]
    assert_alike(first_pair, expected[0].reconstruction())
    assert_alike(second_pair, expected[1].reconstruction())


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
        (COLOUR, COLOUR, {"icc": "sRGB"}),
        (COLOUR, COLOUR, {"icc": GREY}),
        (COLOUR, COLOUR, {"exif": {}}),
        (COLOUR, COLOUR, {"icc": [1, 2]}),
        (COLOUR, COLOUR, {"exif": {"Model": "W3"}}),
        (COLOUR, COLOUR, {"exif": 5}),
    ],
)
def test_views_and_options_that_cannot_be_used_are_input_errors(left, right, options, tiny):
    with pytest.raises(InputError):
        codec.encode(left, right, **options, weights=tiny)


def test_profiles_and_metadata_may_come_in_anything_that_holds_bytes(tiny):
    icc, made = bytes(range(128)), Image.Exif()
    made[0x0110] = "W3"
    exif = made.tobytes().ljust(64, b"\0")
    plain = codec.encode(COLOUR, COLOUR, icc=icc, exif=exif, weights=tiny)
    for holder in (bytearray, memoryview, lambda data: memoryview(bytearray(data)).cast("B", (2, len(data) // 2))):
        assert codec.encode(COLOUR, COLOUR, icc=holder(icc), exif=holder(exif), weights=tiny) == plain
    assert (
        codec.decode(codec.encode(COLOUR, COLOUR, icc=memoryview(icc).cast("H"), weights=tiny), weights=tiny).icc == icc
    )


@pytest.mark.parametrize("limit", [0, -1, float("nan"), None, "5", True])
def test_a_limit_that_is_none_is_an_input_error(limit, coded, tiny):
    for decode in (codec.decode, codec.Codec(tiny).decode):
        with pytest.raises(InputError, match="max_pixels"):
            decode(coded, max_pixels=limit)


@pytest.mark.parametrize("quality", [0, -5, 101])
def test_an_estimate_is_of_a_quality_from_1_to_100(quality, tiny):
    estimate = codec.Codec(tiny).estimate(COLOUR, COLOUR)
    for ask in (estimate.size, estimate.psnr):
        with pytest.raises(InputError, match="from 1 to 100"):
            ask(quality)


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


def test_metadata_is_kept_for_both_views_and_for_the_left_one(crop, tiny):
    exif = Image.Exif()
    exif[0x0110], exif[0x0112], exif[0x013B] = "W3", 6, "AN ARTIST"
    data = codec.encode(*crop, 50, weights=tiny, exif=exif.tobytes())
    assert exif_facts(codec.decode(data, weights=tiny).exif) == {"Model": "W3"}
    assert codec.decode(data[:-1], True, weights=tiny).exif == codec.decode(data, weights=tiny).exif
    assert b"ARTIST" not in data and unpack(data)[1][Tag.EXIF] == codec.decode(data, weights=tiny).exif


def test_metadata_that_no_encoder_wrote_is_not_passed_on(coded, tiny):
    header, sections = unpack(coded)
    pair = codec.decode(pack(header, {**sections, Tag.EXIF: b"GPS 48 N 12 E"}), weights=tiny)
    assert pair.exif is None
    assert_alike(pair, codec.decode(coded, weights=tiny))
    assert Tag.EXIF not in unpack(codec.encode(*pair.views(), weights=tiny, exif=b"junk"))[1]


def test_a_file_that_needs_other_weights_is_unsupported(coded, tmp_path):
    other = save_random_weights("ilif", tmp_path / "other.safetensors", seed=9)
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
    assert header.inter_view and header.width == 120
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


@pytest.mark.parametrize("tag", [Tag.LEFT, Tag.DISPARITY, Tag.RIGHT])
def test_an_empty_section_is_refused(tag, tiny):
    header, sections = unpack(codec.encode(*synthetic_pair(32, 40), 60, weights=tiny))
    with pytest.raises(FormatError):
        codec.decode(pack(header, {**sections, tag: b""}), weights=tiny)

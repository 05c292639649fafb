"""The page and the package agree: a reader that was written from docs/format.md reads what the package writes."""

import importlib
import re
import struct
from functools import cache
from pathlib import Path

import numpy as np
import plain_reader
import pytest
from conftest import synthetic_pair
from plain_reader import Refused, read_disparity, read_file

from snncodec.bitstream.block_scan import FIRST_FLAG_COUNTS
from snncodec.bitstream.container import Tag, read_header, unpack
from snncodec.bitstream.displacement_field import DISPLACEMENT_MAX, SPREADS, TYPICAL, DisplacementField
from snncodec.bitstream.range_coder import RangeDecoder
from snncodec.codec import Codec
from snncodec.constants import block_shape
from snncodec.decoder.inter_view import InterViewPrediction, decode_inter_view, encode_inter_view
from snncodec.decoder.warping import KERNELS
from snncodec.model.companding import COMPAND_THRESHOLDS

PAGE = Path(__file__).parents[2] / "docs" / "format.md"
GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.bin"))
SIZES = [(1, 1), (1, 9), (7, 1), (3, 4), (8, 8), (17, 31)]  # of fields, in blocks


@cache
def coded(tiny, quality, independent):
    """A small synthetic pair as the encoder writes it with the tiny weights."""
    return Codec(tiny).encode(*synthetic_pair(100, 150, seed=1), quality, independent=independent)


def example():
    """The file that the page shows byte by byte."""
    return bytes.fromhex(re.search(r"```hex\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1])


def assert_read_alike(data):
    """Both readers see the same envelope and the same prediction in a file."""
    plain, (header, sections), (_, payloads) = read_file(data), read_header(data), unpack(data)
    views = header.width, header.height
    assert plain[:6] == (header.quality, header.inter_view, header.chroma_angle, header.weights_id, *views)
    assert plain.table == [(section.tag, section.length, section.crc) for section in sections]
    assert plain.payloads == payloads
    if header.inter_view:
        payload, size = payloads[Tag.DISPARITY], (header.height, header.width)
        assert_predicted_alike(payload, size, decode_inter_view(payload, block_shape(*size)))


def assert_predicted_alike(payload, size, prediction):
    """The plain reader finds this prediction in a DISPARITY section of a pair of `size` (height, width) pixels."""
    plain = read_disparity(payload, size[1], size[0])
    matched = prediction.field.matched
    assert (plain.unit, plain.kernel) == (payload[0], prediction.kernel)
    assert np.array_equal(plain.weights, prediction.weights)
    assert np.array_equal(plain.matched, matched)
    assert np.array_equal(np.stack([plain.columns, plain.rows]), prediction.field.displacements)


def random_prediction(shape, seed, largest, share):
    """Any prediction of `shape` (h, w) blocks with displacements up to `largest` quarter pixels."""
    random = np.random.default_rng(seed)
    walk = random.integers(-largest, largest + 1, (2, *shape))
    weights = random.integers(-128, 128, (3, 2)).astype(np.int8)
    return InterViewPrediction(DisplacementField(walk, random.random(shape) < share), int(random.integers(6)), weights)


def flipped(data, bit):
    """The same bytes with one bit the other way."""
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def test_the_plain_reader_is_on_its_own():
    source = Path(plain_reader.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r"^\s*(?:from|import) (\w+)", source, re.MULTILINE)) == {"struct", "zlib", "typing"}


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("quality", [20, 50, 90])
def test_files_of_the_encoder_are_read_alike(tiny, quality, independent):
    data = coded(tiny, quality, independent)
    assert read_file(data).inter_view is not independent
    assert_read_alike(data)


def test_a_file_of_real_views_with_a_colour_profile_is_read_alike(tiny, crop):
    data = Codec(tiny).encode(*crop, 50, icc=b"a profile")
    assert read_file(data).payloads[plain_reader.ICC] == b"a profile"
    assert read_file(data).inter_view
    assert_read_alike(data)


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_golden_files_are_read_alike(file):
    assert_read_alike(file.read_bytes())


@pytest.mark.parametrize("largest", [0, 2, 50, DISPLACEMENT_MAX])
@pytest.mark.parametrize("shape", SIZES)
def test_any_displacement_field_is_read_alike(shape, largest):
    for seed, share in enumerate((0.0, 0.3, 0.9, 1.0)):
        section, prediction = encode_inter_view(random_prediction(shape, seed, largest, share))
        assert_predicted_alike(section, (16 * shape[0], 16 * shape[1]), prediction)


def test_every_unit_is_read_alike():
    for unit in (1, 2, 4):
        prediction = random_prediction((5, 6), unit, 20, 0.7)
        displacements = prediction.field.displacements * unit
        displacements[:, 0, 0] = unit  # so that no larger unit will do
        field = DisplacementField(displacements, prediction.field.matched)
        section, decoded = encode_inter_view(InterViewPrediction(field, 0, prediction.weights))
        assert section[0] == unit
        assert_predicted_alike(section, (80, 96), decoded)


def test_the_file_that_the_page_shows_is_read_alike():
    assert_read_alike(example())
    assert read_disparity(read_file(example()).payloads[plain_reader.DISPARITY], 1, 1).matched == [[False]]


def test_the_field_that_the_page_decodes_by_hand_is_read_so():
    plain = read_disparity(bytes([1, 0, 0, 0, 0, 0, 0, 0]) + bytes.fromhex("eb 5a 71 fd"), 16, 16)
    assert (plain.columns, plain.rows, plain.matched) == ([[6]], [[-1]], [[True]])


def test_the_scan_that_the_page_draws_is_made_so():
    drawn = [[0, 4, 2, 4], [4, 3, 4, 3], [2, 4, 1, 4]]
    for number, (_, _, blocks) in enumerate(plain_reader.scan(3, 4)):
        assert blocks == [(r, c) for r in range(3) for c in range(4) if drawn[r][c] == number]


@pytest.mark.parametrize("data", [example(), *(file.read_bytes() for file in GOLDEN[:1])], ids=len)
def test_a_flipped_bit_is_refused(data):
    envelope = 8 * (28 + 9 * data[7])
    for bit in [*range(envelope), *range(envelope, 8 * len(data), 97)]:
        with pytest.raises(Refused):
            read_file(flipped(data, bit))


def test_the_checksums_are_what_finds_flipped_bits():
    data = example()
    with pytest.raises(Refused, match="header CRC"):
        read_file(flipped(data, 8 * 16))  # the width
    for section in read_header(data)[1]:
        with pytest.raises(Refused, match=f"payload of section {section.tag}"):
            read_file(flipped(data, 8 * section.offset))


def test_a_file_cut_anywhere_or_extended_is_refused():
    for length in range(len(example())):
        with pytest.raises(Refused):
            read_file(example()[:length])
    with pytest.raises(Refused, match="length of the file"):
        read_file(example() + b"\0")


def test_a_stream_that_is_too_long_or_no_whole_words_is_refused():
    head = bytes([1, 0, 0, 0, 0, 0, 0, 0])
    for stream in (b"\0\0\0", bytes(16), b"\xff" * 8):  # the last one is what no encoder writes
        with pytest.raises(Refused):
            read_disparity(head + stream, 16, 16)


@pytest.mark.parametrize("counts", [(19, 1), (25, 210), (32, 16, 8, 4, 2, *[1] * 12), (1, 10**9), (7,) * 17])
def test_a_model_of_counts_is_cut_where_the_package_cuts_it(counts):
    model, unit = plain_reader.adaptive_model(counts), (2**64 - 1) >> 24
    for symbol, cut in enumerate(model[1:-1]):
        for quantile, expected in ((cut - 1, symbol), (cut, symbol + 1)):
            words = struct.pack("<2I", *divmod(quantile * unit, 2**32))
            assert RangeDecoder(words).decode_adaptive(1, np.array(counts)) == expected


def test_the_numbers_on_the_page_are_those_of_the_package():
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    rows = [" ".join(map(str, taps)) for kernel in KERNELS for taps in kernel]
    rows += [" ".join(map(str, COMPAND_THRESHOLDS)), ", ".join(map(str, SPREADS))]
    rows += [" | ".join(map(str, row)) for row in TYPICAL]
    rows += [" | ".join(f"{a}, {b}" for a, b in FIRST_FLAG_COUNTS)]
    for row in rows:
        assert row in page


def test_the_constants_that_the_page_lists_are_where_it_says():
    table = re.search(r"## 15\..*?(?=\nNot normative)", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    for names, _, module in re.findall(r"^\| (.*?) \| (.*?) \| `(\w+(?:/\w+)?)`", table, re.MULTILINE):
        home = importlib.import_module(f"snncodec.{module.replace('/', '.')}") if module != "constriction" else None
        for name in re.findall(r"`([A-Z_]+)`", names):
            assert hasattr(home, name), f"{module} has no {name}"

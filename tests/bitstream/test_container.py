"""The file format: what stands in a file byte by byte, and that a file that breaks a rule is refused for it."""

import dataclasses
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snncodec.bitstream.container import Header, Tag, pack, read_header, unpack
from snncodec.errors import FormatError, LimitError, SnncodecError, UnsupportedError

HEADER = Header(width=741, height=497, quality=50, weights_id=bytes(range(8)), inter_view=True, chroma_angle=11)
SECTIONS = {Tag.ICC: b"profile", Tag.LEFT: b"left bytes", Tag.DISPARITY: b"field", Tag.RIGHT: b"right"}
GOLDEN = bytes.fromhex(
    "534e4e43" "02" "32" "01" "0b" "04" "0001020304050607" "e5020000" "f1010000"  # magic .. height
    "01" "07000000" "0faa5781"  # ICC
    "02" "0a000000" "82a41140"  # LEFT
    "03" "05000000" "5845f55b"  # DISPARITY
    "04" "05000000" "1475cab4"  # RIGHT
    "25a22416"  # header CRC
) + b"profileleft bytesfieldright"  # fmt: skip
RIGHT_STARTS = len(GOLDEN) - len(b"right")
LEFT_ENDS = RIGHT_STARTS - len(b"field")
PLAIN = ((Tag.LEFT, b"left"), (Tag.RIGHT, b"right"))
PREDICTED = (PLAIN[0], (Tag.DISPARITY, b"field"), PLAIN[1])


def forge(sections=PLAIN, version=2, quality=50, flags=0, angle=0, width=3, height=2) -> bytes:
    """A file with the given fields and sound checksums, built from the specification and not with `pack`."""
    settings = version, quality, flags, angle
    header = struct.pack("<4sBBBBB8sII", b"SNNC", *settings, len(sections), bytes(8), width, height)
    for tag, payload in sections:
        header += struct.pack("<BII", tag, len(payload), zlib.crc32(payload))
    return header + struct.pack("<I", zlib.crc32(header)) + b"".join(payload for _, payload in sections)


def test_pack_writes_the_golden_bytes():
    assert pack(HEADER, SECTIONS) == GOLDEN


def test_unpack_reads_the_golden_bytes():
    assert unpack(GOLDEN) == (HEADER, SECTIONS)


def test_the_order_of_the_mapping_does_not_change_the_file():
    assert pack(HEADER, dict(reversed(SECTIONS.items()))) == GOLDEN


def test_a_forged_file_that_breaks_no_rule_is_read():
    header, sections = unpack(forge())
    assert header == Header(3, 2, 50, bytes(8), inter_view=False)
    assert sections == {Tag.LEFT: b"left", Tag.RIGHT: b"right"}
    header, sections = unpack(forge(PREDICTED, flags=1))
    assert header.inter_view and sections == dict(PREDICTED)


uint32 = st.integers(1, 2**32 - 1)
headers = st.builds(
    Header, uint32, uint32, st.integers(1, 100), st.binary(min_size=8, max_size=8), st.booleans(), st.integers(0, 15)
)
views = {Tag.LEFT: st.binary(), Tag.RIGHT: st.binary()}
payloads = st.fixed_dictionaries(
    views, optional={Tag.EXIF: st.binary(), Tag.ICC: st.binary(), Tag.DISPARITY: st.binary()}
)


@given(headers, payloads)
def test_unpack_undoes_pack(header, sections):
    header = dataclasses.replace(header, inter_view=Tag.DISPARITY in sections)
    assert unpack(pack(header, sections), max_pixels=2**64) == (header, sections)


@given(st.binary(max_size=100))
def test_random_bytes_are_refused(data):
    for head in (b"", GOLDEN[:5], GOLDEN[:25]):
        with pytest.raises(SnncodecError):
            unpack(head + data)


BROKEN_RULES = {
    "empty": (b"", FormatError, "the file is empty"),
    "web page": (b"<!DOCTYPE html><html>" + bytes(60), FormatError, "not a snncodec file: a web page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\n", FormatError, "not a snncodec file: a Git LFS pointer"),
    "magic": (b"\x89PNG\r\n\x1a\n" + bytes(60), FormatError, "not a snncodec file: it starts with b'\\x89PNG'"),
    "version": (forge(version=1), UnsupportedError, "format version 1, this snncodec reads version 2 only"),
    "short": (GOLDEN[:10], FormatError, "ends inside its header: 10 bytes present, 25 or more expected"),
    "short table": (GOLDEN[:30], FormatError, "ends inside its header: 30 bytes present, 65 expected"),
    "header crc": (GOLDEN[:20] + b"?" + GOLDEN[21:], FormatError, "the header is damaged"),
    "flags": (forge(flags=0b1000), UnsupportedError, "unknown flags 0x08: the file was written by another version"),
    "development flags": (
        forge(PREDICTED, flags=6),
        UnsupportedError,
        "unknown flags 0x06: the file was written by another",
    ),
    "quality 0": (forge(quality=0), FormatError, "quality 0, expected 1 to 100"),
    "quality 101": (forge(quality=101), FormatError, "quality 101, expected 1 to 100"),
    "chroma angle 16": (forge(angle=16), FormatError, "chroma angle 16, expected 0 to 15"),
    "no columns": (forge(width=0), FormatError, "a width of 0"),
    "no rows": (forge(height=0), FormatError, "a height of 0"),
    "no sections": (forge([]), FormatError, "LEFT section is missing"),
    "no left": (forge([(Tag.RIGHT, b"")]), FormatError, "LEFT section is missing"),
    "no right": (forge([(Tag.LEFT, b"")]), FormatError, "RIGHT section is missing"),
    "tag 5": (forge([*PLAIN, (5, b"")]), UnsupportedError, "unknown section tag 5"),
    "long exif": (forge([(Tag.EXIF, bytes(65537)), *PLAIN]), FormatError, "EXIF section has 65537 bytes"),
    "exif order": (forge([PLAIN[0], (Tag.EXIF, b""), PLAIN[1]]), FormatError, "EXIF stands after LEFT"),
    "field": (forge(PREDICTED), FormatError, "there is a DISPARITY section, but"),
    "no field": (forge(flags=1), FormatError, "DISPARITY section is missing"),
    "tag order": (forge(PLAIN[::-1]), FormatError, "LEFT stands after RIGHT"),
    "tag twice": (forge((PLAIN[0], *PLAIN)), FormatError, "LEFT stands after LEFT"),
    "section cut": (GOLDEN[:-2], FormatError, "RIGHT section ends early: 3 bytes present, the header says 5"),
    "section crc": (GOLDEN.replace(b"left bytes", b"left bites"), FormatError, "LEFT section is damaged"),
    "extended": (GOLDEN + b"\0\0", FormatError, f"2 bytes too many: the header promises a file of {len(GOLDEN)} bytes"),
    "too large": (
        forge(width=2**16, height=2**13),
        LimitError,
        "65536x8192 pixels, more than the limit of 268,435,456",
    ),
}


@pytest.mark.parametrize("rule", BROKEN_RULES)
def test_every_broken_rule_has_its_own_sentence(rule):
    data, error, sentence = BROKEN_RULES[rule]
    with pytest.raises(error) as caught:
        unpack(data)
    assert sentence in str(caught.value)
    assert type(caught.value) is error


@pytest.mark.parametrize("sections", [PLAIN, PREDICTED])
def test_every_flag_but_that_of_prediction_between_views_is_refused(sections):
    for flags in range(2, 256):
        with pytest.raises(UnsupportedError, match=f"unknown flags {flags:#04x}"):
            unpack(forge(sections, flags=flags))


@pytest.mark.parametrize("left_only", [False, True])
def test_a_file_cut_anywhere_is_refused(left_only):
    for length in range(LEFT_ENDS if left_only else len(GOLDEN)):
        with pytest.raises(FormatError):
            unpack(GOLDEN[:length], left_only)


def test_every_flipped_bit_is_refused():
    for bit in range(8 * len(GOLDEN)):
        damaged = bytearray(GOLDEN)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(UnsupportedError if bit // 8 == 4 else FormatError):  # byte 4 is the version
            unpack(bytes(damaged))


def test_extra_bytes_are_refused_for_the_left_view_too():
    with pytest.raises(FormatError, match="1 bytes too many"):
        unpack(GOLDEN + b"\0", left_only=True)


@pytest.mark.parametrize("length", range(RIGHT_STARTS, len(GOLDEN) + 1))
def test_the_left_view_needs_no_byte_of_the_right_one(length):
    header, sections = unpack(GOLDEN[:length], left_only=True)
    assert header == HEADER
    assert sections == {Tag.ICC: b"profile", Tag.LEFT: b"left bytes"}


def test_the_left_view_survives_damage_in_the_right_one_and_the_error_says_so():
    damaged = GOLDEN[:-1] + b"?"
    with pytest.raises(FormatError, match=r"RIGHT section is damaged.*--left-only"):
        unpack(damaged)
    assert Tag.RIGHT not in unpack(damaged, left_only=True)[1]


def test_a_promised_length_is_not_allocated():
    table = struct.pack("<BIIBII", Tag.LEFT, 2**32 - 1, 0, Tag.RIGHT, 2**32 - 1, 0)
    header = forge([])[:8] + b"\x02" + bytes(8) + struct.pack("<II", 3, 2) + table
    with pytest.raises(FormatError, match="LEFT section ends early: 0 bytes present, the header says 4294967295"):
        unpack(header + struct.pack("<I", zlib.crc32(header)))


def test_the_limit_itself_is_still_read():
    assert unpack(forge(width=30, height=16), max_pixels=512)[0].width == 30
    with pytest.raises(LimitError, match=r"30x16 pixels .coded as 32x16., more than the limit of 511"):
        unpack(forge(width=30, height=16), max_pixels=511)


def test_thin_pictures_count_as_what_they_are_padded_to():
    with pytest.raises(LimitError, match="coded as"):
        unpack(forge(width=2**28, height=1))


def test_the_header_is_read_whatever_happened_to_the_payloads():
    header, table = read_header(GOLDEN.replace(b"profile", b"PROFILE")[:-1])
    states = [section.state(GOLDEN.replace(b"profile", b"PROFILE")[:-1]) for section in table]
    assert header == HEADER
    assert [(section.tag, section.length) for section in table] == list(zip(SECTIONS, (7, 10, 5, 5), strict=True))
    assert states == ["damaged", "ok", "ok", "cut short"]


@pytest.mark.parametrize(
    "fields",
    [{"quality": 0}, {"quality": 101}, {"width": 0}, {"height": 2**32}, {"weights_id": b"short"}],
    ids=lambda fields: next(iter(fields)),
)
def test_pack_refuses_what_unpack_would_refuse(fields):
    with pytest.raises(FormatError):
        pack(Header(**{**vars(HEADER), **fields}), SECTIONS)


def test_pack_refuses_sections_it_cannot_write():
    with pytest.raises(FormatError, match="RIGHT section is missing"):
        pack(HEADER, {Tag.LEFT: b""})
    with pytest.raises(UnsupportedError, match="unknown section tag 5"):
        pack(HEADER, {**SECTIONS, 5: b""})
    with pytest.raises(FormatError, match="EXIF section has 65537 bytes"):
        pack(HEADER, {**SECTIONS, Tag.EXIF: bytes(65537)})


def test_metadata_stands_before_everything_else_and_comes_with_the_left_view():
    data = pack(HEADER, {**SECTIONS, Tag.EXIF: b"II*"})
    assert data == GOLDEN[:8] + b"\5" + GOLDEN[9:25] + data[25:34] + GOLDEN[25:61] + data[70:74] + b"II*" + GOLDEN[65:]
    assert unpack(data)[1] == {**SECTIONS, Tag.EXIF: b"II*"}
    assert list(unpack(data[:-5], left_only=True)[1]) == [Tag.EXIF, Tag.ICC, Tag.LEFT]

"""Promises of snncodec.io.heic: the stereo pair of a spatial photo is read, its group decides which view is left."""

import contextlib
import io
import random
import struct
import sys

import numpy as np
import pytest
from PIL import Image
from stereo_helpers import BLUE, RED, exif_of, looks_like

from snncodec.errors import InputError, LimitError
from snncodec.io.exif import exif_facts
from snncodec.io.images import read_pair, read_picture
from snncodec.io.stereo_files import read_stereo_file


@pytest.fixture
def read(tmp_path):
    def read(data, **options):
        (tmp_path / "x.heic").write_bytes(data)
        notes = []
        return read_stereo_file(tmp_path / "x.heic", note=notes.append, **options), " ".join(notes)

    return read


def heic(*views, **options):
    pillow_heif = pytest.importorskip("pillow_heif")
    if not pillow_heif.libheif_info()["HEIF"]:
        pytest.skip("this pillow-heif writes no HEIC")
    file, out = pillow_heif.HeifFile(), io.BytesIO()
    for view in views:
        file.add_from_pillow(view if isinstance(view, Image.Image) else Image.fromarray(view))
    file.save(out, quality=95, chroma=444, **options)
    return out.getvalue()


def with_group(data, *items):
    """The file with a stereo pair group of two items in its `meta` box; offsets behind it move along."""
    entity = struct.pack(">I4sIII2I", 28, b"ster", 0, 100, 2, *items)
    group = struct.pack(">I4s", 8 + len(entity), b"grpl") + entity
    at = data.index(b"meta") - 4
    (length,) = struct.unpack_from(">I", data, at)
    grown = struct.pack(">I", length + len(group)) + data[at + 4 : at + length] + group
    return data[:at] + shift_offsets(grown, len(group)) + data[at + length :]


def shift_offsets(meta, by):
    """The `meta` box with all offsets of its `iloc` box moved; those of libheif have 4 bytes."""
    at = meta.index(b"iloc")
    version, sizes = meta[at + 4], meta[at + 8]
    assert version in (0, 1) and sizes == 0x44
    base, (count,) = meta[at + 9] >> 4, struct.unpack_from(">H", meta, at + 10)
    out, at = bytearray(meta), at + 12
    for _ in range(count):
        method = struct.unpack_from(">H", meta, at + 2)[0] & 15 if version else 0
        at += 2 + 2 * version + 2 + base
        (extents,) = struct.unpack_from(">H", meta, at)
        at += 2
        for _ in range(extents):
            if method == 0:
                struct.pack_into(">I", out, at, struct.unpack_from(">I", meta, at)[0] + by)
            at += 8
    return bytes(out)


def item_ids(data):
    import pillow_heif

    return [image._c_image.item_id for image in pillow_heif.open_heif(io.BytesIO(data))]


def test_the_group_says_which_view_is_left(read):
    data = heic(RED, BLUE)
    first, second = item_ids(data)
    for items, left, right in (((first, second), RED, BLUE), ((second, first), BLUE, RED)):
        pair, notes = read(with_group(data, *items))
        assert looks_like(pair.left, left) and looks_like(pair.right, right)
        assert "taken from its stereo pair" in notes


def test_other_pictures_do_not_disturb_the_pair(read):
    data = heic(RED[:16], RED, BLUE)
    pair, _ = read(with_group(data, *item_ids(data)[1:]))
    assert looks_like(pair.left, RED) and looks_like(pair.right, BLUE)


def test_two_pictures_without_a_group_are_taken_in_their_order_with_a_note(read):
    pair, notes = read(heic(RED, BLUE))
    assert looks_like(pair.left, RED) and looks_like(pair.right, BLUE) and "does not say which is left" in notes


def test_metadata_is_kept_and_nothing_is_turned_twice(read):
    views = [Image.fromarray(view) for view in (RED, BLUE)]
    for view in views:
        view.info["exif"] = exif_of(6)
    data = heic(*views)
    pair, _ = read(data)
    assert exif_facts(pair.exif) == {"Model": "W3"}
    assert pair.left.shape[:2] == sys.modules["pillow_heif"].read_heif(io.BytesIO(data))[0].size[::-1] == (24, 32)


@pytest.mark.parametrize(
    ("views", "words"), [((RED,), "holds 1 pictures .32x24., 0 pairs"), ((RED, BLUE, RED), "holds 3")]
)
def test_what_is_no_pair_is_refused_with_what_was_found(read, views, words):
    with pytest.raises(InputError, match=words):
        read(heic(*views))


def test_views_of_different_size_are_refused(read):
    with pytest.raises(InputError, match=r"is 32x24 but .* is 16x16"):
        read(heic(RED, BLUE[:16, :16]))


def test_the_limit_counts_one_view(read):
    with pytest.raises(LimitError, match="32x24, the limit is 767"):
        read(heic(RED, BLUE), max_pixels=767)


def test_damage_is_one_sentence(read):
    data = heic(RED, BLUE)
    for length in range(16, len(data), len(data) // 20):
        with pytest.raises(InputError, match=r"x\.heic"):
            read(data[:length])


def test_without_the_package_the_extra_is_named(read, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InputError, match=r"pip install 'snncodec\[heic\]'"):
        read(b"\0\0\0\x18ftypheic" + bytes(20))
    with pytest.raises(InputError, match=r"x\.heic is a HEIC file.*pip install 'snncodec\[heic\]'"):
        read_picture(tmp_path / "x.heic")


def test_photos_of_phones_are_views_too(tmp_path):
    (tmp_path / "left.heic").write_bytes(heic(RED))
    (tmp_path / "right.heic").write_bytes(heic(BLUE, RED, exif=exif_of()))
    notes = []
    pair = read_pair(tmp_path / "left.heic", tmp_path / "right.heic", note=notes.append)
    assert looks_like(pair.left, RED) and looks_like(pair.right, BLUE) and exif_facts(pair.exif) == {"Model": "W3"}
    assert len(notes) == 1 and "right.heic holds 2 pictures; only the main one is used" in notes[0]
    with pytest.raises(LimitError, match=r"left\.heic is 32x24, the limit is 767"):
        read_picture(tmp_path / "left.heic", 767)


def test_a_photo_with_both_views_side_by_side_is_cut(read):
    pair, _ = read(heic(np.concatenate([RED, BLUE], axis=1)), side_by_side=True)
    assert looks_like(pair.left, RED) and looks_like(pair.right, BLUE)


def test_no_flipped_byte_raises_anything_of_its_own(read):
    data, rng = heic(RED, BLUE), random.Random(0)
    for _ in range(200):
        damaged = bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            damaged[rng.randrange(len(data))] = rng.randrange(256)
        with contextlib.suppress(InputError, LimitError):
            read(bytes(damaged))


def test_colours_that_are_not_those_of_srgb_are_told(read):
    _, notes = read(heic(RED, BLUE, color_primaries=9, transfer_characteristics=16))
    assert "says that its colours are BT.2020 with PQ; they are taken as sRGB" in notes
    assert "its colours are" not in read(heic(RED, BLUE))[1]


def test_more_than_eight_bits_are_reduced_with_a_note(read, tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    file, out = pillow_heif.HeifFile(), io.BytesIO()
    for view in (RED, BLUE):
        samples = (view.astype(np.uint16) * 257).tobytes()
        file.add_frombytes("RGB;16", (view.shape[1], view.shape[0]), samples)
    file.save(out, quality=95, chroma=444)
    pair, notes = read(out.getvalue())
    for side in ("left", "right"):
        assert f"the {side} view of {tmp_path}/x.heic has 10 bits per sample; they are reduced to 8" in notes
    assert looks_like(pair.left, RED) and looks_like(pair.right, BLUE)

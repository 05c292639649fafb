"""Promises of snncodec.io.mpo: two views of one size are read, turned and told apart; everything else is refused."""

import contextlib
import random

import numpy as np
import pytest
from PIL import Image, ImageCms
from stereo_helpers import BLUE, RED, exif_of, looks_like, mpo, picture

from snncodec.errors import InputError, LimitError
from snncodec.io.exif import exif_facts
from snncodec.io.images import read_pair
from snncodec.io.stereo_files import prepared, read_stereo_file

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def read(tmp_path):
    def read(data, **options):
        (tmp_path / "x.mpo").write_bytes(data)
        notes = []
        return read_stereo_file(tmp_path / "x.mpo", note=notes.append, **options), " ".join(notes)

    return read


def of_pillow(**options):
    return picture(RED, "MPO", save_all=True, append_images=[Image.fromarray(BLUE)], quality=95, **options)


@pytest.mark.parametrize(
    "data", [of_pillow(), of_pillow(exif=exif_of(), icc_profile=ICC), mpo(picture(RED), picture(BLUE))]
)
def test_the_first_view_is_the_left_one_and_it_is_said(read, data):
    pair, notes = read(data)
    assert looks_like(pair.left, RED) and looks_like(pair.right, BLUE)
    assert "the first view is taken for the left eye's" in notes
    assert looks_like(prepared(pair, True, False).left, BLUE) and looks_like(prepared(pair, True, False).right, RED)


@pytest.mark.parametrize("order", "<>")
def test_both_byte_orders_and_all_kinds_of_views_are_read(read, order):
    for kinds in ((0x20020002, 0x20002), (0x30000, 0), (0x20030000, 0x20003)):
        pair, _ = read(mpo(picture(RED), picture(BLUE), kinds=kinds, order=order))
        assert looks_like(pair.left, RED) and looks_like(pair.right, BLUE)


def test_metadata_and_profile_are_those_of_the_views(read):
    data = mpo(picture(RED, exif=exif_of(), icc_profile=ICC), picture(BLUE, icc_profile=ICC))
    pair, _ = read(data)
    assert exif_facts(pair.exif) == {"Model": "W3"} and pair.icc == ICC


@pytest.mark.parametrize("tags", [(6, 6), (6, None), (None, 6)])
def test_views_are_turned_together(read, tags):
    views = RED.copy(), BLUE.copy()
    for view in views:
        view[:8] = 0  # what is above in the file is on the right when turned
    pair, notes = read(mpo(*(picture(view, exif=exif_of(tag)) for view, tag in zip(views, tags, strict=True))))
    assert all(looks_like(turned, np.rot90(view, -1)) for turned, view in zip(pair.views(), views, strict=True))
    assert ("turned alike" in notes) == (None in tags) and "different" not in notes


def test_views_that_are_turned_differently_are_refused(read):
    with pytest.raises(InputError, match="different EXIF orientations, 3 and 6"):
        read(mpo(picture(RED, exif=exif_of(6)), picture(BLUE, exif=exif_of(3))))


HDR = b'<x:xmpmeta xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/>'
OTHERS = {
    "a preview": (mpo(picture(RED), picture(BLUE), kinds=(0x30000, 0x10002)), "not two views: primary 32x24, preview"),
    "a thumbnail": (mpo(picture(RED), picture(BLUE[:12, :16]), kinds=(0x30000, 0x10001)), "thumbnail 16x12"),
    "a panorama": (mpo(picture(RED), picture(BLUE), kinds=(0x20001, 0x20001)), "panorama 32x24, panorama 32x24"),
    "three": (mpo(picture(RED), picture(BLUE), picture(RED)), "holds 3 pictures, not two views"),
    "two sizes": (mpo(picture(RED), picture(BLUE[:12, :16])), "different size.*stereo view 32x24, stereo view 16x12"),
    "gain map": (mpo(picture(RED), picture(BLUE, xmp=HDR), kinds=(0x30000, 0)), "gain map for HDR.*undefined 32x24"),
    "declared gain map": (mpo(picture(RED), picture(BLUE), kinds=(0x30000, 0x50000)), "not two views: primary"),
    "one": (mpo(picture(RED)), "is one picture; give the right view too"),
    "cut short": (mpo(picture(RED), picture(BLUE))[:-900], "outside of the file|of unknown size|cannot be read"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_pair_is_refused_with_what_was_found(read, kind):
    data, words = OTHERS[kind]
    with pytest.raises(InputError, match=words):
        read(data)


def test_a_file_cut_anywhere_is_refused_in_one_sentence(read):
    data = mpo(picture(RED), picture(BLUE))
    for length in range(0, len(data) - 2, 37):
        with pytest.raises(InputError) as caught:
            read(data[:length])
        assert "x.mpo" in str(caught.value) and "\n" not in str(caught.value)


def test_the_limit_counts_one_view(read):
    data = mpo(picture(RED), picture(BLUE))
    assert read(data, max_pixels=32 * 24)[0].left.shape == RED.shape
    with pytest.raises(LimitError, match="32x24, the limit is 767"):
        read(data, max_pixels=32 * 24 - 1)


def test_side_by_side_is_for_one_picture(read):
    with pytest.raises(InputError, match="holds 2 pictures; --sbs is for one"):
        read(of_pillow(), side_by_side=True)


def test_as_one_of_two_views_it_is_its_first_picture_with_a_note(tmp_path):
    (tmp_path / "left.mpo").write_bytes(of_pillow())
    (tmp_path / "right.jpg").write_bytes(picture(BLUE))
    notes = []
    pair = read_pair(tmp_path / "left.mpo", tmp_path / "right.jpg", note=notes.append)
    assert looks_like(pair.left, RED) and "holds 2 pictures; only the first is used" in notes[0]


def test_one_file_given_twice_is_refused(tmp_path):
    (tmp_path / "a.mpo").write_bytes(of_pillow())
    (tmp_path / "b.mpo").symlink_to("a.mpo")
    for other in ("a.mpo", "b.mpo"):
        with pytest.raises(InputError, match=r"are one file; a pair needs two views .give a stereo file once"):
            read_pair(tmp_path / "a.mpo", tmp_path / other)


@pytest.mark.filterwarnings("ignore")
def test_no_flipped_byte_of_a_head_raises_anything_of_its_own(read):
    data, rng = mpo(picture(RED, exif=exif_of(1)), picture(BLUE)), random.Random(0)
    for _ in range(400):
        damaged = bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            damaged[rng.randrange(300)] = rng.randrange(256)
        with contextlib.suppress(InputError, LimitError):
            read(bytes(damaged))

"""Promises about what Pillow does not hand over: deep samples and colours that are not sRGB are told, others not."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from stereo_helpers import looks_like

from snncodec.io.images import read_picture

VIEW = np.full((24, 32, 3), (200, 90, 40), np.uint8)


def saved(kind, **options):
    file = io.BytesIO()
    Image.fromarray(VIEW).save(file, kind, **options)
    return file.getvalue()


def with_cicp(*points):
    """A PNG that tells its colours by code points: primaries, transfer, matrix, range."""
    data, body = saved("PNG"), b"cICP" + bytes(points)
    return data[:33] + struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body)) + data[33:]


def with_nclx(primaries, transfer):
    """An AVIF that tells its colours by code points."""
    data = bytearray(saved("AVIF", quality=100, subsampling="4:4:4"))
    at = data.index(b"colrnclx") + 8
    data[at : at + 4] = struct.pack(">HH", primaries, transfer)
    return bytes(data)


def notes_of(data, tmp_path):
    (tmp_path / "view").write_bytes(data)
    notes = []
    pixels = read_picture(tmp_path / "view", note=notes.append).pixels
    return pixels, notes


@pytest.mark.parametrize("make", [with_cicp, with_nclx])
@pytest.mark.parametrize(
    ("points", "words"),
    [((9, 16), "BT.2020 with PQ"), ((9, 18), "BT.2020 with HLG"), ((12, 13), "Display P3"), ((1, 8), "linear")],
)
def test_other_colours_than_those_of_srgb_are_told(make, points, words, tmp_path):
    rest = (0, 1) if make is with_cicp else ()
    pixels, notes = notes_of(make(*points, *rest), tmp_path)
    assert len(notes) == 1 and f"view says that its colours are {words}; they are taken as sRGB" in notes[0]
    assert pixels.shape == VIEW.shape


@pytest.mark.parametrize("make", [with_cicp, with_nclx])
@pytest.mark.parametrize("points", [(1, 13), (1, 1), (2, 2), (6, 6), (5, 4)])
def test_srgb_and_what_looks_like_it_is_not_told(make, points, tmp_path):
    rest = (0, 1) if make is with_cicp else ()
    pixels, notes = notes_of(make(*points, *rest), tmp_path)
    assert notes == [] and looks_like(pixels, VIEW)


@pytest.mark.parametrize("kind", ["PNG", "AVIF", "JPEG", "WEBP"])
def test_ordinary_pictures_are_silent(kind, tmp_path):
    assert notes_of(saved(kind), tmp_path)[1] == []


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_avif_of_more_than_eight_bits_is_reduced_with_a_note(bits, tmp_path):
    imagecodecs = pytest.importorskip("imagecodecs")
    samples = VIEW if bits == 8 else ((VIEW.astype(np.uint32) * (2**bits - 1) + 127) // 255).astype(np.uint16)
    pixels, notes = notes_of(imagecodecs.avif_encode(samples, level=100, bitspersample=bits), tmp_path)
    assert notes == ([] if bits == 8 else [f"{tmp_path}/view has {bits} bits per sample; they are reduced to 8"])
    assert looks_like(pixels, VIEW)

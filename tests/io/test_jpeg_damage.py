"""Promises about damaged JPEGs: what libjpeg decodes over without a word to Pillow is told, and nothing else is."""

import io

import numpy as np
import pytest
from conftest import textured
from PIL import Image
from stereo_helpers import mpo, picture

from snncodec.io.images import read_picture
from snncodec.io.stereo_files import read_stereo_file

VIEW = textured(80, 120)
KINDS = [{}, {"progressive": True}, {"mode": "L"}, {"mode": "CMYK"}, {"subsampling": 2, "quality": 30}]


def jpeg(mode="RGB", **options):
    file = io.BytesIO()
    Image.fromarray(VIEW).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def notes_of(read, path, data):
    path.write_bytes(data)
    notes = []
    read(path, note=notes.append)
    return [note for note in notes if "CMYK" not in note and "left" not in note]


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_a_jpeg_that_was_cut_and_closed_is_told(options, tmp_path):
    data = jpeg(**options)
    [note] = notes_of(read_picture, tmp_path / "view.jpg", data[: len(data) // 2] + b"\xff\xd9")
    assert note == (
        f"{tmp_path}/view.jpg is damaged, and part of it may look wrong: "
        "Corrupt JPEG data: premature end of data segment"
    )


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_sound_jpegs_are_silent(options, tmp_path):
    assert notes_of(read_picture, tmp_path / "view.jpg", jpeg(**options)) == []


@pytest.mark.parametrize("tail", [b"more" * 99, jpeg()], ids=["bytes", "a picture"])
def test_what_follows_the_end_or_pads_it_is_no_damage(tail, tmp_path):
    data = jpeg()
    progressive = jpeg(progressive=True)
    second = progressive.index(b"\xff\xda", progressive.index(b"\xff\xda") + 2)
    start = data.index(b"\xff\xda") + 11
    odd = data[:start] + bytes(3) + data[start + 3 :]  # Ss, Se, Ah and Al of another process
    for sound in (
        data + tail,
        data[:-2] + bytes(7) + data[-2:],
        progressive[:second] + b"\0" + progressive[second:],
        odd,
    ):
        assert notes_of(read_picture, tmp_path / "view.jpg", sound) == []


@pytest.mark.parametrize("damaged", [None, 0, 1])
def test_each_view_of_an_mpo_is_looked_at(damaged, tmp_path):
    views = [picture(VIEW), picture(np.roll(VIEW, 5, 1))]
    if damaged is not None:
        views[damaged] = views[damaged][:-2000] + b"\xff\xd9"
    notes = notes_of(read_stereo_file, tmp_path / "pair.mpo", mpo(*views))
    assert len(notes) == (damaged is not None)

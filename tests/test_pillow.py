"""Promises of snncodec.pillow: Pillow opens our files as two frames with the pixels of `decode`, and writes them."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image, ImageSequence

import snncodec
import snncodec.pillow
from snncodec.errors import InputError


@pytest.fixture(scope="module")
def views(motorcycle):
    return tuple(np.ascontiguousarray(view[100:164, 200:296]) for view in motorcycle)


@pytest.fixture(scope="module")
def file(views):
    return snncodec.encode(*views, 40, icc=b"\0" * 16 + b"RGB " + b"\0" * 108)


def test_frames_are_the_left_and_the_right_view(file):
    pair, image = snncodec.decode(file), Image.open(io.BytesIO(file))
    assert (image.format, image.mode, image.size, image.n_frames) == ("SNNC", "RGB", (96, 64), 2)
    frames = [np.asarray(frame) for frame in ImageSequence.Iterator(image)]
    assert len(frames) == 2 and all(map(np.array_equal, frames, pair.views()))


def test_frames_may_be_read_in_any_order(file):
    pair, image = snncodec.decode(file), Image.open(io.BytesIO(file))
    for frame in (1, 0, 1):
        image.seek(frame)
        assert image.tell() == frame and np.array_equal(np.asarray(image), pair.views()[frame])
    with pytest.raises(EOFError, match="frames 0 and 1"):
        image.seek(2)


def test_a_picture_can_be_worked_on_after_its_file_is_closed(file, tmp_path):
    (tmp_path / "pair.bin").write_bytes(file)
    with Image.open(tmp_path / "pair.bin") as image:
        image.load()
        copy = image.copy()
    assert np.array_equal(np.asarray(copy), snncodec.decode(file).left)


def test_quality_and_profile_are_told_without_decoding(file):
    info = Image.open(io.BytesIO(file)).info
    assert info["quality"] == 40 and info["icc_profile"][16:20] == b"RGB "


def test_the_left_view_of_a_file_with_a_damaged_right_one_is_shown(file):
    image = Image.open(io.BytesIO(file[:-3]))
    assert np.array_equal(np.asarray(image), snncodec.decode(file).left)
    image.seek(1)
    with pytest.raises(OSError, match="RIGHT section ends early"):
        image.load()


@pytest.mark.parametrize("start", [b"", b"SNNC", b"SNNC\x09" + b"\0" * 60])
def test_what_is_no_file_of_ours_is_not_identified(start):
    with pytest.raises(Image.UnidentifiedImageError):
        Image.open(io.BytesIO(start))


def test_saving_writes_what_encode_writes(views):
    left, right = map(Image.fromarray, views)
    buffer = io.BytesIO()
    left.save(buffer, "SNNC", save_all=True, append_images=[right], quality=30, effort=1)
    assert buffer.getvalue() == snncodec.encode(*views, 30, effort=1)


def test_saving_one_view_or_three_is_refused(views):
    left = Image.fromarray(views[0])
    with pytest.raises(InputError, match="two views"):
        left.save(io.BytesIO(), "SNNC")
    with pytest.raises(InputError, match="3 were given"):
        left.save(io.BytesIO(), "SNNC", save_all=True, append_images=[left, left])


def test_pillows_limit_against_bombs_holds(file, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(file)).load()


def test_date_and_camera_go_through(views, tmp_path):
    exif = Image.Exif()
    exif[0x0110], exif[0x013B] = "W3", "AN ARTIST"
    left, right = map(Image.fromarray, views)
    left.save(tmp_path / "x.bin", "SNNC", save_all=True, append_images=[right], exif=exif)
    found = Image.open(tmp_path / "x.bin").getexif()
    assert found[0x0110] == "W3" and 0x013B not in found


DEEP = np.linspace(0, 65535, 96 * 64).reshape(64, 96)


def test_deep_pictures_are_scaled_and_others_refused():
    made = io.BytesIO()
    grey = Image.fromarray(DEEP.astype(np.uint16))
    grey.save(made, "SNNC", save_all=True, append_images=[grey], quality=90)
    assert abs(float(snncodec.decode(made.getvalue()).left.mean()) - 127.5) < 2
    for odd in (Image.fromarray((DEEP / 65535).astype(np.float32)), Image.new("RGBA", (96, 64), (9, 9, 9, 0))):
        with pytest.raises(InputError, match=r"the right view has (pixels of mode F|transparent pixels)"):
            grey.save(io.BytesIO(), "SNNC", save_all=True, append_images=[odd])


def test_a_pickled_picture_keeps_its_pixels(file):
    image = Image.open(io.BytesIO(file))
    image.seek(1)
    copy = pickle.loads(pickle.dumps(image))
    assert np.array_equal(np.asarray(copy), snncodec.decode(file).right)

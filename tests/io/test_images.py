"""Promises of snncodec.io.images: every kind of picture has one defined fate, and no damaged one passes."""

import contextlib
import io
import struct
import zlib
from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageCms

from snncodec.errors import InputError, LimitError
from snncodec.io.images import StereoPair, read_image, read_pair
from snncodec.io.output_names import Pictures
from snncodec.io.pair_outputs import write_pair

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GREY_ICC = ICC[:16] + b"GRAY" + ICC[20:]


@pytest.fixture
def save(tmp_path):
    def save(image, name="left.png", **options):
        image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return save


def read(path, **options):
    notes = []
    pixels, icc = read_image(path, note=notes.append, **options)
    assert pixels.dtype == np.uint8 and pixels.flags.writeable
    return pixels, icc, " ".join(notes)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(colour, depth, samples, *extra):
    """Return a PNG of samples [H, row bytes]; Pillow writes no 16-bit colour."""
    height, row = samples.shape
    bytes_per_pixel = {0: 1, 2: 3, 4: 2, 6: 4}[colour] * depth // 8
    header = struct.pack(">IIBBBBB", row // bytes_per_pixel, height, depth, colour, 0, 0, 0)
    data = zlib.compress(np.pad(samples, ((0, 0), (1, 0))).tobytes())
    body = chunk(b"IHDR", header) + b"".join(extra) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "ppm", "webp", "jp2"])
def test_lossless_rgb_is_read_exactly_and_silently(save, suffix):
    options = {"webp": {"lossless": True}, "jp2": {"irreversible": False}}.get(suffix, {})
    pixels, icc, notes = read(save(PIXELS, f"x.{suffix}", **options))
    assert np.array_equal(pixels, PIXELS) and icc is None and notes == ""


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "PA"])
def test_other_eight_bit_kinds_keep_their_colours(save, mode):
    image = Image.fromarray(PIXELS).convert(mode)
    path = save(image, "x.tif" if mode == "PA" else "x.png")
    pixels, _, notes = read(path)
    assert np.array_equal(pixels, np.asarray(image.convert("RGB"))) and notes == ""


def test_write_then_read_keeps_pixels_and_profile(tmp_path):
    files = tmp_path / "a.png", tmp_path / "b.png"
    write_pair(StereoPair(PIXELS, 255 - PIXELS, ICC), Pictures("views", files))
    pair = read_pair(tmp_path / "a.png", tmp_path / "b.png")
    assert np.array_equal(pair.left, PIXELS) and np.array_equal(pair.right, 255 - PIXELS) and pair.icc == ICC


def test_failed_write_of_the_second_view_leaves_no_first(tmp_path):
    files = tmp_path / "a.png", tmp_path / "b.png"
    with pytest.raises(TypeError):
        write_pair(StereoPair(PIXELS, PIXELS.astype(np.complex64)), Pictures("views", files))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.pgm", "x.jp2"])
def test_sixteen_bit_grey_is_rounded_with_a_note(save, name):
    grey = np.array([[0, 128, 129, 385, 386, 32768, 65406, 65407, 65535]], dtype=np.uint16)
    pixels, _, notes = read(save(grey, name))
    assert pixels[0, :, 0].tolist() == [0, 0, 1, 1, 2, 128, 254, 255, 255] and "16 bits" in notes
    assert (pixels == pixels[..., :1]).all()


def test_sixteen_bit_colour_keeps_the_upper_bits_with_a_note(tmp_path):
    samples = np.random.default_rng(1).integers(0, 256, (4, 5 * 6), dtype=np.uint8)
    (tmp_path / "x.png").write_bytes(png(2, 16, samples))
    pixels, _, notes = read(tmp_path / "x.png")
    assert np.array_equal(pixels, samples.reshape(4, 5, 3, 2)[..., 0]) and "16 bits" in notes


def test_sixteen_bit_ppm_is_rounded_with_a_note(tmp_path):
    (tmp_path / "x.ppm").write_bytes(b"P6 1 1 65535\n" + struct.pack(">3H", 128, 129, 65535))
    pixels, _, notes = read(tmp_path / "x.ppm")
    assert pixels.tolist() == [[[0, 1, 255]]] and "16 bits" in notes


def test_sixteen_bit_planes_that_pillow_misreads_are_refused(tmp_path):
    bits, entries = 8 + 2 + 9 * 12 + 4, [(256, 4, 1, 1), (257, 4, 1, 1), (259, 3, 1, 1), (262, 3, 1, 2), (277, 3, 1, 3)]
    entries += [(258, 3, 3, bits), (273, 4, 3, bits + 6), (279, 4, 3, bits + 18), (284, 3, 1, 2)]
    data = struct.pack("<3H3I3I3H", 16, 16, 16, *(bits + 30 + 2 * i for i in range(3)), 2, 2, 2, 65535, 0, 0)
    fields = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    (tmp_path / "x.tif").write_bytes(b"II*\0" + struct.pack("<IH", 8, 9) + fields + bytes(4) + data)
    with pytest.raises(InputError, match="separate planes"):
        read_image(tmp_path / "x.tif")


def test_integers_beyond_sixteen_bits_are_refused(save):
    with pytest.raises(InputError, match=r"0 to 70000; scale them to 0\.\.65535"):
        read_image(save(np.array([[0, 70000]], dtype=np.int32), "x.tif"))


def test_floating_point_is_refused(save):
    with pytest.raises(InputError, match="mode F; convert it to 8-bit RGB"):
        read_image(save(np.zeros((2, 2), dtype=np.float32), "x.tif"))


def see_through(mode):
    image = Image.fromarray(PIXELS).convert("RGBA")
    image.putpixel((2, 3), (9, 9, 9, 254))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_one_transparent_pixel_is_refused(save, mode):
    with pytest.raises(InputError, match=r"transparent pixels.*flatten it"):
        read_image(save(see_through(mode)))


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_transparent_colour_is_refused_only_where_a_pixel_has_it(save, mode, used):
    image = Image.new(mode, (3, 2), 7 if mode != "RGB" else (7, 7, 7))
    key = 7 if used else 9
    if mode == "P":
        image.putpalette(range(30))
    path = save(image, transparency=(key,) * 3 if mode == "RGB" else key)
    if used:
        with pytest.raises(InputError, match="transparent"):
            read_image(path)
    else:
        assert np.array_equal(read(path)[0], np.asarray(image.convert("RGB")))


@pytest.mark.parametrize(("colour", "key"), [(0, b"\1\0"), (2, b"\1\0" * 3)])
def test_sixteen_bit_transparent_colour_is_refused(tmp_path, colour, key):
    (tmp_path / "x.png").write_bytes(png(colour, 16, np.zeros((2, 12), np.uint8), chunk(b"tRNS", key)))
    with pytest.raises(InputError, match="transparent"):
        read_image(tmp_path / "x.png")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(save, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    pixels = read(save(PIXELS, exif=exif))[0]
    turn = {1: lambda x: x, 2: np.fliplr, 3: partial(np.rot90, k=2), 4: np.flipud, 6: partial(np.rot90, k=-1)}
    turn |= {5: lambda x: x.swapaxes(0, 1), 7: lambda x: np.rot90(x, 2).swapaxes(0, 1), 8: np.rot90}
    assert np.array_equal(pixels, turn[orientation](PIXELS))


def test_cmyk_becomes_rgb_without_its_profile(save):
    image = Image.fromarray(PIXELS).convert("CMYK")
    pixels, icc, notes = read(save(image, "x.tif", icc_profile=ICC[:16] + b"CMYK" + ICC[20:]))
    assert np.array_equal(pixels, np.asarray(image.convert("RGB"))) and icc is None and "CMYK" in notes


@pytest.mark.parametrize("profile", [GREY_ICC, ICC + bytes(2**20), b"junk"])
def test_profile_that_rgb_png_cannot_keep_is_dropped_with_a_note(save, profile):
    _, icc, notes = read(save(PIXELS, "x.tif", icc_profile=profile))
    assert icc is None and "profile" in notes


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "MPO", "PNG"])
def test_first_of_several_frames_is_used_with_a_note(save, kind):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("black", "white")]
    pixels, _, notes = read(save(frames[0], "x", format=kind, save_all=True, append_images=frames[1:]))
    assert pixels.max() == 0 and "2 pictures; only the first" in notes


def test_size_limit_counts_one_view_and_is_inclusive(save):
    path = save(PIXELS)
    assert read(path, max_pixels=54)[0].shape == (6, 9, 3)
    with pytest.raises(LimitError, match="9x6, the limit is 53 pixels"):
        read_image(path, max_pixels=53)


def test_size_limit_is_checked_before_decoding(tmp_path):
    header = struct.pack(">IIBBBBB", 2**30, 2**30, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(LimitError, match=r"bomb\.png is 1073741824x1073741824"):
        read_image(tmp_path / "bomb.png")


@pytest.mark.filterwarnings("error")
def test_the_limit_of_pillow_does_not_interfere(save, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    assert np.array_equal(read(save(PIXELS))[0], PIXELS)


def test_the_limit_of_pillow_where_it_cannot_be_avoided_is_ours(save, monkeypatch):
    path = save(PIXELS, "x.webp")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    with pytest.raises(LimitError, match=r"x\.webp is too large"):
        read_image(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "PPM", "GIF", "JPEG2000", "MPO"])
@pytest.mark.filterwarnings("ignore")
def test_truncated_file_gives_one_sentence_or_all_pixels(tmp_path, kind):
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, kind)
    whole = buffer.getvalue()
    (tmp_path / "whole").write_bytes(whole)
    expected = read_image(tmp_path / "whole")[0]
    for cut in range(0, len(whole), 5):
        (tmp_path / "cut").write_bytes(whole[:cut])
        try:
            assert np.array_equal(read_image(tmp_path / "cut")[0], expected)  # only trailing metadata was lost
        except InputError as error:
            assert str(tmp_path / "cut") in str(error) and "\n" not in str(error)


def test_flipped_bit_in_png_never_changes_pixels_silently(tmp_path, save):
    whole = save(PIXELS).read_bytes()
    for position in range(0, len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 4
        (tmp_path / "x.png").write_bytes(damaged)
        with contextlib.suppress(InputError, LimitError):
            assert np.array_equal(read_image(tmp_path / "x.png")[0], PIXELS)


def test_file_that_is_no_picture_is_refused(tmp_path):
    (tmp_path / "x.png").write_text("a letter")
    with pytest.raises(InputError, match=r"x\.png is not a picture in a format known here"):
        read_image(tmp_path / "x.png")


@pytest.mark.parametrize(("name", "reason"), [("none.png", "No such file"), ("", "directory"), ("a\0", "null byte")])
def test_unreadable_path_is_refused_with_the_reason(tmp_path, name, reason):
    with pytest.raises(InputError, match=f"cannot be read as a picture: .*{reason}"):
        read_image(tmp_path / name)


def test_views_of_unequal_size_are_refused_naming_both(save):
    left, right = save(PIXELS), save(PIXELS[:, :8], "right.png")
    with pytest.raises(InputError, match=r"left\.png is 9x6 .*right\.png is 8x6"):
        read_pair(left, right)


@pytest.mark.parametrize("side", ["left", "right"])
def test_profile_of_one_view_is_taken_for_both_with_a_note(save, side):
    views = {name: save(PIXELS, f"{name}.png", icc_profile=ICC if name == side else None) for name in ("left", "right")}
    notes = []
    assert read_pair(**views, note=notes.append).icc == ICC
    assert len(notes) == 1 and f"{side}.png has a colour profile" in notes[0]


def test_two_different_profiles_are_refused(save):
    left, right = save(PIXELS, icc_profile=ICC), save(PIXELS, "right.png", icc_profile=ICC[:-1] + b"x")
    with pytest.raises(InputError, match="different colour profiles; convert both"):
        read_pair(left, right)


def test_views_that_are_turned_differently_are_told(save):
    exif = Image.Exif()
    exif[0x112] = 3
    left, right = save(PIXELS, exif=exif), save(PIXELS, "right.png")
    notes = []
    pair = read_pair(left, right, note=notes.append)
    assert np.array_equal(pair.left, PIXELS[::-1, ::-1]) and np.array_equal(pair.right, PIXELS)
    assert len(notes) == 1 and "different EXIF orientations; each was turned by its own" in notes[0]


@pytest.mark.parametrize("side", ["left", "right"])
def test_metadata_of_either_view_is_that_of_the_pair(save, side):
    exif = Image.Exif()
    exif[0x110] = "W3"
    views = {name: save(PIXELS, f"{name}.png", exif=exif if name == side else None) for name in ("left", "right")}
    assert b"W3" in read_pair(**views).exif

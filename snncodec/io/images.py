"""Picture files in, pairs of 8-bit RGB arrays out.

How a picture becomes RGB is told in rgb.py, files that hold both views are read by stereo_files.py, and pairs are
written by pair_outputs.py. Nothing here resizes, crops or rectifies.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from snncodec.constants import MAX_PIXELS
from snncodec.errors import InputError
from snncodec.io import heic
from snncodec.io.files import open_seekable, same_file
from snncodec.io.foreign_files import what_it_is
from snncodec.io.png_chunks import without_bulky_chunks
from snncodec.io.rgb import Note, Picture, check_picture_size, decode_picture, say_nothing, sentences_of_errors

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "BMP", "PPM", "GIF", "JPEG2000")  # JPEG opens MPO too
SUFFIXES = ("png", "jpg", "jpeg", "tif", "tiff", "webp", "avif", "bmp", "ppm", "pgm", "pnm", "gif", "jp2", "mpo")


@dataclass(frozen=True, eq=False)
class StereoPair:
    """Two views of one size; `right` is None where only the left one was decoded."""

    left: np.ndarray  # uint8 [H, W, 3]
    right: np.ndarray | None  # uint8 [H, W, 3]
    icc: bytes | None = None  # colour profile of both views; None means sRGB
    exif: bytes | None = None  # date, camera and exposure: a block of exif.py

    def views(self) -> tuple[np.ndarray, np.ndarray]:
        """Both views; InputError where only the left one was decoded."""
        if self.right is None:
            raise InputError("this pair has no right view (decoded with left_only?); use the left view on its own")
        return self.left, self.right


def read_pair(left: Path, right: Path, max_pixels: int = MAX_PIXELS, note: Note | None = None) -> StereoPair:
    """Read two views of one size from two files; errors are those of `read_image` and `pair_of`.

    InputError too for one file given twice: a pair of equal views would code without a word.
    """
    if same_file(left, right):
        raise InputError(f"{left} and {right} are one file; a pair needs two views (give a stereo file once)")
    pictures = (read_picture(left, max_pixels, note), read_picture(right, max_pixels, note))
    return pair_of(pictures, (str(left), str(right)), note)


def pair_of(pictures: tuple[Picture, Picture], names: tuple[str, str], note: Note | None = None) -> StereoPair:
    """Two pictures, the left one first, as a pair; `names` is what they are called in sentences.

    A profile that only one view carries is taken for both, with a note, because stripped metadata is the likely cause;
    two different profiles raise InputError, because one of the views would change its colours. So do views of unequal
    size. The metadata is that of the left view, or else of the right one.
    """
    (left, right), note = pictures, note or say_nothing
    if left.pixels.shape != right.pixels.shape:
        sizes = f"{_size(left.pixels)} but {names[1]} is {_size(right.pixels)}"
        raise InputError(f"{names[0]} is {sizes} (EXIF rotation applied); a stereo pair needs two views of one size")
    if left.icc and right.icc and left.icc != right.icc:
        raise InputError(f"{names[0]} and {names[1]} have different colour profiles; convert both to one, such as sRGB")
    if left.icc != right.icc:
        note(f"only {names[0] if left.icc else names[1]} has a colour profile; it is taken for both views")
    if (left.exif.orientation or 1) != (right.exif.orientation or 1):
        note(f"{names[0]} and {names[1]} have different EXIF orientations; each was turned by its own")
    return StereoPair(left.pixels, right.pixels, left.icc or right.icc, left.exif.block or right.exif.block)


def read_image(
    path: Path, max_pixels: int = MAX_PIXELS, note: Note | None = None
) -> tuple[np.ndarray, bytes | None]:  # uint8 [H, W, 3], ICC profile
    """The pixels and the profile of `read_picture`."""
    picture = read_picture(path, max_pixels, note)
    return picture.pixels, picture.icc


def read_picture(path: Path, max_pixels: int = MAX_PIXELS, note: Note | None = None) -> Picture:
    """Read one picture as RGB by the rules at the top of this file; `note` hears one sentence per loss.

    Raises LimitError if the header announces more than `max_pixels` (checked before decoding), and InputError if the
    file is missing, unreadable, damaged, no picture, transparent, or of a kind without a defined way to 8-bit RGB.
    """
    with sentences_of_errors(str(path)), open_seekable(path) as file:
        return decode_bytes(file, str(path), max_pixels, note)


def decode_bytes(file: BinaryIO, name: str, max_pixels: int, note: Note | None = None) -> Picture:
    """`read_picture` of an open file, which sentences call by `name`."""
    with sentences_of_errors(name):
        start = file.read(12)
        file.seek(0)
        if heic.is_heic(start):
            return heic.read_main(file.read(), name, max_pixels, note or say_nothing)
        file, left_out = without_bulky_chunks(file)
        for kind in left_out:
            (note or say_nothing)(f"{name} has a {kind} of more than 1 MiB; it is left out")
        return decode_picture(_open(file, name, max_pixels), name, note)


def _open(file: BinaryIO, path: str, max_pixels: int) -> Image.Image:
    """Read the header and check the size.

    `Image.open` would apply Pillow's own limit, a global that a library must not change under its host program; so
    the reader is chosen here by the file's first bytes, from the short list of formats that hold photographs.
    """
    Image.init()
    prefix = file.read(64)
    if words := what_it_is(prefix):
        raise InputError(f"{path} is {words}")
    readers = [Image.OPEN[name] for name in FORMATS if name in Image.OPEN]
    reader = next((read for read, accepts in readers if accepts and accepts(prefix)), None)
    if reader is None:
        raise InputError(f"{path} is not a picture in a format known here ({', '.join(FORMATS)})")
    file.seek(0)
    return check_picture_size(reader(file, ""), path, max_pixels)


def _size(view: np.ndarray) -> str:
    return f"{view.shape[1]}x{view.shape[0]}"

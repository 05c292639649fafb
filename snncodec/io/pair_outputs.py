"""A decoded pair in, files that others read out: pictures of several formats, side by side, anaglyphs, MPO and JPS.

PNG, PNS and TIFF keep every pixel; JPEG, WebP, AVIF, MPO and JPS lose some, at quality 95. All keep the colour profile,
and date, camera and exposure.
"""

import io
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from snncodec.errors import InputError
from snncodec.io.anaglyph import anaglyph
from snncodec.io.exif import PREFIX
from snncodec.io.files import write_files
from snncodec.io.images import StereoPair
from snncodec.io.jps import add_header
from snncodec.io.output_names import Pictures, suffix_of
from snncodec.io.side_by_side import join

QUALITY = 95  # of lossy formats
FORMATS = {
    "png": "PNG", "pns": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "jps": "JPEG", "mpo": "MPO", "webp": "WEBP",
    "avif": "AVIF", "tif": "TIFF", "tiff": "TIFF",
}  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 4},  # of photographs, 6 saves no more than 2 %, and takes almost three times as long
    "JPEG": {"quality": QUALITY, "subsampling": 0},
    "MPO": {"quality": QUALITY, "subsampling": 0},
    "WEBP": {"quality": QUALITY},
    "AVIF": {"quality": QUALITY, "subsampling": "4:4:4"},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}
LONGEST_SIDE = {"JPEG": 65500, "MPO": 65500, "WEBP": 16383, "AVIF": 65536}  # in pixels


def write_pair(pair: StereoPair, pictures: Pictures, force: bool = False) -> None:
    """Write what was asked for: all of it or nothing. Errors as `write_files`, and `InputError` for too long sides."""
    writers = {
        path: partial(_write, path, pair, pixels)
        for path, pixels in zip(pictures.files, _pixels(pair, pictures), strict=True)
    }
    write_files(writers, force)


def picture_bytes(pair: StereoPair, pictures: Pictures) -> bytes:
    """The one picture that was asked for, as it would stand in its file."""
    file = io.BytesIO()
    _write(pictures.files[0], pair, _pixels(pair, pictures)[0], file)
    return file.getvalue()


def _pixels(pair: StereoPair, pictures: Pictures) -> list[np.ndarray]:
    """The pixels of each file; of an MPO, those of its first view."""
    if pictures.content == "left" or suffix_of(pictures.files[0]) == "mpo":
        return [pair.left]
    if suffix_of(pictures.files[0]) in ("jps", "pns"):
        return [join(pair, left_first=False)]
    if pictures.content == "views":
        return list(pair.views())
    return [join(pair) if pictures.content == "sbs" else anaglyph(pair)]


def _write(path: Path, pair: StereoPair, pixels: np.ndarray, file: BinaryIO) -> None:
    kind = FORMATS[suffix_of(path)]
    height, width, _ = pixels.shape
    if max(height, width) > LONGEST_SIDE.get(kind, width + height):
        raise InputError(f"{path} would be {width}x{height}; {kind} has no sides of more than {LONGEST_SIDE[kind]}")
    options = OPTIONS.get(kind, {}) | {"icc_profile": pair.icc}
    if pair.exif:
        options["exif"] = PREFIX + pair.exif
    if kind == "MPO":
        options |= {"save_all": True, "append_images": [Image.fromarray(pair.views()[1])]}
    buffer = io.BytesIO()
    direct = kind == "PNG"  # which Pillow writes bit by bit; the errors of libtiff would not tell of a full disk
    Image.fromarray(pixels).save(file if direct else buffer, kind, **options)
    if not direct:
        data = buffer.getvalue()
        file.write(add_header(data) if suffix_of(path) == "jps" else data)

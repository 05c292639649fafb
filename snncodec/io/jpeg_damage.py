"""Damage that libjpeg decodes over without a word to Pillow: a JPEG comes in, what it complains about goes out."""

from __future__ import annotations

from contextlib import suppress

import simplejpeg
from PIL import Image


PADDING = "extraneous bytes before marker 0xd9"  # before the end, where some cameras pad; all pixels are there


def jpeg_damage(image: Image.Image) -> str | None:
    """What is wrong with the data of an opened JPEG, or of the current frame of an MPO, which can be decoded still."""
    file, at = image.fp, image.tile[0][2]  # type: ignore[attr-defined]
    place = file.tell()
    file.seek(at)
    data = file.read()
    file.seek(place)
    colours = "CMYK" if image.mode == "CMYK" else "GRAY"
    try:
        simplejpeg.decode_jpeg(data, colours, strict=True)
    except ValueError as error:
        if str(error).endswith(PADDING):
            return None
        with suppress(ValueError):  # of what it cannot decode at all it knows nothing
            simplejpeg.decode_jpeg(data, colours, strict=False)
            return str(error)
    return None

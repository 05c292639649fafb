"""Damage that libjpeg decodes over without a word to Pillow: a JPEG comes in, what it complains about goes out."""

from __future__ import annotations

import simplejpeg
from PIL import Image

from snncodec.io.files import MAX_WHOLE_BYTES

# Of what libjpeg warns of, what leaves pixels wrong (jerror.h); padding, odd markers and headers do not.
DAMAGE = ("premature end of data segment", "Premature end of JPEG file", "bad Huffman code")


def jpeg_damage(image: Image.Image) -> str | None:
    """What is wrong with the data of an opened JPEG, or of the current frame of an MPO, which can be decoded still.

    Only what the decoder trips over first is known: a flipped bit may look like another picture.
    """
    file, at = image.fp, image.tile[0][2]  # type: ignore[attr-defined]
    place = file.tell()
    file.seek(at)
    data = file.read(MAX_WHOLE_BYTES)
    file.seek(place)
    try:
        simplejpeg.decode_jpeg(data, "CMYK" if image.mode == "CMYK" else "GRAY", strict=True)
    except ValueError as error:
        return str(error) if str(error).endswith(DAMAGE) or "instead of RST" in str(error) else None
    return None

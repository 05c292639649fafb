"""An opened picture comes in; what it says of its colours, and Pillow does not hand over, goes out in words.

Where there is an ICC profile, a view keeps it, and nothing else counts. Sources: PNG, third edition, 11.3.2 (cICP,
gAMA, cHRM); ISO 14496-12 (colr of AVIF); TIFF 6.0, section 20; ISO 15444-1, I.5.3.3 (colr of JPEG 2000); Exif 2.32 and
DCF 2.0 (Adobe RGB); BITMAPV5HEADER of Windows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress

from PIL import ExifTags, Image

from snncodec.io.code_points import colours_of_code_points, taken_as_srgb
from snncodec.io.depths import start_of

SRGB_POINTS = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)  # x, y of white, red, green, blue
SRGB_GAMMA = 1 / 2.2  # as gAMA states it: the exponent that made the samples
POINT_TOLERANCE, GAMMA_TOLERANCE = 0.01, 0.02
ADOBE_RGB, UNCALIBRATED, ADOBE_INTEROPERABILITY = 2, 0xFFFF, "R03"  # Exif ColorSpace; DCF optional file
KNOWN_SPACES = {12: None, 16: None, 17: None, 18: None}  # of JPEG 2000: CMYK (told elsewhere), sRGB, grey, sYCC
OTHER_SPACES = {14: "CIELab", 19: "CIEJab", 20: "e-sRGB", 21: "ROMM RGB", 24: "e-sYCC"}
ENUMERATED, PROFILES = 1, (2, 3)  # methods of colr
BMP_SPACE, BMP_POINTS = slice(70, 74), slice(74, 110)  # bytes of the file header included
BMP_PROFILES, BMP_CALIBRATED = (b"DEBM", b"KNIL"), bytes(4)
V4_BYTES = 108


def unkept_colours(image: Image.Image) -> Iterator[str]:
    """What follows the name of an opened picture that is not loaded yet, if its colours become others."""
    if "icc_profile" in image.info:
        if not image.info["icc_profile"]:
            yield "has a colour profile that is damaged; it is left out"
        return
    readers = {"PNG": _png, "AVIF": _avif, "TIFF": _tiff, "BMP": _bmp, "JPEG2000": _jpeg_2000}
    if image.format in readers:
        yield from readers[image.format](image)


def unkept_exif_colours(image: Image.Image) -> Iterator[str]:
    """The same by the EXIF of a picture that is loaded, which counts where nothing else tells its colours."""
    exif = image.getexif()
    space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
    index = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    if space == ADOBE_RGB or (space == UNCALIBRATED and str(index).strip("\0") == ADOBE_INTEROPERABILITY):
        yield from taken_as_srgb(iter(["Adobe RGB"]))


def jpeg_2000_profile(image: Image.Image) -> bytes | None:
    """The ICC profile of an opened JPEG 2000 file, which Pillow leaves in it."""
    method, value = _colour_box(start_of(image))
    return value if method in PROFILES else None


def _png(image: Image.Image) -> Iterator[str]:
    start = start_of(image)
    chunks = start[: start.find(b"IDAT")]
    at = chunks.find(b"cICP")
    if 0 < at < len(chunks) - 8:
        yield from colours_of_code_points(chunks[at + 4], chunks[at + 5])
    elif "srgb" not in image.info:
        yield from taken_as_srgb(_differences(image.info.get("gamma"), image.info.get("chromaticity")))


def _avif(image: Image.Image) -> Iterator[str]:
    start = start_of(image)
    at = start.find(b"colrnclx")
    if 0 < at < len(start) - 12:
        yield from colours_of_code_points(start[at + 9], start[at + 11])


def _tiff(image: Image.Image) -> Iterator[str]:
    tags = image.tag_v2  # type: ignore[attr-defined]
    white = tags.get(ExifTags.Base.WhitePoint, SRGB_POINTS[:2])
    primaries = tags.get(ExifTags.Base.PrimaryChromaticities, SRGB_POINTS[2:])
    curve, gamma = tags.get(ExifTags.Base.TransferFunction), None  # from samples to light, up to 65535
    with suppress(TypeError, ValueError, IndexError):  # of damaged tags, which are no reason to refuse a picture
        if curve:
            middle = curve[2 ** max(tags[ExifTags.Base.BitsPerSample]) // 2] / 65535
            gamma = math.log(0.5) / math.log(middle) if 0 < middle < 1 else None
        yield from taken_as_srgb(_differences(gamma, (*white, *primaries)))


def _bmp(image: Image.Image) -> Iterator[str]:
    start = start_of(image)
    if int.from_bytes(start[14:18], "little") < V4_BYTES:
        return
    space = start[BMP_SPACE]
    if space in BMP_PROFILES or (space == BMP_CALIBRATED and any(start[BMP_POINTS])):
        yield "has a colour profile, which is not read from BMP; its colours are taken as sRGB, and may look different"


def _jpeg_2000(image: Image.Image) -> Iterator[str]:
    method, value = _colour_box(start_of(image))
    space = int.from_bytes(value[:4], "big")
    if method == ENUMERATED and space not in KNOWN_SPACES:
        yield from taken_as_srgb(iter([OTHER_SPACES.get(space, f"those of colour space {space}")]))


def _colour_box(start: bytes) -> tuple[int, bytes]:
    """Method and value of the first box `colr` behind `jp2h`; 0 where there is none."""
    at = start.find(b"colr", max(0, start.find(b"jp2h")))
    if not 4 <= at < len(start) - 11:
        return 0, b""
    length = int.from_bytes(start[at - 4 : at], "big")
    return start[at + 4], start[at + 7 : at - 4 + length]


def _differences(gamma: float | None, points: Sequence[float] | None) -> Iterator[str]:
    """Words for what is not as in sRGB: chromaticities in the order of `SRGB_POINTS`, an exponent as in gAMA."""
    if points and any(abs(a - b) > POINT_TOLERANCE for a, b in zip(points, SRGB_POINTS, strict=False)):
        yield "of other primaries"
    if gamma and abs(gamma - SRGB_GAMMA) > GAMMA_TOLERANCE:
        yield f"gamma {1 / gamma:.1f}"

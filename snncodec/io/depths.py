"""How many bits the samples of a picture have, where Pillow does not tell: its header comes in, bits go out.

Pillow hands 16-bit colour over as if it had always had 8 bits, and gets some kinds of it wrong.
"""

import struct
from typing import BinaryIO

from PIL import ExifTags, Image

from snncodec.errors import InputError

FIRST_BYTES = 2**18  # of a file, in which headers stand
START_OF_CODESTREAM = b"\xff\x4f\xff\x51"  # SOC and SIZ (ISO/IEC 15444-1, A.5)
SIZ_COMPONENTS = 38  # bytes from the marker SIZ to the number of components
AV1_CONFIGURATION, HIGH_BIT_DEPTH, TWELVE_BITS = b"av1C", 0x40, 0x20  # AV1 codec ISO media file format binding, 2.3
BLACK_IS_LARGEST, SIGNED = 0, 2  # TIFF 6.0: PhotometricInterpretation, SampleFormat


def start_of(image: Image.Image) -> bytes:
    """The first bytes of the file of a picture that is opened and not loaded yet."""
    file: BinaryIO = image.fp  # type: ignore[attr-defined]
    place = file.tell()
    file.seek(0)
    start = file.read(FIRST_BYTES)
    file.seek(place)
    return start


def reduced(bits: int) -> str:
    """What follows the name of a picture of so many bits."""
    return f"has {bits} bits per sample; they are reduced to 8"


def bits_per_sample(image: Image.Image, path: str) -> int:
    """The bits of a sample of a picture that is opened and not loaded yet: 8, or more where they will be reduced.

    `InputError` for depths and signs that Pillow misreads.
    """
    if image.format == "JPEG2000":
        return _jpeg2000_bits(image, path)
    tags = getattr(image, "tag_v2", {})
    if tags:
        return _tiff_bits(tags, path)
    if image.format == "AVIF":
        return _avif_bits(start_of(image))
    codec, _, _, layout = next(iter(getattr(image, "tile", ())), ("", None, 0, ""))
    if codec == "ppm" and isinstance(layout, tuple):  # PPM states its largest value
        return max(8, int(layout[1]).bit_length())
    return 16 if ";16" in str(layout) and image.format != "BMP" else 8  # whose 16 bits are those of a pixel


def largest_sample(image: Image.Image) -> int:
    """What Pillow makes of white in an opened picture of more than 8 bits that it hands over as integers."""
    packed = image.format == "TIFF" and image.tag_v2.get(ExifTags.Base.BitsPerSample) == (12,)  # type: ignore[attr-defined]
    return 4095 if packed else 65535


def _tiff_bits(tags: dict[int, tuple[int, ...]], path: str) -> int:
    bits = max(tags.get(ExifTags.Base.BitsPerSample, (1,)))
    if bits > 8 and tags.get(ExifTags.Base.PlanarConfiguration) == 2:
        raise InputError(f"{path} stores 16-bit colour in separate planes, which Pillow misreads; convert it to 8 bits")
    if bits > 8 and tags.get(ExifTags.Base.PhotometricInterpretation) == BLACK_IS_LARGEST:
        raise InputError(
            f"{path} has {bits} bits with black as the largest value, which Pillow misreads; invert it first"
        )
    if bits <= 8 and SIGNED in tags.get(ExifTags.Base.SampleFormat, ()):
        raise InputError(f"{path} has samples with a sign, which have no defined way to 8 bits; scale them first")
    if 0 < max(tags.get(ExifTags.Base.ColorMap, (0,))) < 256:
        raise InputError(f"{path} has a palette of 8 bits where TIFF has 16, which Pillow misreads; save it as PNG")
    return max(8, bits)


def _avif_bits(start: bytes) -> int:
    at = start.find(AV1_CONFIGURATION) + 6
    flags = start[at] if 6 <= at < len(start) else 0
    return 8 if not flags & HIGH_BIT_DEPTH else 12 if flags & TWELVE_BITS else 10


def _jpeg2000_bits(image: Image.Image, path: str) -> int:
    """Pillow takes colour of more than 8 bits, and samples with a sign, for what they are not."""
    data = start_of(image)
    start = data.find(START_OF_CODESTREAM)
    at = start + 2 + SIZ_COMPONENTS
    if start < 0 or len(data) < at + 2:
        raise InputError(f"{path} has a JPEG 2000 codestream whose header is not where it should be; convert it to PNG")
    (count,) = struct.unpack_from(">H", data, at)
    sizes = data[at + 2 : at + 2 + 3 * count : 3]
    bits = max((size & 127) + 1 for size in sizes) if sizes else 8
    if any(size & 128 for size in sizes):
        raise InputError(f"{path} has samples with a sign, which have no defined way to 8 bits; scale them first")
    if bits > 8 and image.mode not in ("I;16", "I"):
        raise InputError(
            f"{path} is JPEG 2000 colour of {bits} bits, which Pillow misreads; convert it to 8 bits first"
        )
    return max(8, bits)

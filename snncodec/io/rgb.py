"""A picture that Pillow has opened in, upright 8-bit RGB out: the only file that knows Pillow's modes and oddities.
It neither resizes, crops nor rectifies, and it never lets a picture through whose look it could not keep.

What becomes of a picture (N = the user is told through `note`):
    grey, palette, 1-bit       RGB with the same colours
    12-, 16-bit grey           scaled and rounded (N)
    16-bit colour              the eight bits that Pillow delivers (N); TIFF with separate planes is refused
    CMYK                       Pillow's plain conversion, taken as sRGB; its ICC profile is dropped (N)
    ICC profile                kept if it describes RGB and has at most 1 MiB, else dropped (N)
    alpha, transparent colour  dropped if every pixel is opaque, else refused
    EXIF orientation           applied to the pixels
    EXIF date, camera          kept, see exif.py; damaged EXIF is left out (N)
    several frames             the first one (N), unless it is a preview
    damaged JPEG               what libjpeg makes of it (N)
    HDR, wide gamut, gamma     taken as sRGB where no ICC profile tells it, see stated_colours.py (N)
    10, 12 bits of AVIF, HEIC  the eight bits that Pillow delivers (N)
    floating point, Lab, ...   refused
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import numpy as np
from PIL import ExifTags, Image

from snncodec.errors import InputError, LimitError, SnncodecError
from snncodec.io.depths import bits_per_sample, largest_sample, reduced
from snncodec.io.exif import ORIENTATION, Exif, read_exif
from snncodec.io.jpeg_damage import jpeg_damage
from snncodec.io.stated_colours import jpeg_2000_profile, unkept_colours, unkept_exif_colours

MAX_PROFILE_BYTES = 2**20  # the largest that Pillow reads back from a PNG
NEARLY_BLACK = 0.25  # of the largest sample; cameras of 10, 12 or 14 bits fill no more of 16
REDUCED_RESOLUTION = 1  # a bit of NewSubfileType (TIFF 6.0)
EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
SIXTEEN_BIT_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # EXIF orientation -> what makes a picture stand upright

NO_EXIF = Exif()

Note = Callable[[str], object]


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture as it is to be seen."""

    pixels: np.ndarray  # uint8 [H, W, 3]
    icc: bytes | None = None  # colour profile; None means sRGB
    exif: Exif = NO_EXIF  # its orientation has been applied to the pixels


@contextmanager
def sentences_of_errors(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises over a picture into a sentence that names it."""
    try:
        yield
    except SnncodecError:
        raise
    except (MemoryError, Image.DecompressionBombError) as error:
        raise LimitError(f"{name} is too large to be decoded here ({str(error) or 'out of memory'})") from error
    except Exception as error:  # its parsers raise what they trip over: SyntaxError, struct.error, IndexError ...
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InputError(f"{name} cannot be read as a picture: {reason}") from error


def check_picture_size(image: Image.Image, path: str, max_pixels: int) -> Image.Image:
    """The picture, if its header announces no more than `max_pixels`; else `LimitError`."""
    if image.width * image.height > max_pixels:
        raise LimitError(f"{path} is {image.width}x{image.height}, the limit is {max_pixels} pixels per view")
    return image


def decode_picture(
    image: Image.Image, path: str, note: Note | None = None, orientation: int | None = None, upright: bool = False
) -> Picture:
    """Decode the first frame of an opened picture.

    `orientation` stands in where the picture has none of its own; `upright`: it is not to be turned, whatever it says.
    """
    note = note or say_nothing
    if image.mode not in EIGHT_BIT_MODES + SIXTEEN_BIT_MODES:
        raise InputError(f"{path} has pixels of mode {image.mode}; convert it to 8-bit RGB first")
    if getattr(image, "tag_v2", {}).get(ExifTags.Base.NewSubfileType, 0) & REDUCED_RESOLUTION:
        raise InputError(f"{path} begins with a preview, as raw files of cameras do; export the picture itself first")
    frames = getattr(image, "n_frames", 1)
    bits, largest = bits_per_sample(image, path), largest_sample(image)
    deep = bits > 8
    colours = _load(image, path, note)
    exif = _metadata(image, path, note)
    _tell_colours(image, colours, path, note)
    turn = TURNS.get(1 if upright else exif.orientation or orientation or 1)
    if turn is not None:
        image = image.transpose(turn)
    if frames > 1:
        note(f"{path} holds {frames} pictures; only the first is used")
    if deep:
        note(f"{path} {reduced(bits)}")
    if image.mode == "CMYK":
        note(f"{path} is CMYK; it is converted to sRGB without its colour profile")
    icc = _profile(image, path, note)
    opaque = _opaque(image, path, deep) if image.has_transparency_data else image
    if opaque.mode in SIXTEEN_BIT_MODES:
        return Picture(_from_sixteen_bits(np.asarray(opaque), largest, path, note), icc, exif)
    pixels = np.array(opaque.convert("RGB"))
    if deep:
        _check_darkness(pixels, 255, path, note)
    return Picture(pixels, icc, exif)


def _load(image: Image.Image, path: str, note: Note) -> list[str]:
    """Decode the samples, which closes the file; return words on colours that its header tells and a view loses."""
    if image.format == "JPEG2000" and (profile := jpeg_2000_profile(image)):
        image.info["icc_profile"] = profile
    if image.format == "TIFF":  # whose metadata Pillow reads from the file
        with suppress(Exception):
            image.getexif().get_ifd(ExifTags.IFD.Exif)
    colours = list(unkept_colours(image))
    damage = jpeg_damage(image) if image.format in ("JPEG", "MPO") else None
    image.load()
    if damage:
        note(f"{path} is damaged, and part of it may look wrong: {damage}")
    return colours


def _tell_colours(image: Image.Image, stated: list[str], path: str, note: Note) -> None:
    """Tell `note` of colours that a header states, or else EXIF."""
    if not stated and not image.info.get("icc_profile"):
        with suppress(Exception):  # of damaged metadata, which has been told
            stated = list(unkept_exif_colours(image))
    for words in stated:
        note(f"{path} {words}")


def _metadata(image: Image.Image, path: str, note: Note) -> Exif:
    """Return what is kept of the EXIF of a loaded picture."""
    try:
        data = image.info.get("exif") or image.getexif().tobytes()  # of TIFF and of old PNG, Pillow makes a block
        exif = read_exif(data) if data else NO_EXIF
        return exif if exif.orientation else replace(exif, orientation=image.getexif().get(ORIENTATION))  # XMP has one
    except MemoryError:
        raise
    except Exception as error:  # metadata is never a reason to refuse a picture
        note(f"{path} has EXIF metadata that cannot be read, and is left out: {error}")
        return NO_EXIF


def _profile(image: Image.Image, path: str, note: Note) -> bytes | None:
    """Return the ICC profile if RGB pixels can keep it."""
    icc = image.info.get("icc_profile")
    if not icc or image.mode == "CMYK":
        return None
    if icc[16:20] != b"RGB " or len(icc) > MAX_PROFILE_BYTES:  # bytes 16 to 19 name the colour space (ICC.1, 7.2)
        note(f"{path} has a colour profile that is not for RGB or larger than 1 MiB; it is dropped")
        return None
    return icc


def _opaque(image: Image.Image, path: str, deep: bool) -> Image.Image:
    """Return the picture as RGBA if nothing shines through; a 16-bit colour key cannot be found in 8-bit samples."""
    colour_key = deep and "transparency" in image.info
    rgba = None if colour_key else image.convert("RGBA")
    if rgba is None or rgba.getchannel("A").getextrema() != (255, 255):
        raise InputError(f"{path} has transparent pixels, which a view cannot keep; flatten it onto a background first")
    return rgba


def _from_sixteen_bits(grey: np.ndarray, largest: int, path: str, note: Note) -> np.ndarray:
    """Scale 0..largest [H, W] to uint8 [H, W, 3]; white stays white."""
    if grey.min() < 0 or grey.max() > largest:
        raise InputError(f"{path} has values from {grey.min()} to {grey.max()}; scale them to 0..{largest} first")
    _check_darkness(grey, largest, path, note)
    scaled = (grey.astype(np.int32) * 255 + largest // 2) // largest
    return np.repeat(scaled.astype(np.uint8)[..., None], 3, axis=2)


def _check_darkness(samples: np.ndarray, largest: int, path: str, note: Note) -> None:
    """Tell `note` of pictures that look as if their samples had fewer bits than their file says."""
    if (brightest := samples.max()) < NEARLY_BLACK * largest:
        words = f"its brightest sample is {brightest} of {largest}"
        note(f"{path} is nearly black: {words}; scale it if it holds fewer bits than it says")


def say_nothing(sentence: str) -> None:
    """The default `note`."""

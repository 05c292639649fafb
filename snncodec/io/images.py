"""Picture files in, 8-bit RGB arrays out, and back: the only file that knows Pillow's modes, profiles and oddities.
It neither resizes, crops nor rectifies, and it never lets a picture through whose look it could not keep.

What becomes of a picture (N = the user is told through `note`):
    grey, palette, 1-bit       RGB with the same colours
    16-bit grey                round(value / 257) (N)
    16-bit colour              the eight bits that Pillow delivers (N); TIFF with separate planes is refused
    CMYK                       Pillow's plain conversion, taken as sRGB; its ICC profile is dropped (N)
    ICC profile                kept if it describes RGB and has at most 1 MiB, else dropped (N)
    alpha, transparent colour  dropped if every pixel is opaque, else refused
    EXIF orientation           applied to the pixels
    several frames             the first one (N)
    floating point, Lab, ...   refused
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps

from snncodec.constants import MAX_PIXELS
from snncodec.errors import InputError, LimitError, SnncodecError
from snncodec.io.files import write_files

MAX_PROFILE_BYTES = 2**20  # the largest that Pillow reads back from a PNG
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "BMP", "PPM", "GIF", "JPEG2000")  # JPEG opens MPO too
SUFFIXES = ("png", "jpg", "jpeg", "tif", "tiff", "webp", "avif", "bmp", "ppm", "pgm", "pnm", "gif", "jp2", "mpo")
EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
SIXTEEN_BIT_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")

Note = Callable[[str], object]


@dataclass(frozen=True, eq=False)
class StereoPair:
    """Two views of one size; `right` is None where only the left one was decoded."""

    left: np.ndarray  # uint8 [H, W, 3]
    right: np.ndarray | None  # uint8 [H, W, 3]
    icc: bytes | None = None  # colour profile of both views; None means sRGB

    def views(self) -> tuple[np.ndarray, np.ndarray]:
        """Both views; InputError where only the left one was decoded."""
        if self.right is None:
            raise InputError("this pair has no right view (decoded with left_only?); use the left view on its own")
        return self.left, self.right


def read_pair(left: Path, right: Path, max_pixels: int = MAX_PIXELS, note: Note | None = None) -> StereoPair:
    """Read two views of one size.

    A profile that only one view carries is taken for both, with a note, because stripped metadata is the likely cause;
    two different profiles raise InputError, because one of the views would change its colours. Other errors are those
    of `read_image`; views of unequal size raise InputError.
    """
    left_view, left_icc = read_image(left, max_pixels, note)
    right_view, right_icc = read_image(right, max_pixels, note)
    if left_view.shape != right_view.shape:
        sizes = f"{_size(left_view)} but {right} is {_size(right_view)}"
        raise InputError(f"{left} is {sizes} (EXIF rotation applied); a stereo pair needs two views of one size")
    if left_icc and right_icc and left_icc != right_icc:
        raise InputError(f"{left} and {right} have different colour profiles; convert both to one, for example sRGB")
    if note and left_icc != right_icc:
        note(f"only {left if left_icc else right} has a colour profile; it is taken for both views")
    return StereoPair(left_view, right_view, left_icc or right_icc)


def read_image(
    path: Path, max_pixels: int = MAX_PIXELS, note: Note | None = None
) -> tuple[np.ndarray, bytes | None]:  # uint8 [H, W, 3], ICC profile
    """Read one picture as RGB by the rules at the top of this file; `note` hears one sentence per loss.

    Raises LimitError if the header announces more than `max_pixels` (checked before decoding), and InputError if the
    file is missing, unreadable, damaged, no picture, transparent, or of a kind without a defined way to 8-bit RGB.
    """
    try:
        with open(path, "rb") as file:
            return _decode(_open(file, path, max_pixels), path, note or _say_nothing)
    except SnncodecError:
        raise
    except (MemoryError, Image.DecompressionBombError) as error:
        raise LimitError(f"{path} is too large to be decoded here ({str(error) or 'out of memory'})") from error
    except (
        Exception
    ) as error:  # Pillow raises whatever its parsers trip over: SyntaxError, struct.error, IndexError ...
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InputError(f"{path} cannot be read as a picture: {reason}") from error


def write_images(files: Mapping[Path, np.ndarray], icc: bytes | None = None, force: bool = False) -> None:
    """Write uint8 [H, W, 3] arrays as PNG with the given ICC profile: all of them or none, errors as `write_files`."""
    write_files({path: partial(_write_png, pixels, icc) for path, pixels in files.items()}, force)


def _open(file: BinaryIO, path: Path, max_pixels: int) -> ImageFile.ImageFile:
    """Read the header and check the size.

    `Image.open` would apply Pillow's own limit, a global that a library must not change under its host program; so
    the reader is chosen here by the file's first bytes, from the short list of formats that hold photographs.
    """
    Image.init()
    prefix = file.read(16)
    readers = [Image.OPEN[name] for name in FORMATS if name in Image.OPEN]
    reader = next((read for read, accepts in readers if accepts and accepts(prefix)), None)
    if reader is None:
        raise InputError(f"{path} is not a picture in a format known here ({', '.join(FORMATS)})")
    file.seek(0)
    image = reader(file, "")
    if image.width * image.height > max_pixels:
        raise LimitError(f"{path} is {image.width}x{image.height}, the limit is {max_pixels} pixels per view")
    return image


def _decode(image: ImageFile.ImageFile, path: Path, note: Note) -> tuple[np.ndarray, bytes | None]:
    """Decode the first frame; return its pixels as uint8 [H, W, 3] and its ICC profile."""
    if image.mode not in EIGHT_BIT_MODES + SIXTEEN_BIT_MODES:
        raise InputError(f"{path} has pixels of mode {image.mode}; convert it to 8-bit RGB first")
    frames = getattr(image, "n_frames", 1)
    deep = _has_sixteen_bits(image, path)
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    if frames > 1:
        note(f"{path} holds {frames} pictures; only the first is used")
    if deep:
        note(f"{path} has 16 bits per sample; they are reduced to 8")
    if image.mode == "CMYK":
        note(f"{path} is CMYK; it is converted to sRGB without its colour profile")
    icc = _profile(image, path, note)
    opaque = _opaque(image, path, deep) if image.has_transparency_data else image
    if opaque.mode in SIXTEEN_BIT_MODES:
        return _from_sixteen_bits(np.asarray(opaque), path), icc
    return np.array(opaque.convert("RGB")), icc


def _has_sixteen_bits(image: ImageFile.ImageFile, path: Path) -> bool:
    """Ask the header, before load() forgets it: Pillow delivers 16-bit colour as if it had always had 8 bits."""
    if image.mode in SIXTEEN_BIT_MODES:
        return True
    tags = getattr(image, "tag_v2", {})
    if max(tags.get(ExifTags.Base.BitsPerSample, (8,))) > 8 and tags.get(ExifTags.Base.PlanarConfiguration) == 2:
        raise InputError(f"{path} stores 16-bit colour in separate planes, which Pillow misreads; convert it to 8 bits")
    codec, _, _, layout = image.tile[0] if image.tile else ("", None, 0, "")
    if codec == "ppm" and isinstance(layout, tuple):  # PPM states its largest value
        return layout[1] > 255
    return ";16" in str(layout)


def _profile(image: Image.Image, path: Path, note: Note) -> bytes | None:
    """Return the ICC profile if RGB pixels can keep it."""
    icc = image.info.get("icc_profile")
    if not icc or image.mode == "CMYK":
        return None
    if icc[16:20] != b"RGB " or len(icc) > MAX_PROFILE_BYTES:  # bytes 16 to 19 name the colour space (ICC.1, 7.2)
        note(f"{path} has a colour profile that is not for RGB or larger than 1 MiB; it is dropped")
        return None
    return icc


def _opaque(image: Image.Image, path: Path, deep: bool) -> Image.Image:
    """Return the picture as RGBA if nothing shines through; a 16-bit colour key cannot be found in 8-bit samples."""
    colour_key = deep and "transparency" in image.info
    rgba = None if colour_key else image.convert("RGBA")
    if rgba is None or rgba.getchannel("A").getextrema() != (255, 255):
        raise InputError(f"{path} has transparent pixels, which a view cannot keep; flatten it onto a background first")
    return rgba


def _from_sixteen_bits(grey: np.ndarray, path: Path) -> np.ndarray:
    """Scale 0..65535 [H, W] to uint8 [H, W, 3]; 65535 = 257 x 255, so white stays white."""
    if grey.min() < 0 or grey.max() > 65535:
        raise InputError(f"{path} has values from {grey.min()} to {grey.max()}; scale them to 0..65535 first")
    return np.repeat(((grey.astype(np.int32) + 128) // 257).astype(np.uint8)[..., None], 3, axis=2)


def _write_png(pixels: np.ndarray, icc: bytes | None, file: BinaryIO) -> None:
    Image.fromarray(pixels).save(file, format="PNG", icc_profile=icc)


def _size(view: np.ndarray) -> str:
    return f"{view.shape[1]}x{view.shape[0]}"


def _say_nothing(sentence: str) -> None:
    """The default `note`."""

"""HEIC (extra `heic`): photos of phones, and spatial photos, which hold a stereo pair, of phones and headsets."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from snncodec.errors import InputError, LimitError
from snncodec.io.code_points import colours_of_code_points
from snncodec.io.depths import reduced
from snncodec.io.exif import Exif
from snncodec.io.rgb import Note, Picture, decode_picture, sentences_of_errors

if TYPE_CHECKING:
    from pillow_heif import HeifImage

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"MiHE")
STEREO_PAIR = "ster"  # the entity group of two views, the left one first (ISO/IEC 23008-12)


def is_heic(data: bytes) -> bool:
    """Whether these bytes begin a HEIC file."""
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS


def read_main(data: bytes, name: str, max_pixels: int, note: Note) -> Picture:
    """The main picture of a HEIC file; errors as `read_views`."""
    with sentences_of_errors(name):
        images = _open(data, name)
        main = next((image for image in images if image.info.get("primary")), images[0])
        if len(images) > 1:
            note(f"{name} holds {len(images)} pictures; only the main one is used")
        return _view(main, name, max_pixels, note)


def read_views(data: bytes, name: str, views: tuple[str, str], max_pixels: int, note: Note) -> tuple[Picture, Picture]:
    """The left and the right view of a HEIC file, which notes call by the names `views`.

    `InputError` if it has no two views, or if the extra is not installed.
    """
    with sentences_of_errors(name):
        left, right = _stereo_pair(_open(data, name), name, note)
        return _view(left, views[0], max_pixels, note), _view(right, views[1], max_pixels, note)


def _open(data: bytes, name: str) -> list[HeifImage]:
    """The pictures of a file, none of them decoded yet."""
    try:
        from pillow_heif import open_heif
    except ImportError as error:
        raise InputError(
            f"{name} is a HEIC file, which needs one package more: pip install 'snncodec[heic]'"
        ) from error
    images = list(open_heif(io.BytesIO(data)))
    if not images:
        raise InputError(f"{name} holds no picture")
    return images


def _stereo_pair(images: list[HeifImage], name: str, note: Note) -> tuple[HeifImage, HeifImage]:
    """The left and the right picture, by the group that says so, or the only two that there are."""
    info: dict[str, Any] = dict(images[0].info)
    groups = info.get("entity_groups", [])
    pairs = [group["images"] for group in groups if group["type"] == STEREO_PAIR]
    if len(pairs) == 1 and len(pairs[0]) == 2 and None not in pairs[0]:
        note(f"{name}: left and right are taken from its stereo pair (--swap exchanges them)")
        return images[pairs[0][0]], images[pairs[0][1]]
    if len(images) != 2 or pairs:
        sizes = ", ".join(f"{image.size[0]}x{image.size[1]}" for image in images)
        raise InputError(f"{name} is no spatial photo: it holds {len(images)} pictures ({sizes}), {len(pairs)} pairs")
    note(f"{name} has two pictures, but does not say which is left; the first is taken (--swap exchanges them)")
    return images[0], images[1]


def _view(image: HeifImage, name: str, max_pixels: int, note: Note) -> Picture:
    """One picture, which the decoder has turned already, whatever its EXIF says."""
    width, height = image.size
    if width * height > max_pixels:
        raise LimitError(f"{name} is {width}x{height}, the limit is {max_pixels} pixels per view")
    for words in _unkept_properties(image.info):
        note(f"{name} {words}")
    pixels = image.to_pillow()
    pixels.info = {key: value for key in ("icc_profile", "exif") if (value := image.info.get(key))}
    picture = decode_picture(pixels, name, note, upright=True)
    return replace(picture, exif=Exif(picture.exif.block, 1))


def _unkept_properties(info: dict[str, Any]) -> Iterator[str]:
    """What follows the name of a picture, for each property of it that becomes another."""
    if (bits := info.get("bit_depth", 8)) > 8:
        yield reduced(bits)
    colours = info.get("nclx_profile")
    if colours and not info.get("icc_profile"):
        yield from colours_of_code_points(colours["color_primaries"], colours["transfer_characteristics"])

"""One file that holds both views in, a stereo pair out: MPO, JPS, PNS, spatial photos, and pictures side by side.

What a file is, its first bytes and headers say; the extension counts only where they say nothing (.jps, .pns).
"""

import io
from dataclasses import replace
from pathlib import Path

from snncodec.constants import MAX_PIXELS
from snncodec.errors import InputError
from snncodec.io import heic, jps, mpo
from snncodec.io.files import open_seekable, read_whole
from snncodec.io.images import Note, StereoPair, decode_bytes, pair_of, read_pair
from snncodec.io.output_names import suffix_of
from snncodec.io.rgb import say_nothing, sentences_of_errors
from snncodec.io.side_by_side import cut, half


def read_views(left: Path, right: Path | None, note: Note | None = None) -> StereoPair:
    """A pair from two files, or, where `right` is None, from one that holds both views."""
    return read_stereo_file(left, note=note) if right is None else read_pair(left, right, note=note)


def read_stereo_file(
    path: Path, *, side_by_side: bool = False, max_pixels: int = MAX_PIXELS, note: Note | None = None
) -> StereoPair:
    """Read a pair from one file, and tell `note` what was taken for the left view.

    `side_by_side`: the picture's left half is the left eye's view, whatever its name or header says. The picture is
    turned by its EXIF orientation before it is cut. `InputError` for a file without exactly two views of one size.
    """
    note, name = note or say_nothing, str(path)
    with sentences_of_errors(name), open_seekable(path) as file:
        data = read_whole(file, path)
    entries = mpo.read_index(data)
    if side_by_side and len(entries) > 1:
        raise InputError(f"{name} holds {len(entries)} pictures; --sbs is for one picture with both views in it")
    if not side_by_side:
        if heic.is_heic(data):
            views = f"the left view of {name}", f"the right view of {name}"
            return pair_of(heic.read_views(data, name, views, max_pixels, note), views, note)
        if len(entries) > 1:
            return mpo.read_mpo(data, entries, name, max_pixels, note)
    descriptor = jps.find_layout(data)
    if side_by_side:
        layout = jps.JpsLayout(left_first=True)
    elif descriptor is not None or suffix_of(path) in ("jps", "pns"):
        layout = jps.read_layout(descriptor, name, note)
    else:
        raise InputError(f"{name} is one picture; give the right view too, or --sbs if both stand in it side by side")
    pair = cut(decode_bytes(io.BytesIO(data), name, 2 * max_pixels, note), name, layout.left_first, layout.over_under)
    place = half(layout.left_first, layout.over_under)
    note(f"{name}: the {place} half is taken for the left eye's view (--swap exchanges them)")
    return pair


def prepared(pair: StereoPair, swap: bool, strip: bool) -> StereoPair:
    """The pair with its views exchanged, and without EXIF, as asked for."""
    left, right = pair.views()
    if swap:
        left, right = right, left
    return replace(pair, left=left, right=right, exif=None if strip else pair.exif)

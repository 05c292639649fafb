"""What files are called that nobody has named: names of inputs and wishes in, names of outputs out; no file is touched
but to see whether it is a folder.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from snncodec.errors import InputError
from snncodec.io.files import resolved

Content = Literal["views", "left", "sbs", "anaglyph"]
PICTURES = ("png", "jpg", "jpeg", "webp", "avif", "tif", "tiff")  # formats of one picture, that keep ICC and EXIF
STEREO = ("mpo", "jps", "pns")  # formats of a pair in one file
LAYOUTS = {  # where the left and the right view of x go, but for the extension; `encode` finds them there
    "names": ("{}_left", "{}_right"),
    "folders": ("left/{}", "right/{}"),
    "kitti": ("image_2/{}", "image_3/{}"),
}
SEPARATORS = " ._-"
NAMELESS = "/dev/", "/proc/"  # folders of pipes and terminals


@dataclass(frozen=True)
class Pictures:
    """The files that a pair is to be written to, and what is to be in them."""

    content: Content
    files: tuple[Path, ...]


def suffix_of(path: Path) -> str:
    """The extension in small letters, without its dot."""
    return path.suffix[1:].lower()


def coded_name(left: Path, right: Path | None = None) -> Path:
    """Where `encode` writes what it is not told where to: a .bin beside the left view.

    It is called like the one input, or by what both names have in common where they differ in a word for left and right
    only (`x_left.png` and `x_right.png`, `a.L.png` and `a.R.png`), or like their folder if nothing else is left
    (`scene/left.png`), and else like the left view. `InputError` for inputs that have no name.
    """
    for path in (left, right):
        if path and (str(path) == "-" or str(path).startswith(NAMELESS)):
            raise InputError(f"{path} has no name to call the output by; name it with -o OUT.bin")
    stem = left.stem if right is None or left.stem == right.stem else _common(left.stem, right.stem)
    if stem == "":
        stem = resolved(left).parent.name
    return left.parent / f"{left.stem if stem is None else stem or 'pair'}.bin"


def _common(left: str, right: str) -> str | None:
    """What two names have in common beside a word for left and right; None if they differ in more."""
    for found in re.finditer(r"left|(?<![a-z0-9])l(?![a-z0-9])", left, re.IGNORECASE):
        before, after = left[: found.start()], left[found.end() :]
        other = "right" if len(found[0]) > 1 else "r"
        if right.lower() == f"{before}{other}{after}".lower():
            before = before.rstrip(SEPARATORS) if after[:1] in SEPARATORS else before  # one separator is enough
            return (before + after).strip(SEPARATORS)
    return None


def names_folder(output: str | None) -> bool:
    """Whether an output is a folder, or is to become one."""
    return bool(output) and (str(output).endswith(("/", os.sep)) or Path(str(output)).is_dir())


def picture_names(file: Path, output: str | None, content: Content, suffix: str = "png") -> Pictures:
    """Where `decode` writes: beside its file, into a folder, or to the name that it was given.

    One picture gets that name itself; two views get `_left` and `_right` before its extension, which is `suffix` where
    the name has none. `InputError` for an extension of no format, and for one that does not fit the content.
    """
    if not output or names_folder(output):
        if str(file) == "-" or str(file).startswith(NAMELESS):
            raise InputError(f"{file} has no name to call pictures by; name them with -o NAME.png")
        return pictures_at(Path(output, file.stem) if output else file.with_name(file.stem), content, suffix)
    path = Path(output)
    if not path.suffix:
        return pictures_at(path, content, suffix)
    if suffix_of(path) in PICTURES and content != "views":
        return Pictures(content, (path,))
    return pictures_at(path.with_suffix(""), content, path.suffix[1:], hint="; a folder ends with /")


def pictures_at(prefix: Path, content: Content, suffix: str, layout: str = "names", hint: str = "") -> Pictures:
    """Files whose names begin alike: what they hold and `suffix` follow, or as `layout` says.

    `InputError` as in `picture_names`, with a `hint` at the end of that on extensions, and for a layout of two views
    where there is only one file.
    """
    kind, single = suffix.lower(), Path(f"{prefix}.{suffix}")
    if kind not in PICTURES + STEREO:
        known = ", ".join(f".{name}" for name in PICTURES + STEREO)
        raise InputError(f"{single} ends with .{kind}, which is no format known here ({known}){hint}")
    if kind in STEREO and content != "views":
        raise InputError(f"{single} would be a {kind.upper()}, which holds both views; name a picture, such as .png")
    if layout != "names" and (kind in STEREO or content in ("sbs", "anaglyph")):
        raise InputError(f"--layout {layout} is for views in files of their own; leave it out")
    if kind in STEREO:
        return Pictures(content, (single,))
    places = LAYOUTS[layout][: 1 if content == "left" else 2]
    if content not in ("views", "left"):
        places = (f"{{}}_{content}",)
    return Pictures(content, tuple(prefix.parent / f"{place.format(prefix.name)}.{suffix}" for place in places))

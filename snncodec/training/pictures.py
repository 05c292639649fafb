"""Training pictures: folders of photographs or stereo pairs in, decoded 8-bit arrays out, kept in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from snncodec.errors import InputError, SnncodecError
from snncodec.io.datasets import Scene, list_pairs, list_pictures
from snncodec.io.images import read_image

Progress = Callable[[int, int], None]  # (pictures read, pictures in all)
Pair = tuple[np.ndarray, np.ndarray]  # left and right view, uint8 [H, W, 3]


def load_folders(
    folders: list[Path], report: Callable[[str], None], progress: Progress | None = None, strict: bool = False
) -> tuple[list[np.ndarray], list[Pair]]:
    """All pictures below the folders, views of pairs included, and the stereo pairs among them.

    Pairs whose views differ in size serve as single pictures only. Pictures that cannot be read are left out, and
    reported, or raised if this is `strict`. `InputError` where there is no picture at all.
    """
    scenes = find_stereo(folders)
    files = {*find_pictures(folders), *(view for scene in scenes for view in scene.files)}
    pictures = load_pictures(sorted(files), progress, None if strict else report)
    read = [[pictures[file] for file in scene.files if file in pictures] for scene in scenes]
    views = [(both[0], both[1]) for both in read if len(both) == 2]
    pairs = [pair for pair in views if pair[0].shape == pair[1].shape]
    if len(pairs) < len(views):
        report(f"{len(views) - len(pairs)} pairs have views of different sizes; they serve as single pictures only")
    return list(pictures.values()), pairs


def find_pictures(folders: list[Path]) -> list[Path]:
    """Every picture file below the folders, in a fixed order; `InputError` when there is none."""
    files = sorted({folder / name for folder in folders for name in list_pictures(folder)})
    if not files:
        raise InputError(f"no pictures found below {', '.join(map(str, folders))}")
    return files


def find_stereo(folders: list[Path]) -> list[Scene]:
    """Every stereo pair of two files below the folders; none is no error."""
    return [scene for folder in folders for scene in list_pairs(folder)[0]]


def load_pictures(
    files: list[Path], progress: Progress | None = None, leave_out: Callable[[str], None] | None = None
) -> dict[Path, np.ndarray]:
    """Decode files to uint8 arrays [H, W, 3]; what cannot be read is told to `leave_out`, if that is given."""
    pictures = {}
    for number, file in enumerate(files):
        try:
            pictures[file] = read_image(file)[0]
        except SnncodecError as error:
            if leave_out is None:
                raise
            leave_out(f"left out: {error}")
        if progress:
            progress(number + 1, len(files))
    if files and not pictures:
        raise InputError(f"none of {len(files)} pictures can be read")
    return pictures

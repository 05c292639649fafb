"""Where a report goes: a folder that is complete or not there; nothing but an older report is ever replaced."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from snncodec.errors import InputError
from snncodec.io.files import resolved
from snncodec.io.temporary import remove_stale, temporary_beside

INDEX, FULL = "index.html", "full"  # all that a report holds
GENERATOR = '<meta name="generator" content="snncodec bench">'  # how a page of ours is known
HEAD_BYTES = 1024  # of a page, in which that stands


def check_folder(folder: Path, force: bool) -> None:
    """InputError unless `folder` can be made here, or be replaced: with `force`, if it is empty or a report of ours."""
    target = resolved(folder)
    parent = target.parent
    if target.exists() and not target.is_dir():
        raise InputError(f"{folder} is a file; name a folder for the report")
    if target.exists() and not force:
        raise InputError(f"{folder} exists already; pass -f to replace the report in it")
    if target.exists() and not _is_replaceable(target):
        raise InputError(f"{folder} holds something else than a report of ours; name another folder")
    if not parent.is_dir():
        raise InputError(f"there is no folder {parent} to write {target.name} into; create it first")
    if not os.access(parent, os.W_OK):
        raise InputError(f"cannot write {folder}: the folder around it is read-only")


@contextmanager
def whole_folder(folder: Path, force: bool) -> Iterator[Path]:
    """Yield an empty folder beside `folder` that takes its place at the end, or vanishes after an error."""
    check_folder(folder, force)
    target = resolved(folder)
    remove_stale(target.parent)
    temporary, replaced = temporary_beside(target), temporary_beside(target)
    try:
        temporary.mkdir()
        yield temporary
        check_folder(folder, force)  # once more: drawing takes a while
        if target.exists():
            target.rename(replaced)
        try:
            temporary.rename(target)
        except BaseException:
            if replaced.exists():
                replaced.rename(target)
            raise
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        for leftover in (temporary, replaced):
            shutil.rmtree(leftover, ignore_errors=True)


def _is_replaceable(folder: Path) -> bool:
    """Whether a folder is empty, or holds a report of ours and nothing beside it."""
    names = {path.name for path in folder.iterdir()}
    if not names:
        return True
    if not names <= {INDEX, FULL} or not (folder / INDEX).is_file():
        return False
    with open(folder / INDEX, "rb") as file:
        return GENERATOR.encode() in file.read(HEAD_BYTES)

"""Writes whole files or none: a writer per target path goes in, every target complete on disk comes out.
A failed or interrupted call leaves the folder as it was; this file knows nothing about what is being written.
It also opens what is to be read, pipes and standard input included.
"""

import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

from snncodec.errors import InputError, LimitError
from snncodec.io.temporary import remove_stale, temporary_beside

MAX_WHOLE_BYTES = 2**31  # of a file that is kept in memory


def write_bytes(path: Path, data: bytes, force: bool = False) -> None:
    """Write one file under the promise of `write_files`."""
    write_files({Path(path): lambda file: file.write(data)}, force)


def write_files(writers: Mapping[Path, Callable[[BinaryIO], object]], force: bool = False) -> None:
    """Let every writer fill a temporary file beside its target, then rename them all, or none.

    A file that is replaced hands on its mode. Raises InputError if a target exists and `force` is not set, is no
    regular file, appears twice, has no folder to go into, or cannot be written; whatever is raised, also by a writer,
    no target is new, changed or gone afterwards.
    """
    targets = {path: check_target(path, force) for path in writers}
    if len(set(targets.values())) < len(targets):
        raise InputError(f"{' and '.join(map(str, writers))} are one file; give each output a name of its own")
    for folder in {target.parent for target in targets.values()}:
        remove_stale(folder)
    staged: dict[Path, Path] = {}  # target -> temporary file that holds its new content
    try:
        for path, write in writers.items():
            target = targets[path]
            staged[target] = temporary_beside(target)
            with open(staged[target], "xb") as file:
                _copy_mode(target, staged[target])
                write(file)
                file.flush()
                os.fsync(file.fileno())  # a full disk must show before the rename, not after it
        _rename_all(staged)
        for folder in {target.parent for target in staged}:
            _sync_names(folder)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def _copy_mode(target: Path, temporary: Path) -> None:
    """Give a temporary file the mode of the file that it will replace, where there is one and modes can be set."""
    with suppress(OSError):
        if os.access(target, os.W_OK):
            shutil.copymode(target, temporary)


def _sync_names(folder: Path) -> None:
    """Have the names in a folder outlive a loss of power, where a folder can be opened for that."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def resolved(path: Path) -> Path:
    """The path with links followed; `InputError` for a loop of links, and for names that no file can have."""
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # of which the second stands for loops until Python 3.13
        raise InputError(f"{path} leads nowhere: {getattr(error, 'strerror', None) or error}") from error


def check_target(path: Path, force: bool) -> Path:
    """The path with links followed, once nothing is known to forbid writing there; else `InputError`."""
    target = resolved(path)
    try:
        if target.is_dir():
            raise InputError(f"{path} is a folder; name a file to write")
        if target.exists() and not target.is_file():
            raise InputError(f"{path} is not a regular file; choose another output name")
        if target.exists() and not force:
            raise InputError(f"{path} exists already; pass -f to overwrite it")
        if not target.parent.is_dir():
            raise InputError(f"there is no folder {Path(path).parent} to write {target.name} into; create it first")
        if not os.access(target.parent, os.W_OK):
            raise InputError(f"cannot write {path}: its folder is read-only")
    except OSError as error:  # no permission to look
        raise InputError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
    return target


def check_output_folder(folder: Path) -> None:
    """`InputError` unless a folder can be written to, or be made."""
    target = resolved(folder)
    if folder.is_symlink() and not target.exists():
        raise InputError(f"{folder} is a link that leads nowhere; name another folder")
    there = next(place for place in (target, *target.parents) if os.path.lexists(place))
    if not there.is_dir():
        raise InputError(f"{folder} cannot be a folder: {there} is a file")
    if not os.access(there, os.W_OK):
        raise InputError(f"cannot write into {folder}: {there} is read-only")


@contextmanager
def made_folders(*folders: Path) -> Iterator[None]:
    """Make folders for what is written inside; after an error, those that were not there are gone again if empty."""
    new: list[Path] = []
    try:
        for folder in folders:
            new += [place for place in (*reversed(folder.parents), folder) if not place.exists() and place not in new]
            folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for place in reversed(new):
            with suppress(OSError):  # another process writes there, or it could not be made
                place.rmdir()
        raise


def _rename_all(staged: Mapping[Path, Path]) -> None:
    """Move every temporary file over its target; if one move fails, put back what the earlier ones replaced."""
    earlier = list(staged)[:-1]  # the last move succeeds or changes nothing, so it needs no way back
    copies = {target: temporary_beside(target) for target in earlier if target.exists()}
    try:
        for target, copy in copies.items():
            shutil.copy2(target, copy)
        try:
            for target, temporary in staged.items():
                os.replace(temporary, target)
        except BaseException:
            for target in earlier:
                if target in copies:
                    os.replace(copies[target], target)
                else:
                    target.unlink(missing_ok=True)
            raise
    finally:
        for copy in copies.values():
            copy.unlink(missing_ok=True)


@contextmanager
def open_seekable(path: Path) -> Iterator[BinaryIO]:
    """A file to read, `-` for standard input; what comes through a pipe is read whole, errors as `read_whole`."""
    with nullcontext(sys.stdin.buffer) if str(path) == "-" else open(path, "rb") as file:
        yield file if file.seekable() else io.BytesIO(read_whole(file, path))


def read_whole(file: BinaryIO, path: Path) -> bytes:
    """All that an open file holds; `LimitError` beyond 2 GiB, as a device may never end."""
    data = file.read(MAX_WHOLE_BYTES + 1)
    if len(data) > MAX_WHOLE_BYTES:
        raise LimitError(f"{path} has more than {MAX_WHOLE_BYTES:,} bytes, the limit of what is read at once")
    return data


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file; False where one of them leads to none."""
    try:
        return str(one) == str(other) or os.path.samefile(one, other)
    except (OSError, ValueError):
        return False

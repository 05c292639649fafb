"""Rows that were measured before: a key comes in, the row of that key goes out, whatever has happened since.

A row is written down as soon as it is measured, so that neither a stop nor a full disk loses it, and the next run
measures only what has changed. Its key is the SHA-256 of everything that it depends on: the content of the pictures,
the codec's settings, the machine, the versions of packages and the program itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snncodec.io.files import write_bytes

Row = dict[str, Any]

MEASURING = {f"benchmark/{name}.py" for name in ("coders", "measurement", "metrics")}


class ResultsCache:
    """JSON lines in `folder`, one row each, only ever appended to; without a folder, nothing is kept.

    A folder that cannot be written to is told to `note`, once, and measuring goes on without it.
    """

    def __init__(self, folder: Path | None, note: Callable[[str], object]) -> None:
        self._folder, self._note = folder, note
        self._rows: dict[str, Row] = {}
        if folder:
            try:
                self._read(folder / "rows.jsonl")
            except OSError as error:
                self._give_up(error)

    def row(self, key: str) -> Row | None:
        """The row of this key, or None if there is none yet."""
        return self._rows.get(key)

    def add(self, key: str, row: Row, files: tuple[bytes, ...] = ()) -> None:
        """Write a row down, and the one file that it was taken on where that is wanted later."""
        self._rows[key] = row
        if not self._folder:
            return
        line = json.dumps({"key": key, "row": row}).encode() + b"\n"
        try:
            if files:
                self._file(key).parent.mkdir(exist_ok=True)
                write_bytes(self._file(key), files[0], force=True)
            with open(self._folder / "rows.jsonl", "ab", buffering=0) as lines:
                if lines.write(line) < len(line):
                    raise OSError("the disk is full")
        except Exception as error:
            self._give_up(error)

    def file(self, key: str) -> bytes | None:
        """The file that the row of this key was taken on, where it was kept."""
        return self._file(key).read_bytes() if self._folder and self._file(key).is_file() else None

    def _file(self, key: str) -> Path:
        assert self._folder
        return self._folder / "files" / f"{key}.bin"

    def _read(self, path: Path) -> None:
        """Take in what is whole; a line that a kill cut off is closed, so that the next one starts on its own."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+b") as lines:
            lines.seek(0)
            content = lines.read()
            if content and not content.endswith(b"\n"):
                lines.write(b"\n")
        for line in content.splitlines():
            try:
                entry = json.loads(line)
                self._rows[entry["key"]] = dict(entry["row"])
            except (ValueError, TypeError, KeyError, RecursionError):
                continue

    def _give_up(self, error: Exception) -> None:
        self._note(f"note: results are not kept for the next run ({getattr(error, 'strerror', None) or error})")
        self._folder = None


def default_folder() -> Path:
    """Where results are kept unless told otherwise: SNNCODEC_CACHE, or the user's cache folder (XDG)."""
    own = os.environ.get("SNNCODEC_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "snncodec" / "bench"


def key_of(*parts: object) -> str:
    """SHA-256 of plain values, which JSON can write."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def hash_of_program(codec: bool) -> str:
    """SHA-256 of the source files that a figure depends on: those that measure, and with `codec` those that code."""
    package = Path(__file__).parent.parent
    content = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        place = path.relative_to(package).as_posix()
        codes = codec and not place.startswith(("cli/", "training/", "benchmark/", "export/"))
        if codes or place in MEASURING:
            content.update(f"{place}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return content.hexdigest()

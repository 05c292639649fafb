"""Names of temporary files, and an end to those of processes that were killed while they wrote.

A name tells the machine and the process that writes. The next write into a folder removes what no living process there
can still want: files of processes of this machine that have ended, and any that are older than a day.
"""

import os
import platform
import re
import secrets
import shutil
import time
import zlib
from pathlib import Path

PATTERN = re.compile(r"\.snncodec-(?:([0-9a-f]{8})-(\d+)-)?[0-9a-f]{16}\.tmp")
LONGEST_SECONDS = 86400  # that any write takes


def temporary_beside(target: Path) -> Path:
    """A hidden name nobody uses, in the same folder because a rename cannot cross file systems."""
    return target.with_name(f".snncodec-{_machine()}-{os.getpid()}-{secrets.token_hex(8)}.tmp")


def remove_stale(folder: Path) -> None:
    """Remove temporary files that killed processes left in a folder; those that cannot be removed stay."""
    try:
        found = [entry for entry in os.scandir(folder) if entry.name.startswith(".snncodec-")]
    except OSError:  # a folder that can be written to but not read
        return
    for entry in found:
        try:
            if (match := PATTERN.fullmatch(entry.name)) and _is_stale(match, entry):
                shutil.rmtree(entry) if entry.is_dir(follow_symlinks=False) else os.unlink(entry)
        except OSError:  # another process was faster, or it is another user's
            continue


def _is_stale(match: re.Match[str], entry: os.DirEntry[str]) -> bool:
    machine, process = match.groups()
    if time.time() - entry.stat(follow_symlinks=False).st_mtime > LONGEST_SECONDS:
        return True
    return machine == _machine() and not _lives(int(process))


def _lives(process: int) -> bool:
    """Whether a process of this machine still runs, or may do."""
    if os.name != "posix":  # there, asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or a number that no process has
        return True
    return True


def _machine() -> str:
    """Eight digits for this machine; folders may be shared between several."""
    return f"{zlib.crc32(platform.node().encode()):08x}"

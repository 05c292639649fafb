"""A BenchResult comes in; a folder with a page that any browser opens goes out: curves, tables and pictures.

Nothing is measured here, but what the page shows is decoded again from the files that the figures were taken on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from snncodec.benchmark.web_report.folder import INDEX, whole_folder

if TYPE_CHECKING:
    from snncodec.benchmark.runner import BenchResult


def write_report(
    result: BenchResult, folder: Path, force: bool = False, progress: Callable[[int, int], object] | None = None
) -> None:
    """Write `folder`, whole or not at all: index.html, which needs no network and no other file to be read, and
    full/, the decoded pictures of one quality in their full size, to which it links. InputError as `check_folder`."""
    from snncodec.benchmark.web_report import page, scenes  # with torch

    with whole_folder(folder, force) as temporary:
        found = list(scenes.draw_scenes(result, temporary, progress))
        (temporary / INDEX).write_text(page.fill(result, found), encoding="utf-8")

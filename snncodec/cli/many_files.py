"""`encode` and `decode` of a folder: options come in, jobs are made of them, done, and what failed is listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snncodec.cli.terminal import progress_bar, say
from snncodec.errors import InputError

if TYPE_CHECKING:
    from snncodec.workflow.jobs import Job

Jobs = Annotated[int | None, typer.Option(min=1, help="Of a folder: processes at once.  [default: all cores]")]
Executor = Annotated[str, typer.Option(metavar="local|dask://HOST:PORT", help="Of a folder: where processes run.")]
Resume = Annotated[bool, typer.Option("--resume", help="Of a folder: skip what exists already.")]


@dataclass(frozen=True)
class Batch:
    """How the jobs of a folder are done."""

    jobs: int | None
    executor: str
    force: bool
    resume: bool
    quiet: bool

    def run(self, jobs: Sequence[Job]) -> None:
        """Do the jobs; exit status 1 with a list of those that failed, once all others are done."""
        from snncodec.workflow.executors import open_executor, usable_cores
        from snncodec.workflow.run_jobs import check_jobs, run_jobs

        to_do = check_jobs(jobs, self.force, self.resume)
        processes = min(self.jobs or usable_cores(), max(1, len(to_do)))
        with progress_bar("coding", self.quiet) as progress:
            failures = run_jobs(to_do, partial(open_executor, self.executor, processes), progress)
        if not self.quiet:
            skipped = f", {len(jobs) - len(to_do)} were there" if self.resume else ""
            say(f"{len(to_do) - len(failures)} of {len(jobs)} done{skipped}")
        for failure in failures:
            say(f"failed: {failure.job.name}: {failure.reason}")
        if failures:
            raise typer.Exit(1)


def output_folder(output: str | None, inputs: Path) -> Path:
    """The folder that files go to; `InputError` if none is named, or a file."""
    if output is None or output == "-":
        raise InputError(f"{inputs} is a folder; name the folder for what becomes of it with -o OUT/")
    if Path(output).exists() and not Path(output).is_dir():
        raise InputError(f"{output} is a file; {inputs} is a folder, and needs a folder to write to")
    return Path(output)


def coded_files(folder: Path) -> list[Path]:
    """All .bin files below a folder, in natural order; `InputError` if there is none."""
    files = sorted(path for path in folder.rglob("*.bin") if path.is_file())
    if not files:
        raise InputError(f"there is no .bin file in {folder}")
    return files

"""`encode` and `decode` of a folder: options come in, jobs are made of them, done, and what failed is listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from snncodec.cli.terminal import progress_bar, say
from snncodec.errors import InputError
from snncodec.io.files import check_output_folder
from snncodec.io.output_names import Content, pictures_at

if TYPE_CHECKING:
    from snncodec.workflow.jobs import DecodeJob, EncodeJob, Job

Jobs = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Of a folder: processes at once.  [default: all cores]")
]
Executor = Annotated[str, typer.Option(metavar="local|dask://HOST:PORT", help="Of a folder: where processes run.")]
Layout = Annotated[
    Literal["names", "folders", "kitti"], typer.Option(help="Of a folder: x_left.*; left/x.*; or image_2/x.*.")
]
Format = Annotated[str, typer.Option("--format", metavar="EXT", help="Extension of pictures that -o gives none.")]
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

        to_do, notes = check_jobs(jobs, self.force, self.resume), Notes()
        processes = min(self.jobs or usable_cores(), max(1, len(to_do)))
        with progress_bar("coding", self.quiet) as progress:
            failures = run_jobs(to_do, partial(open_executor, self.executor, processes), progress, notes.add)
        if not self.quiet:
            for line in notes.lines():
                say(line)
            skipped = f", {len(jobs) - len(to_do)} were there" if self.resume else ""
            say(f"{len(to_do) - len(failures)} of {len(jobs)} done{skipped}")
        for failure in failures:
            say(f"failed: {failure.job.name}: {failure.reason}")
        if failures:
            raise typer.Exit(1)


class Notes:
    """Sentences on many pictures, of which each kind is to be told once."""

    def __init__(self) -> None:
        self._kinds: dict[str, list[str]] = {}

    def add(self, job: Job, sentence: str) -> None:
        kind = sentence
        for path in sorted(map(str, job.inputs), key=len, reverse=True):  # one may be the beginning of the other
            kind = kind.replace(path, "...")
        self._kinds.setdefault(kind, []).append(sentence)

    def lines(self) -> Iterator[str]:
        for sentences in self._kinds.values():
            more = f" (and {len(sentences) - 1} more like this)" if len(sentences) > 1 else ""
            yield f"note: {sentences[0]}{more}"


def output_folder(output: str | Path | None, inputs: Path) -> Path:
    """The folder that files go to; `InputError` if none is named, or a file."""
    if output is None or str(output) == "-":
        raise InputError(f"{inputs} is a folder; name the folder for what becomes of it with -o OUT/")
    if Path(output).exists() and not Path(output).is_dir():
        raise InputError(f"{output} is a file; {inputs} is a folder, and needs a folder to write to")
    check_output_folder(Path(output))
    return Path(output)


def encode_jobs(data: Path, folder: Path, say_orphan: Callable[[str], object], **how: Any) -> list[EncodeJob]:
    """A job for each stereo pair below `data`; `how` are the other fields of the jobs. Single views are told."""
    from snncodec.io.datasets import find_pairs
    from snncodec.workflow.jobs import EncodeJob

    scenes, orphans = find_pairs(data)
    for orphan in orphans:
        say_orphan(f"note: {orphan} has no partner; it is left out")
    return [EncodeJob(s.name, s.left, s.right, folder / f"{s.name}.bin", **how) for s in scenes]


def decode_jobs(files: Path, folder: Path, layout: str, suffix: str, content: Content, **how: Any) -> list[DecodeJob]:
    """A job for each .bin file below `files`, whose pictures keep its place in the folders; `InputError` for none."""
    from snncodec.io.datasets import list_pictures
    from snncodec.workflow.jobs import DecodeJob

    found = sorted(files / path for path in list_pictures(files, ("bin",)))
    if not found:
        raise InputError(f"there is no .bin file in {files}")
    jobs = []
    for file in found:
        name = file.relative_to(files).with_suffix("")
        jobs.append(DecodeJob(str(file), file, pictures_at(folder / name, content, suffix, layout), **how))
    return jobs

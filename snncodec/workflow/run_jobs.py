"""Many jobs come in, their files are written, and what could not be done comes out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import dataclass

from snncodec.errors import InputError, SnncodecError
from snncodec.workflow.jobs import Job

Progress = Callable[[int, int, str], None]  # (jobs done, jobs in all, words)
Note = Callable[[Job, str], object]  # (a job that was done, a sentence on what could not be kept)
ATTEMPTS = 2  # at a job whose process died


@dataclass(frozen=True)
class Failure:
    """A job that could not be done, and why."""

    job: Job
    reason: str


def check_jobs(jobs: Sequence[Job], force: bool, resume: bool) -> list[Job]:
    """The jobs to do: with `resume`, those of which a target is missing.

    `InputError` if two write one file, if one of them reads what another writes, or if a target exists and neither
    `resume` nor `force` is set.
    """
    targets = [target for job in jobs for target in job.targets]
    if len(set(targets)) < len(targets):
        twice = next(target for target in targets if targets.count(target) > 1)
        raise InputError(f"two of the inputs would be written to {twice}; give them different names")
    read = {os.path.realpath(path) for job in jobs for path in job.inputs}
    if replaced := next((target for target in targets if os.path.realpath(target) in read), None):
        raise InputError(f"{replaced} is what is to be read; choose another output folder")
    if resume:
        return [job for job in jobs if not all(target.exists() for target in job.targets)]
    if not force and (there := [target for target in targets if target.exists()]):
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise InputError(f"{there[0]}{more} exist already; pass --resume to do the rest, or -f to overwrite")
    return list(jobs)


def run_jobs(
    jobs: Sequence[Job],
    open_executor: Callable[[], AbstractContextManager[Executor]],
    progress: Progress | None = None,
    note: Note = lambda job, sentence: None,
) -> list[Failure]:
    """Do all jobs, as many at once as the executor can; what fails keeps none of the others from being done.

    Where a local process dies, all that had not come back is done again by new ones, one attempt in all for each.
    """
    failures: list[Failure] = []
    left, total = list(jobs), len(jobs)
    for _ in range(ATTEMPTS):
        lost = []
        with open_executor() as executor:
            futures = {executor.submit(_run, job): job for job in left}
            for future in as_completed(futures):
                job = futures.pop(future)
                try:
                    for sentence in future.result():
                        note(job, sentence)
                except BrokenProcessPool:
                    lost.append(job)
                    continue
                except Exception as error:
                    failures.append(Failure(job, _reason(error)))
                if progress:
                    done = total - len(futures) - len(lost)
                    progress(done, total, f"{done} of {total}")
        left = lost
        if not left:
            break
    return failures + [Failure(job, "its process died; is there enough memory?") for job in left]


def _run(job: Job) -> list[str]:
    return job.run()


def _reason(error: Exception) -> str:
    if isinstance(error, SnncodecError):
        return str(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory for this"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__

"""A folder of stereo pairs comes in; rows of figures, one per pair, codec and quality, go out with means and BD-rates.

Every figure is taken on whole files: a pair is encoded to bytes, the bytes are decoded, and what came back is compared
with what went in. Nothing is printed, and nothing is written but the cache of rows, least of all into the data folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snncodec.benchmark.coder import Coder
from snncodec.benchmark.coders import OURS, Contest
from snncodec.benchmark.environment import describe_environment
from snncodec.benchmark.measurement import Picture, Row, Task, measure_all
from snncodec.benchmark.peak_memory import peak_memory
from snncodec.benchmark.results_cache import ResultsCache, hash_of_program, key_of
from snncodec.benchmark.summary import summarise
from snncodec.constants import DEFAULT_EFFORT
from snncodec.errors import InputError, SnncodecError
from snncodec.io import datasets

Progress = Callable[[int, int, str], None]  # (pixels done, pixels in all, how many pairs are done)


@dataclass(frozen=True)
class BenchResult:
    """What `run` measured: `rows`, one per pair, codec and quality; a `summary` of them; the `settings` to repeat it
    with; the `orphans`, pictures without a partner, which were left out; the `pictures` and, by label and quality, the
    `files` of snncodec; how many rows are `missing`, because the run was `interrupted` or for the reasons in `faults`;
    and, where they were asked for, what its `spikes` did."""

    rows: list[Row]
    summary: dict[str, Any]
    settings: dict[str, Any]
    orphans: list[Path]
    pictures: list[Picture] = field(default_factory=list)
    files: dict[tuple[str, int], bytes] = field(default_factory=dict)
    missing: int = 0
    interrupted: bool = False
    faults: list[str] = field(default_factory=list)
    spikes: dict[str, Any] = field(default_factory=dict)


def run(
    data: Path,
    qualities: Iterable[int],
    baselines: Iterable[str],
    *,
    weights: str | Path = "base",
    device: str = "auto",
    independent: bool = False,
    effort: int = DEFAULT_EFFORT,
    jobs: int = 1,
    cache: Path | None = None,
    progress: Progress | None = None,
    note: Callable[[str], object] = lambda line: None,
) -> BenchResult:
    """Measure snncodec at `qualities` (1..100), and each baseline over its own qualities, on all pairs below `data`.

    Times are those of one thread; `jobs` processes measure at once, which disturbs them a little. Rows that the folder
    `cache` holds are not measured again. Ctrl-C ends the measuring, and the result has the rows that are done. Pairs
    that cannot be read are left out, and rows that cannot be measured are missing; `note` hears why at once.
    InputError before the first measurement when there is no pair that can be read, no quality or no such baseline.
    """
    asked = tuple(sorted(set(qualities))), tuple(dict.fromkeys(baselines))
    contest = Contest(*asked, weights, device, independent, effort)
    scenes, orphans = datasets.find_pairs(data)
    coders = contest.enter()
    faults = _Faults(note)
    pictures = _inspect_all(scenes, faults)
    environment = describe_environment(device) | {"threads": 1, "jobs": jobs}
    notebook = _Notebook(ResultsCache(cache, note), coders, environment)
    tasks = [Task(p, name, q) for p in pictures for name, coder in coders.items() for q in coder.qualities]
    stopped = _measure_missing(tasks, notebook, contest, coders, jobs, progress, faults)
    rows = [row for task in tasks if (row := notebook.row(task)) is not None]
    summary = summarise(rows, OURS)
    if not stopped:
        summary["peak_memory"] = _peak_memories(pictures, contest, coders, notebook, jobs, faults)
    settings = {"data": str(data), "pairs": len(scenes)} | contest.settings() | environment
    settings |= {"coders": {name: coder.settings for name, coder in coders.items()}}
    ours = {(t.picture.label, t.quality): file for t in tasks if t.coder == OURS and (file := notebook.file(t))}
    missing = len(scenes) * sum(len(coder.qualities) for coder in coders.values()) - len(rows)
    return BenchResult(rows, summary, settings, orphans, pictures, ours, missing, stopped, faults.sentences)


class _Faults:
    """Sentences on what could not be measured, each told at once."""

    def __init__(self, note: Callable[[str], object]) -> None:
        self.sentences: list[str] = []
        self._note = note

    def add(self, sentence: str) -> None:
        if sentence not in self.sentences:
            self.sentences.append(sentence)
            self._note(f"note: {sentence}")


class _Notebook:
    """Rows by task, in a cache whose keys hold everything that a row depends on."""

    def __init__(self, cache: ResultsCache, coders: dict[str, Coder], environment: dict[str, Any]) -> None:
        self._cache = cache
        programs = {ours: hash_of_program(codec=ours) for ours in (True, False)}
        self._about = {
            name: key_of(name, coder.settings, environment, programs[name == OURS]) for name, coder in coders.items()
        }
        self._files: dict[Task, bytes] = {}

    def row(self, task: Task) -> Row | None:
        row = self._cache.row(self._key(task))
        return None if row is None else row | {"scene": task.picture.label}

    def add(self, task: Task, row: Row, files: tuple[bytes, ...]) -> None:
        kept = files if task.coder == OURS else ()
        if kept:
            self._files[task] = kept[0]
        self._cache.add(self._key(task), row, kept)

    def file(self, task: Task) -> bytes | None:
        """The file of ours that a row was taken on, if the row is there."""
        return self._files.get(task) or self._cache.file(self._key(task))

    def peak_memory(self, task: Task) -> Row | None:
        return self._cache.row(key_of("peak memory", self._key(task)))

    def add_peak_memory(self, task: Task, row: Row) -> None:
        self._cache.add(key_of("peak memory", self._key(task)), row)

    def _key(self, task: Task) -> str:
        return key_of(self._about[task.coder], task.picture.sha256, task.quality)


def _inspect_all(scenes: list[datasets.Scene], faults: _Faults) -> list[Picture]:
    """All pairs that can be read, each of which has been decoded once; InputError if there is none."""
    names = Counter(scene.name for scene in scenes)
    pictures: list[Picture] = []
    for scene in scenes:
        label = scene.name if names[scene.name] == 1 else f"{scene.name} ({scene.left})"  # one curve per pair
        label = label.encode("utf-8", "backslashreplace").decode()  # names on disk may be no text
        try:
            pictures.append(Picture.inspect(label, scene))
        except (SnncodecError, OSError) as error:
            if not pictures and scene is scenes[-1]:
                raise InputError(f"no pair of {len(scenes)} can be read; the last one: {error}") from error
            faults.add(f"{label} is left out: {error}")
    return pictures


def _measure_missing(
    tasks: list[Task],
    notebook: _Notebook,
    contest: Contest,
    coders: dict[str, Coder],
    jobs: int,
    progress: Progress | None,
    faults: _Faults,
) -> bool:
    """Measure what the notebook does not hold yet; True if Ctrl-C came in between."""
    missing = [task for task in tasks if notebook.row(task) is None]
    done, total = 0, sum(task.picture.pixels for task in missing)
    left = Counter(task.picture for task in missing)  # rows of each pair
    pairs = len(left)
    try:
        for task, measured in measure_all(missing, contest, coders, jobs):
            if isinstance(measured, str):
                faults.add(measured)
            else:
                notebook.add(task, *measured)
            done += task.picture.pixels
            left -= Counter([task.picture])
            if progress:
                progress(done, total, f"{pairs - len(left)} of {pairs} pairs")
    except KeyboardInterrupt:
        return True
    return False


def _peak_memories(
    pictures: list[Picture],
    contest: Contest,
    coders: dict[str, Coder],
    notebook: _Notebook,
    jobs: int,
    faults: _Faults,
) -> dict[str, Row]:
    """Of each codec at its middle quality, on the largest pair; what was found before is not measured again."""
    largest = max(pictures, key=lambda picture: picture.pixels)
    tasks = [Task(largest, name, coder.qualities[len(coder.qualities) // 2]) for name, coder in coders.items()]
    missing = [task for task in tasks if notebook.peak_memory(task) is None]
    with ThreadPoolExecutor(jobs) as threads:  # each of which waits for processes of its own
        measured = {threads.submit(peak_memory, task, contest): task for task in missing}
        for future in as_completed(measured):
            try:
                notebook.add_peak_memory(measured[future], future.result())
            except (SnncodecError, OSError, BrokenProcessPool) as error:
                faults.add(f"the memory of {measured[future].coder} is not known: {error}")
    return {task.coder: row for task in tasks if (row := notebook.peak_memory(task))}

"""One pair through one coder and back: a row of figures comes out; in this process, or in several at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from snncodec.benchmark import metrics
from snncodec.benchmark.coder import Coder
from snncodec.benchmark.coders import Contest
from snncodec.errors import SnncodecError
from snncodec.io.datasets import Scene
from snncodec.io.images import StereoPair
from snncodec.io.stereo_files import read_views
from snncodec.stopwatch import STAGES, Stopwatch
from snncodec.worker_processes import worker_pool

Row = dict[str, Any]
Measured = tuple[Row, tuple[bytes, ...]]  # and the files that a row was taken on

STAGE_KEYS = {
    f"{way}_{stage}_s": (number, stage) for number, way in enumerate(("encode", "decode")) for stage in STAGES
}
WARM_UP_SIDE = 128  # pixels; enough to start every kernel once, too small to take time


@dataclass(frozen=True)
class Picture:
    """A pair that is known to be sound: its label in the results, its files, their content and the size of a view."""

    label: str
    scene: Scene
    sha256: str
    height: int
    width: int

    @classmethod
    def inspect(cls, label: str, scene: Scene) -> Picture:
        """Decode both views once, so that a bad picture shows before the first measurement; InputError if one is."""
        height, width = read_views(scene.left, scene.right).left.shape[:2]
        content = hashlib.sha256()
        for path in scene.files:
            content.update(hashlib.sha256(path.read_bytes()).digest())
        return cls(label, scene, content.hexdigest(), height, width)

    @property
    def pixels(self) -> int:
        """Of both views."""
        return 2 * self.height * self.width

    def read(self) -> StereoPair:
        return read_views(self.scene.left, self.scene.right)


@dataclass(frozen=True)
class Task:
    """A row that is still to be measured."""

    picture: Picture
    coder: str
    quality: int


def measure(picture: Picture, pair: StereoPair, coder: Coder, quality: int) -> Measured:
    """One row, and the files it was taken on. Bytes are those of all files, PSNR is in dB, times are seconds of wall
    clock from pixels to bytes and from bytes to pixels, in all and by stage. bpp of a view are 8 x its own bytes over
    its pixels."""
    clocks = Stopwatch(), Stopwatch()
    with clocks[0].measure():
        files = coder.encode(pair, quality)
    with clocks[1].measure():
        decoded = coder.decode(files)
    psnr_left, psnr_right = (metrics.psnr(a, b) for a, b in zip(pair.views(), decoded.views(), strict=True))
    num_bytes, pixels = sum(len(file) for file in files), picture.height * picture.width
    bpp_left, bpp_right = (metrics.bpp(count, pixels) for count in coder.view_bytes(files))
    row = {
        "scene": picture.label,
        "height": picture.height,
        "width": picture.width,
        "codec": coder.name,
        "quality": quality,
        "bytes": num_bytes,
        "bpp": metrics.bpp(num_bytes, 2 * pixels),
        "psnr": metrics.psnr_pair(pair, decoded),
        "psnr_left": psnr_left,
        "psnr_right": psnr_right,
        "ms_ssim": metrics.ms_ssim_pair(pair, decoded),
        "encode_s": clocks[0].total,
        "decode_s": clocks[1].total,
        "bpp_left": bpp_left,
        "bpp_right": bpp_right,
    }
    return row | {key: clocks[way].seconds[stage] for key, (way, stage) in STAGE_KEYS.items()}, files


class Bench:
    """Coders that were warmed up on a corner of a pair, so that no row pays for the first call of a kernel."""

    def __init__(self, coders: dict[str, Coder], first: Picture) -> None:
        self.coders = coders
        self._read = lru_cache(maxsize=1)(Picture.read)  # tasks come pair by pair
        try:
            views = self._read(first).views()
        except (SnncodecError, OSError):  # gone since it was inspected; its rows will tell
            views = (np.full((WARM_UP_SIDE, WARM_UP_SIDE, 3), 128, np.uint8),) * 2
        left, right = (view[:WARM_UP_SIDE, :WARM_UP_SIDE].copy() for view in views)
        for coder in coders.values():
            coder.decode(coder.encode(StereoPair(left, right), coder.qualities[0]))

    def measure(self, task: Task) -> Measured | str:
        """The row of a task, or a sentence on why there can be none: disks fail, and formats have limits."""
        try:
            return measure(task.picture, self._read(task.picture), self.coders[task.coder], task.quality)
        except (SnncodecError, OSError) as error:
            return f"{task.coder} cannot measure {task.picture.label}: {error}"


def measure_all(
    tasks: list[Task], contest: Contest, coders: dict[str, Coder], jobs: int
) -> Iterator[tuple[Task, Measured | str]]:
    """Measure every task on one thread each, `jobs` at a time, and yield what `Bench.measure` returns as it comes."""
    if not tasks:
        return
    used = {task.coder for task in tasks}
    if jobs == 1:
        with one_thread():
            bench = Bench({name: coder for name, coder in coders.items() if name in used}, tasks[0].picture)
            for task in tasks:
                yield task, bench.measure(task)
        return
    pool = worker_pool(jobs, _start_worker, contest, sorted(used), tasks[0].picture)
    with pool:
        try:
            futures = {pool.submit(_measure_in_worker, task): task for task in tasks}
            for future in as_completed(futures):
                yield futures[future], _result(future)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _result(future: Future[Measured | str]) -> Measured | str:
    try:
        return future.result()
    except BrokenProcessPool:
        return "a process that measured has died, and nothing could be measured from then on; is there enough memory?"


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread, which makes the times of all codecs comparable."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


_bench: Bench | None = None  # of a worker process


def _start_worker(contest: Contest, names: list[str], first: Picture) -> None:
    global _bench
    import torch

    torch.set_num_threads(1)
    _bench = Bench(contest.enter(names), first)


def _measure_in_worker(task: Task) -> Measured | str:
    assert _bench is not None
    return _bench.measure(task)

"""The promise of a cluster: real Dask workers of this machine do the jobs, and do those of a worker that is killed."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from workflow_helpers import PlainJob

from snncodec.errors import InputError
from snncodec.workflow.executors import open_executor
from snncodec.workflow.run_jobs import run_jobs

pytest.importorskip("distributed")
HERE = str(Path(__file__).parent)


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler with two workers, each a process without a nanny that would start it again."""
    environment = os.environ | {"PYTHONPATH": f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    start = partial(
        subprocess.Popen, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    file, dask = tmp_path / "scheduler.json", [sys.executable, "-m", "distributed.cli"]
    scheduler = start(
        [*dask[:2], "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    )
    worker = [
        *dask[:2],
        "distributed.cli.dask_worker",
        "--scheduler-file",
        str(file),
        "--nthreads",
        "1",
        "--no-nanny",
        "--no-dashboard",
    ]
    workers = [start(worker) for _ in range(2)]
    try:
        yield address_in(file), workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def address_in(file, seconds=60):
    import json

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if file.exists() and (text := file.read_text()):
            return json.loads(text)["address"].removeprefix("tcp://")
        time.sleep(0.1)
    raise TimeoutError("no Dask scheduler started")


@pytest.mark.slow
def test_pairs_of_a_killed_worker_are_done_by_the_other(cluster, tmp_path):
    address, workers = cluster
    jobs = [PlainJob(f"job {n}", tmp_path / f"{n}.out", seconds=0.3) for n in range(16)]
    killed = []

    def kill_one(done, total, words):
        if done == 4:
            os.kill(workers[0].pid, signal.SIGKILL)
            killed.append(workers[0].pid)

    def executor():
        return open_executor(f"dask://{address}", 0)

    assert run_jobs(jobs, executor, kill_one) == []
    assert killed and all(job.target.read_text() for job in jobs)
    assert len({job.target.read_text() for job in jobs}) == 2  # both had a part in it
    assert not list(tmp_path.glob(".snncodec-*"))


@pytest.mark.slow
def test_a_scheduler_that_is_not_there_is_one_sentence(monkeypatch):
    with (
        pytest.raises(InputError, match=r"no Dask scheduler answers at 127\.0\.0\.1:1 "),
        open_executor("dask://127.0.0.1:1", 0),
    ):
        pass


def test_without_dask_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'snncodec\[cluster\]'"), open_executor("dask://x:1", 0):
        pass


def test_an_unknown_executor_is_refused():
    with (
        pytest.raises(InputError, match="no executor 'spark'; choose local or dask://HOST:PORT"),
        open_executor("spark", 1),
    ):
        pass

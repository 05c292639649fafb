"""Promises of worker_processes.py: a worker begins as it is told, and ends with the process that started it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from snncodec.worker_processes import worker_pool

PARENT = """
import os, time
from snncodec.worker_processes import worker_pool

if __name__ == "__main__":
    pool = worker_pool(2)
    busy, idle = pool.submit(os.getpid), pool.submit(os.getpid)
    print(busy.result(), idle.result(), flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""


def test_a_worker_begins_as_it_is_told():
    with worker_pool(1, os.putenv, "SNNCODEC_TEST", "1") as pool:
        assert pool.submit(subprocess.getoutput, "echo $SNNCODEC_TEST").result() == "1"


def lives(process):
    """Whether a process runs; one that has ended may wait for its parent to notice."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks processes up in /proc")
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    (tmp_path / "parent.py").write_text(PARENT)
    parent = subprocess.Popen([sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE, text=True)
    workers = parent.stdout.readline().split()
    assert len(workers) == 2 and all(map(lives, workers))
    parent.kill()
    parent.communicate()
    ends = time.monotonic() + 30
    while time.monotonic() < ends and any(map(lives, workers)):
        time.sleep(0.05)
    assert not any(map(lives, workers))

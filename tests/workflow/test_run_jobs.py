"""Promises of run_jobs: what can be done is done, once; what cannot be done is told; a process may die."""

from functools import partial

import pytest
from workflow_helpers import PlainJob

from snncodec.errors import InputError
from snncodec.workflow.executors import open_executor
from snncodec.workflow.run_jobs import check_jobs, run_jobs

local = partial(open_executor, "local", 2)


def jobs_in(folder, *orders):
    return [PlainJob(f"job {number}", folder / f"{number}.out", order) for number, order in enumerate(orders)]


@pytest.mark.slow
def test_failures_are_told_and_stop_nobody(tmp_path):
    seen = []
    jobs = jobs_in(tmp_path, "write", "refuse", "write", "trip", "write")
    told = []
    failures = run_jobs(
        jobs, local, lambda *words: seen.append(words), lambda job, words: told.append((job.name, words))
    )
    assert {f.job.name: f.reason for f in failures} == {"job 1": "job 1 is no picture", "job 3": "ZeroDivisionError"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.out", "2.out", "4.out"]
    assert sorted(told) == [(f"job {number}", f"job {number} is done") for number in (0, 2, 4)]
    assert seen[-1] == (5, 5, "5 of 5") and [done for done, _, _ in seen] == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_what_a_dead_process_leaves_is_done_by_another(tmp_path):
    jobs = jobs_in(tmp_path, "write", "die once", *["write"] * 6)
    assert run_jobs(jobs, local) == []
    assert all(job.target.read_text() for job in jobs)


@pytest.mark.slow
def test_a_job_that_always_kills_its_process_is_given_up(tmp_path):
    (failure,) = run_jobs(jobs_in(tmp_path, "die"), local)
    assert "its process died" in failure.reason


def test_no_jobs_need_no_processes():
    assert run_jobs([], local) == []


def test_what_exists_is_refused_unless_it_may_be_skipped_or_replaced(tmp_path):
    jobs = jobs_in(tmp_path, "write", "write", "write")
    for job in jobs[:2]:
        job.target.touch()
    with pytest.raises(InputError, match=r"0\.out and 1 more exist already; pass --resume"):
        check_jobs(jobs, force=False, resume=False)
    assert check_jobs(jobs, force=True, resume=False) == jobs
    assert check_jobs(jobs, force=False, resume=True) == jobs[2:]


def test_two_jobs_of_one_target_are_refused(tmp_path):
    jobs = [PlainJob(name, tmp_path / "same.bin") for name in ("a", "b")]
    with pytest.raises(InputError, match=r"two of the inputs would be written to .*same\.bin"):
        check_jobs(jobs, force=True, resume=True)

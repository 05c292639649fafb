"""Promises of snncodec.stopwatch: all time counts once, for the innermost stage, and only while it is measured."""

import threading

import pytest

from snncodec import stopwatch
from snncodec.stopwatch import STAGES, Stopwatch, timed


@pytest.fixture
def wait(monkeypatch):
    """A function that lets seconds pass on the clock."""
    now = [0.0]
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def test_time_counts_for_the_innermost_stage_only(wait):
    search, warp = timed("search")(lambda: (wait(1), warp(), wait(2), warp())), timed("warp")(lambda: wait(10))
    clock = Stopwatch()
    with clock.measure():
        wait(100)
        search()
        warp()
    assert clock.seconds == dict.fromkeys(STAGES, 0.0) | {"search": 3.0, "warp": 30.0, "rest": 100.0}
    assert clock.total == 133.0


def test_a_function_that_fails_has_taken_its_time_too(wait):
    @timed("network")
    def fail():
        wait(5)
        raise ValueError

    clock = Stopwatch()
    with clock.measure(), pytest.raises(ValueError):
        fail()
    assert clock.seconds["network"] == 5.0 and clock.seconds["rest"] == 0.0


def test_what_nobody_measures_is_not_counted(wait):
    clock, warp = Stopwatch(), timed("warp")(lambda seconds: wait(seconds))
    warp(1)
    with clock.measure():
        warp(2)
        thread = threading.Thread(target=warp, args=(4,))  # another thread is another work
        thread.start()
        thread.join()
    warp(8)
    assert clock.seconds["warp"] == 2.0


def test_a_marked_function_keeps_name_arguments_and_result():
    @timed("rest")
    def double(x, *, times=2):
        """Doubles."""
        return x * times

    assert double(3, times=3) == 9 and double.__name__ == "double" and double.__doc__ == "Doubles."

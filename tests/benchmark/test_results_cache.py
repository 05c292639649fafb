"""Promises of snncodec.benchmark.results_cache: what was written down is found again, whatever happened in between."""

import pytest

from snncodec.benchmark.results_cache import ResultsCache, default_folder, key_of

ROW = {"scene": "alley", "psnr": float("inf"), "ms_ssim": None}


@pytest.fixture
def notes():
    return []


def test_rows_and_files_are_found_by_the_next_run(tmp_path, notes):
    ResultsCache(tmp_path / "new", notes.append).add("key", ROW, (b"file",))
    cache = ResultsCache(tmp_path / "new", notes.append)
    assert cache.row("key") == ROW and cache.file("key") == b"file"
    assert cache.row("other") is None and cache.file("other") is None
    assert not notes


@pytest.mark.parametrize("end", [b'{"key": "k', b"\xff\x00", b"[]\n", b'{"key": 1}\n', b"\n\n"])
def test_a_line_that_was_cut_off_costs_that_row_only(tmp_path, notes, end):
    ResultsCache(tmp_path, notes.append).add("first", ROW)
    with open(tmp_path / "rows.jsonl", "ab") as lines:
        lines.write(end)
    ResultsCache(tmp_path, notes.append).add("second", ROW)
    cache = ResultsCache(tmp_path, notes.append)
    assert cache.row("first") == cache.row("second") == ROW


def test_two_runs_may_write_at_once(tmp_path, notes):
    one, other = (ResultsCache(tmp_path, notes.append) for _ in range(2))
    for number in range(20):
        one.add(f"one {number}", ROW)
        other.add(f"other {number}", ROW)
    cache = ResultsCache(tmp_path, notes.append)
    assert all(cache.row(f"{name} {number}") == ROW for name in ("one", "other") for number in range(20))


def test_a_folder_that_cannot_be_used_is_told_once_and_rows_live_on_in_memory(tmp_path, notes):
    (tmp_path / "file").write_bytes(b"")
    cache = ResultsCache(tmp_path / "file" / "folder", notes.append)
    cache.add("key", ROW, (b"file",))
    assert cache.row("key") == ROW and len(notes) == 1 and "not kept" in notes[0]


def test_a_disk_that_fills_up_is_told_once_and_measuring_goes_on(tmp_path, notes):
    cache = ResultsCache(tmp_path, notes.append)
    (tmp_path / "rows.jsonl").unlink()
    (tmp_path / "rows.jsonl").symlink_to("/dev/full")
    for key in ("one", "two"):
        cache.add(key, ROW)
    assert cache.row("one") == cache.row("two") == ROW and len(notes) == 1


def test_the_folder_is_the_users_own_choice_first(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("SNNCODEC_CACHE", raising=False)
    assert default_folder() == tmp_path / "snncodec" / "bench"
    monkeypatch.setenv("SNNCODEC_CACHE", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine"


def test_keys_differ_with_every_part():
    assert len({key_of("a", 1), key_of("a", 2), key_of("a", "1"), key_of(["a", 1]), key_of("a1")}) == 5

"""Promises of snncodec.io.files: whole files or none, nothing overwritten unasked."""

import os
import stat
import threading

import pytest

from snncodec.errors import InputError, LimitError
from snncodec.io import files
from snncodec.io.files import open_seekable, read_whole, same_file, write_bytes, write_files


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def text(content):
    return lambda file: file.write(content)


def fail(file):
    file.write(b"half")
    raise OSError(28, "No space left on device")


def test_bytes_arrive_under_the_given_name_only(tmp_path):
    write_bytes(tmp_path / "out.bin", b"data")
    assert (tmp_path / "out.bin").read_bytes() == b"data" and names(tmp_path) == ["out.bin"]


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes")
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_a_file_that_is_replaced_hands_on_its_mode(tmp_path, mode):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"old")
        (tmp_path / name).chmod(mode)
    write_files({tmp_path / "a": text(b"new"), tmp_path / "b": text(b"new")}, force=True)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "b")] == [mode] * 2


@pytest.mark.skipif(os.name != "posix", reason="folders cannot be opened")
def test_content_is_on_the_disk_before_its_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    done, sync, rename = [], os.fsync, os.replace
    monkeypatch.setattr(files.os, "fsync", lambda f: done.append(stat.S_ISDIR(os.fstat(f).st_mode)) or sync(f))
    monkeypatch.setattr(files.os, "replace", lambda *names: done.append("rename") or rename(*names))
    write_bytes(tmp_path / "out.bin", b"data")
    assert done == [False, "rename", True]


def test_existing_file_is_kept_without_force(tmp_path):
    (tmp_path / "out.bin").write_bytes(b"old")
    with pytest.raises(InputError, match=r"out\.bin exists already; pass -f"):
        write_bytes(tmp_path / "out.bin", b"new")
    assert (tmp_path / "out.bin").read_bytes() == b"old" and names(tmp_path) == ["out.bin"]


def test_force_overwrites(tmp_path):
    for content in (b"old", b"new"):
        write_files({tmp_path / "a": text(content), tmp_path / "b": text(content)}, force=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"new" and names(tmp_path) == ["a", "b"]


def test_one_existing_target_stops_all(tmp_path):
    (tmp_path / "b").write_bytes(b"old")
    with pytest.raises(InputError, match="b exists already"):
        write_files({tmp_path / "a": text(b"1"), tmp_path / "b": text(b"2")})
    assert names(tmp_path) == ["b"]


@pytest.mark.parametrize("force", [False, True])
def test_failed_write_leaves_nothing_behind(tmp_path, force):
    if force:
        (tmp_path / "a").write_bytes(b"old")
    before = names(tmp_path)
    with pytest.raises(InputError, match=r"cannot write .*b: No space left on device"):
        write_files({tmp_path / "a": text(b"new"), tmp_path / "b": fail}, force)
    assert names(tmp_path) == before and (not force or (tmp_path / "a").read_bytes() == b"old")


def test_writer_that_raises_something_else_leaves_nothing_behind(tmp_path):
    def interrupted(file):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_files({tmp_path / "a": text(b"1"), tmp_path / "b": interrupted})
    assert names(tmp_path) == []


@pytest.mark.parametrize("old", [None, b"old"])
def test_failed_second_rename_undoes_the_first(tmp_path, monkeypatch, old):
    if old:
        (tmp_path / "a").write_bytes(old)
    before, replace = names(tmp_path), os.replace

    def refuse_b(source, target):
        if target.name == "b":
            raise PermissionError(1, "Operation not permitted")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", refuse_b)
    with pytest.raises(InputError, match="Operation not permitted"):
        write_files({tmp_path / "a": text(b"new"), tmp_path / "b": text(b"new")}, force=True)
    assert names(tmp_path) == before and (old is None or (tmp_path / "a").read_bytes() == old)


def test_new_files_get_the_usual_permissions(tmp_path):
    write_bytes(tmp_path / "ours", b"")
    (tmp_path / "usual").write_bytes(b"")
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE((tmp_path / "usual").stat().st_mode)


def test_link_is_followed_not_replaced(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_bytes(tmp_path / "link", b"new", force=True)
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is a folder"),
        ("no/such/out.bin", "there is no folder"),
        ("a\0b", "leads nowhere"),
        ("f/x", "is no folder"),
    ],
)
def test_unusable_target_is_refused_in_one_sentence(tmp_path, name, reason):
    with pytest.raises(InputError, match=reason):
        write_bytes(tmp_path / name, b"", force=True)


def test_device_is_never_replaced():
    with pytest.raises(InputError, match="not a regular file"):
        write_bytes(os.devnull, b"", force=True)


def test_two_names_of_one_file_are_refused(tmp_path):
    (tmp_path / "sub").mkdir()
    with pytest.raises(InputError, match="are one file"):
        write_files({tmp_path / "a": text(b"1"), tmp_path / "sub/../a": text(b"2")})


def test_what_comes_through_a_pipe_can_be_read_in_any_order(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"0123456789",))
    writer.start()
    with open_seekable(tmp_path / "pipe") as file:
        assert (file.seek(8), file.read(), file.seek(0), file.read(2)) == (8, b"89", 0, b"01")
    writer.join()


def test_what_never_ends_is_refused(monkeypatch):
    monkeypatch.setattr(files, "MAX_WHOLE_BYTES", 1000)
    with open("/dev/zero", "rb") as endless, pytest.raises(LimitError, match="/dev/zero has more than 1,000 bytes"):
        read_whole(endless, "/dev/zero")


def test_one_file_is_found_under_all_its_names(tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    (tmp_path / "link").symlink_to("a")
    assert same_file(tmp_path / "a", tmp_path / "link") and same_file(tmp_path / "none", tmp_path / "none")
    assert not same_file(tmp_path / "a", tmp_path / "b") and not same_file(tmp_path / "a", tmp_path / "none")

"""Promises of snncodec.training.pictures: every picture below the folders is found once, and pairs are told apart."""

import numpy as np
import pytest
from conftest import synthetic_pair
from training_helpers import write_pair, write_picture

from snncodec.errors import InputError
from snncodec.training.pictures import find_pictures, find_stereo, load_folders, load_pictures


def test_pictures_are_found_in_a_fixed_order_below_all_folders(tmp_path):
    picture = synthetic_pair(8, 9)[0]
    names = ["b/2.PNG", "b/10.jpg", "a/deep/x.webp"]
    files = [write_picture(tmp_path / name, picture) for name in names]
    (tmp_path / "a/notes.txt").write_text("no picture")
    assert find_pictures([tmp_path]) == sorted(files) == find_pictures([tmp_path / "b", tmp_path / "a", tmp_path])
    assert [p.shape for p in load_pictures(files).values()] == [(8, 9, 3)] * 3


def test_folders_without_pictures_are_an_input_error(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError, match=r"no pictures|cannot read the folder"):
            find_pictures([folder])


def test_junk_that_macos_leaves_is_no_picture(tmp_path):
    good = write_picture(tmp_path / "x.png", synthetic_pair(8, 9)[0])
    (tmp_path / "._x.png").write_bytes(b"resource fork")
    assert find_pictures([tmp_path]) == [good]


def test_every_stereo_pair_is_among_the_pictures_also_behind_links(tmp_path):
    for number in range(2):
        write_pair(tmp_path / f"disk/{number}", synthetic_pair(20, 30, number))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/linked").symlink_to(tmp_path / "disk")
    for folder in ("disk", "data"):
        scenes, pictures = find_stereo([tmp_path / folder]), find_pictures([tmp_path / folder])
        assert len(scenes) == 2 and {view for scene in scenes for view in (scene.left, scene.right)} <= set(pictures)


def test_folders_without_pairs_are_no_error(tmp_path):
    write_picture(tmp_path / "photo.png", synthetic_pair(8, 9)[0])
    assert find_stereo([tmp_path]) == []


def test_a_bad_table_of_pairs_is_said_and_not_passed_over(tmp_path):
    (tmp_path / "pairs.csv").write_text("gone.png,lost.png\n")
    with pytest.raises(InputError, match="line 1"):
        find_stereo([tmp_path])


def test_views_of_pairs_are_pictures_as_well(tmp_path):
    views = synthetic_pair(20, 30)
    write_pair(tmp_path / "scene", views)
    write_picture(tmp_path / "single.png", synthetic_pair(9, 8)[0])
    pictures, pairs = load_folders([tmp_path], pytest.fail)
    assert len(pictures) == 3 and len(pairs) == 1
    assert all(np.array_equal(found, view) for found, view in zip(pairs[0], views, strict=True))


def test_pairs_of_unequal_views_serve_as_single_pictures_and_that_is_said(tmp_path):
    left, right = synthetic_pair(20, 30)
    write_pair(tmp_path / "scene", (left, right[:19]))
    lines = []
    pictures, pairs = load_folders([tmp_path], lines.append)
    assert len(pictures) == 2 and not pairs
    assert lines == ["1 pairs have views of different sizes; they serve as single pictures only"]


def test_progress_counts_every_picture(tmp_path):
    write_pair(tmp_path, synthetic_pair(8, 9))
    calls = []
    load_folders([tmp_path], pytest.fail, lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]


def test_one_bad_picture_is_left_out_with_a_note_or_refused(tmp_path):
    for number in range(3):
        write_pair(tmp_path / str(number), synthetic_pair(20, 30, number))
    (tmp_path / "1" / "right.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    notes = []
    pictures, pairs = load_folders([tmp_path], notes.append)
    assert (len(pictures), len(pairs), len(notes)) == (5, 2, 1) and "right.png" in notes[0]
    with pytest.raises(InputError, match=r"right\.png"):
        load_folders([tmp_path], notes.append, strict=True)


def test_pictures_of_which_none_can_be_read_are_an_input_error(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="none of 1"):
        load_folders([tmp_path], lambda line: None)

"""Promises of snncodec.cli.terminal: talk and bars go to stderr, and only where somebody watches."""

import sys

from snncodec.cli.terminal import progress_bar, say


def test_talk_is_a_line_on_stderr(capsys):
    say("one line")
    assert capsys.readouterr() == ("", "one line\n")


def test_a_bar_is_drawn_only_for_a_terminal(monkeypatch, capsys):
    with progress_bar("coding", quiet=False) as nobody_watches:
        assert nobody_watches is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress_bar("coding", quiet=True) as quiet:
        assert quiet is None
    with progress_bar("coding", quiet=False) as progress:
        progress(1, 2)
    drawn = capsys.readouterr()
    assert "coding" in drawn.err
    assert drawn.out == ""

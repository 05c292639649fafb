"""How the command line speaks: talk, progress and errors come in, lines on stderr and an exit status go out.

The exit status is 0, 1 after one sentence about what went wrong, 2 (Typer's own) for wrong usage, 130 after Ctrl-C.
Data for stdout does not pass through here.
"""

import errno
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

from snncodec.errors import SnncodecError

OF_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EBADF}  # errors that reading has not


def say(line: str) -> None:
    """Print one line on stderr; where it cannot be written, nobody is there to hear it."""
    try:
        typer.echo(line, err=True)
    except OSError:
        discard(sys.stderr)


@contextmanager
def progress_bar(title: str, quiet: bool) -> Iterator[Callable[..., None] | None]:
    """Yield a callback `(done, total, words="")` that moves a bar on stderr, with the words before it and the time that
    is left behind it; or None where nobody is there to watch one."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def move(done: int, total: int, words: str = "") -> None:
            bar.update(task, completed=done, total=total, description=f"{title} {words}".strip())

        yield move


def open_streams() -> None:
    """Open what a command was started without, before a file of it takes that number: talk goes to nowhere, and
    whatever is written to stdout fails."""
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


@contextmanager
def own_stderr() -> Iterator[None]:
    """Let only Python write to stderr: what libtiff and its like print about a file is an error, or a note, of ours.

    Nothing changes where stderr is no file, and where Python was asked for warnings (-W).
    """
    try:
        python_only = sys.stderr.fileno() == 2 and not sys.warnoptions
        copy = os.dup(2) if python_only else -1
    except (OSError, ValueError, AttributeError):
        python_only = False
    if not python_only:
        yield
        return
    before = sys.stderr
    discard(before)
    sys.stderr = os.fdopen(copy, "w", buffering=1, encoding=before.encoding)
    try:
        yield
    finally:
        os.dup2(copy, 2)
        sys.stderr, _ = before, sys.stderr.close()


def check_current_folder() -> None:
    """Exit where there is none any more, with which a library of torch would end the process without a word."""
    try:
        os.getcwd()
    except OSError as error:
        say(f"snncodec: the current folder cannot be used ({error.strerror}); change to another one")
        sys.exit(1)


def prepare_console() -> None:
    """Let names that a console cannot print appear with backslashes, and libraries keep their warnings to themselves.

    What matters of what Pillow and torch warn about is a note or an error of ours.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):  # no stream, another kind of stream, or one that is closed
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if not sys.warnoptions:  # python -W asks for them
        warnings.simplefilter("ignore")
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")


def discard(stream: TextIO) -> None:
    """Send what a stream still holds to nowhere: it cannot be written, and must not be tried again as Python ends."""
    with suppress(OSError, ValueError, AttributeError):  # a stream without a file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class ErrorReportingGroup(TyperGroup):
    """The commands, with every foreseen failure turned into one sentence and an exit status."""

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            open_streams()
            check_current_folder()
            with own_stderr(), warnings.catch_warnings():
                prepare_console()
                try:
                    return super().main(*args, **options)
                finally:
                    sys.stdout.flush()  # a full disk has to show while errors still have a sentence
        except KeyboardInterrupt:
            say("snncodec: interrupted")
            sys.exit(130)
        except BrokenPipeError:
            discard(sys.stdout)
            sys.exit(1)
        except OSError as error:
            discard(sys.stdout)
            say(f"snncodec: cannot write the output: {error.strerror or error}")
            sys.exit(1)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever reads our output has seen enough; Typer ends quietly
            raise
        except KeyboardInterrupt as error:  # a run that was interrupted says how to go on
            say("; ".join(["snncodec: interrupted", *map(str, error.args)]))
            raise typer.Exit(130) from None
        except OSError as error:
            if error.filename is None and error.errno in OF_WRITING:
                raise  # of stdout; `main` knows what is to be done about it
            sentence = ": ".join(str(part) for part in (error.filename, error.strerror) if part) or str(error)
        except SnncodecError as error:
            sentence = str(error)
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and "allocate memory" not in str(error):  # as torch puts it
                raise
            sentence = "there is not enough memory for this"
        say("snncodec: " + " ".join(sentence.split()))  # one line, whatever a file name holds
        raise typer.Exit(1)

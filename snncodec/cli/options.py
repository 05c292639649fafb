"""What several commands share: options, and what is asked before the work starts."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from snncodec.constants import EFFORTS
from snncodec.errors import InputError
from snncodec.io.files import check_target, same_file, write_bytes

Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where the networks run.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite what exists.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing on stderr but errors.")]
Weights = Annotated[str, typer.Option(metavar="NAME|FILE", help="Shipped weights by name, or a file of your own.")]
Independent = Annotated[bool, typer.Option("--independent", help="Code the right view without the left one.")]
Effort = Annotated[int, typer.Option(min=1, max=EFFORTS, help="1 is fastest, 9 makes the smallest files.")]
CodedFile = Annotated[
    Path, typer.Argument(readable=False, metavar="OUT.bin|-", help="File written by encode; - is stdin.")
]
STREAM = Path("-")  # standard input or output


def check_targets(paths: list[Path], force: bool, inputs: Sequence[Path] = ()) -> None:
    """Refuse before the work what `files.write_files` would refuse after it, and to replace an input: `InputError`."""
    for path in paths:
        if any(same_file(path, given) for given in inputs):
            raise InputError(f"{path} is what is to be read; choose another output name")
    if len({check_target(path, force) for path in paths}) < len(paths):
        raise InputError(f"{paths[0]} is named twice; give each output a name of its own")


def read_coded(file: Path) -> bytes:
    """The bytes of a file that starts like one of ours."""
    from snncodec.bitstream import container

    if file == STREAM:
        return container.read(sys.stdin.buffer)
    with open(file, "rb") as stream:
        return container.read(stream)


def check_stdout() -> None:
    """Refuse before the work to write data to a terminal: `InputError`."""
    if sys.stdout.isatty():
        raise InputError("stdout is a terminal, which cannot show this; pipe it into a program or a file")


def write_stdout(data: bytes) -> None:
    """Write data, not talk, to stdout."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def check_output(target: Path, force: bool, inputs: Sequence[Path]) -> None:
    """`check_targets` for one file, which may be stdout."""
    if target == STREAM:
        check_stdout()
    else:
        check_targets([target], force, inputs)


def write_output(target: Path, data: bytes, force: bool) -> None:
    """Write one file, which may be stdout."""
    if target == STREAM:
        write_stdout(data)
    else:
        write_bytes(target, data, force)


def split_names(text: str) -> tuple[str, ...]:
    """The names of a list with commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())

"""`snncodec decode`: one file -> its pictures; a folder of files -> a folder of pictures."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snncodec.cli.many_files import Batch, Executor, Format, Jobs, Layout, Resume, decode_jobs, output_folder
from snncodec.cli.options import STREAM, Device, Force, Quiet, check_stdout, check_targets, read_coded, write_stdout
from snncodec.cli.process import load_torch
from snncodec.cli.terminal import progress_bar, say
from snncodec.constants import MAX_PIXELS
from snncodec.errors import InputError
from snncodec.io.files import check_output_folder, made_folders
from snncodec.io.output_names import Content, Pictures, names_folder, picture_names, pictures_at

if TYPE_CHECKING:
    from snncodec.io.images import StereoPair

CodedFiles = Annotated[
    Path,
    typer.Argument(
        readable=False, metavar="OUT.bin|DIR|-", help="File written by encode, or a folder of such; - is stdin."
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR/|NAME[.EXT]|-",
        help="By extension: .png, .tif (lossless), .jpg, .webp, .avif (quality 95); both in one: .mpo, .jps, .pns. "
        "- is stdout. Default: OUT_left.png, OUT_right.png beside OUT.bin.",
    ),
]
SideBySide = Annotated[bool, typer.Option("--sbs", help="Write both views as one picture, the left one on the left.")]
Partial = Annotated[bool, typer.Option("--partial", help="Of a damaged file: write the views that are sound.")]
Anaglyph = Annotated[bool, typer.Option("--anaglyph", help="Write one picture for red-cyan glasses (Dubois).")]


def decode(
    file: CodedFiles,
    output: Output = None,
    left_only: Annotated[bool, typer.Option("--left-only", help="Decode the left view alone.")] = False,
    side_by_side: SideBySide = False,
    anaglyph: Anaglyph = False,
    partial: Partial = False,
    weights: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Needed if the file was not coded with shipped weights.")
    ] = None,
    max_pixels: Annotated[int, typer.Option(min=1, help="Refuse larger views.")] = MAX_PIXELS,
    device: Device = "auto",
    layout: Layout = "names",
    suffix: Format = "png",
    jobs: Jobs = None,
    executor: Executor = "local",
    resume: Resume = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Restore the pictures of a file, or those of every file in a folder.

    A damaged file is refused; with --partial its sound views are written, what is lost is told, and the exit status
    is 0 if there is at least one view.

    snncodec decode pair.bin -o pictures/

    snncodec decode coded/ -o KITTI/ --layout kitti
    """
    content, suffix = _content(left_only, side_by_side, anaglyph), suffix.removeprefix(".")
    if partial and (content != "views" or file.is_dir() or output == str(STREAM)):
        raise InputError("--partial writes the views of one file, each to a file of its own")
    how: dict[str, Any] = {"weights": weights, "device": device, "max_pixels": max_pixels}
    if file.is_dir():
        work = decode_jobs(file, output_folder(output, file), layout, suffix, content, **how)
        Batch(jobs, executor, force, resume, quiet).run(work)
        return
    data = read_coded(file)
    pictures = _pictures(file, output, content, suffix)
    if partial and len(pictures.files) < 2:
        raise InputError(f"{pictures.files[0]} holds both views; --partial needs a file for each, such as .png")
    folder = pictures.files[0].parent
    new_folder = names_folder(output) and not folder.exists()
    if new_folder:
        check_output_folder(folder)
    elif output != str(STREAM):
        check_targets(list(pictures.files), force, inputs=[file, *([Path(weights)] if weights else [])])
    load_torch()
    from snncodec import codec

    with progress_bar("decoding", quiet) as progress:
        if partial:
            pair, pictures = _sound(data, pictures, quiet, **how, progress=progress)
        else:
            pair = codec.decode(data, left_only, **how, progress=progress)
    from snncodec.io.pair_outputs import picture_bytes, write_pair

    if output == str(STREAM):
        write_stdout(picture_bytes(pair, pictures))
    else:
        with made_folders(folder) if new_folder else nullcontext():
            write_pair(pair, pictures, force)
    if not quiet:
        height, width, _ = pair.left.shape
        say(f"{output if output == '-' else ', '.join(map(str, pictures.files))}: {width}x{height}")


def _sound(data: bytes, pictures: Pictures, quiet: bool, **how: Any) -> tuple[StereoPair, Pictures]:
    """The sound views of a file, and where they go; what is lost is told."""
    from snncodec.io.images import StereoPair
    from snncodec.workflow.partial import decode_sound_parts

    parts = decode_sound_parts(data, **how)
    for loss in [] if quiet else parts.losses:
        say(f"note: {loss}")
    if len(parts.views) == 2:
        return StereoPair(**parts.views, icc=parts.icc, exif=parts.exif), pictures
    files = dict(zip(("left", "right"), pictures.files, strict=True))
    [(name, view)] = parts.views.items()  # one picture, whichever view it shows
    return StereoPair(view, None, parts.icc, parts.exif), Pictures("left", (files[name],))


def _content(left_only: bool, side_by_side: bool, anaglyph: bool) -> Content:
    if left_only + side_by_side + anaglyph > 1:
        raise InputError("--left-only, --sbs and --anaglyph exclude each other; give one of them")
    return "left" if left_only else "sbs" if side_by_side else "anaglyph" if anaglyph else "views"


def _pictures(file: Path, output: str | None, content: Content, suffix: str) -> Pictures:
    if output != str(STREAM):
        return picture_names(file, output, content, suffix)
    if content == "views":
        raise InputError("stdout takes one picture; add --sbs, --anaglyph or --left-only")
    check_stdout()
    return Pictures(content, pictures_at(Path("stdout"), content, suffix).files)

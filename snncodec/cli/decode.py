"""`snncodec decode`: one file -> its pictures; a folder of files -> a folder of pictures."""

from pathlib import Path
from typing import Annotated

import typer

from snncodec.cli.many_files import Batch, Executor, Jobs, Layout, Resume, decode_jobs, output_folder
from snncodec.cli.options import STREAM, Device, Force, Quiet, check_stdout, check_targets, read_coded, write_stdout
from snncodec.cli.process import load_torch
from snncodec.cli.terminal import progress_bar, say
from snncodec.constants import MAX_PIXELS
from snncodec.errors import InputError
from snncodec.io.output_names import Content, Pictures, names_folder, picture_names

CodedFiles = Annotated[
    Path, typer.Argument(metavar="OUT.bin|DIR|-", help="File written by encode, or a folder of such; - is stdin.")
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
Anaglyph = Annotated[bool, typer.Option("--anaglyph", help="Write one picture for red-cyan glasses (Dubois).")]


def decode(
    file: CodedFiles,
    output: Output = None,
    left_only: Annotated[bool, typer.Option("--left-only", help="Decode the left view alone.")] = False,
    side_by_side: SideBySide = False,
    anaglyph: Anaglyph = False,
    weights: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Needed if the file was not coded with shipped weights.")
    ] = None,
    max_pixels: Annotated[int, typer.Option(min=1, help="Refuse larger views.")] = MAX_PIXELS,
    device: Device = "auto",
    layout: Layout = "names",
    jobs: Jobs = None,
    executor: Executor = "local",
    resume: Resume = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Restore the pictures of a file, or those of every file in a folder.

    snncodec decode pair.bin -o pictures/

    snncodec decode coded/ -o KITTI/ --layout kitti
    """
    if file.is_dir():
        how = {"weights": weights, "device": device, "max_pixels": max_pixels}
        if side_by_side or anaglyph:
            raise InputError("--sbs and --anaglyph are for one file; a folder of files becomes single views")
        work = decode_jobs(file, output_folder(output, file), layout, left_only, **how)
        Batch(jobs, executor, force, resume, quiet).run(work)
        return
    content = _content(left_only, side_by_side, anaglyph)
    data = read_coded(file)
    pictures = _pictures(file, output, content)
    folder = pictures.files[0].parent
    new_folder = names_folder(output) and not folder.exists()
    if output != str(STREAM) and not new_folder:
        check_targets(list(pictures.files), force, inputs=[file])
    load_torch()
    from snncodec import codec

    with progress_bar("decoding", quiet) as progress:
        pair = codec.decode(data, left_only, weights=weights, device=device, max_pixels=max_pixels, progress=progress)
    from snncodec.io.pair_outputs import picture_bytes, write_pair

    if output == str(STREAM):
        write_stdout(picture_bytes(pair, pictures))
    else:
        if new_folder:  # made as late as this, so that a file that cannot be decoded leaves none behind
            folder.mkdir(parents=True)
        write_pair(pair, pictures, force)
    if not quiet:
        height, width, _ = pair.left.shape
        say(f"{output if output == '-' else ', '.join(map(str, pictures.files))}: {width}x{height}")


def _content(left_only: bool, side_by_side: bool, anaglyph: bool) -> Content:
    if left_only + side_by_side + anaglyph > 1:
        raise InputError("--left-only, --sbs and --anaglyph exclude each other; give one of them")
    return "left" if left_only else "sbs" if side_by_side else "anaglyph" if anaglyph else "views"


def _pictures(file: Path, output: str | None, content: Content) -> Pictures:
    if output != str(STREAM):
        return picture_names(file, output, content)
    if content == "views":
        raise InputError("stdout takes one picture; add --sbs, --anaglyph or --left-only")
    check_stdout()
    return Pictures(content, (Path("stdout.png"),))

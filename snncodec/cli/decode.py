"""`snncodec decode`: one file -> its pictures as PNG; a folder of files -> a folder of pictures."""

import os
from pathlib import Path
from typing import Annotated

import typer

from snncodec.cli.many_files import Batch, Executor, Jobs, Layout, Resume, decode_jobs, output_folder
from snncodec.cli.options import Device, Force, Quiet, check_targets, read_coded
from snncodec.cli.process import load_torch
from snncodec.cli.terminal import progress_bar, say
from snncodec.constants import MAX_PIXELS


def decode(
    file: Annotated[Path, typer.Argument(metavar="OUT.bin|DIR", help="File written by encode, or a folder of such.")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="DIR|PREFIX", help="Default: OUT_left.png, OUT_right.png beside OUT.bin."
        ),
    ] = None,
    left_only: Annotated[bool, typer.Option("--left-only", help="Decode the left view alone.")] = False,
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
    """Restore the pictures of a file as PNG, or those of every file in a folder.

    snncodec decode pair.bin -o pictures/

    snncodec decode coded/ -o KITTI/ --layout kitti
    """
    if file.is_dir():
        how = {"weights": weights, "device": device, "max_pixels": max_pixels}
        work = decode_jobs(file, output_folder(output, file), layout, left_only, **how)
        Batch(jobs, executor, force, resume, quiet).run(work)
        return
    data = read_coded(file)
    prefix = _decode_prefix(file, output)
    targets = [prefix.with_name(f"{prefix.name}_{view}.png") for view in ("left", "right")][: 1 if left_only else 2]
    new_folder = _names_folder(output) and not prefix.parent.exists()
    if not new_folder:
        check_targets(targets, force)
    load_torch()
    from snncodec import codec
    from snncodec.io.images import write_images

    with progress_bar("decoding", quiet) as progress:
        pair = codec.decode(data, left_only, weights=weights, device=device, max_pixels=max_pixels, progress=progress)
    if new_folder:  # made as late as this, so that a file that cannot be decoded leaves none behind
        prefix.parent.mkdir(parents=True)
    views = (pair.left,) if left_only else pair.views()
    write_images(dict(zip(targets, views, strict=True)), pair.icc, force)
    if not quiet:
        height, width, _ = pair.left.shape
        say(f"{', '.join(map(str, targets))}: {width}x{height}")


def _names_folder(output: str | None) -> bool:
    if not output:
        return False
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def _decode_prefix(file: Path, output: str | None) -> Path:
    """Return the path that _left.png and _right.png are appended to."""
    if not output:
        return file.with_name(file.stem)
    return Path(output, file.stem) if _names_folder(output) else Path(output)

"""`snncodec encode`: two pictures, or one file that holds both -> one file."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snncodec.cli.options import Device, Effort, Force, Independent, Quiet, Weights, check_output, write_output
from snncodec.cli.process import keep_freed_memory, load_torch
from snncodec.cli.terminal import progress_bar, say
from snncodec.constants import DEFAULT_EFFORT
from snncodec.errors import InputError
from snncodec.io.output_names import coded_name

if TYPE_CHECKING:
    from snncodec.io.images import StereoPair

Left = Annotated[
    Path,
    typer.Argument(help="Left view: PNG, JPEG, TIFF, WebP ..., or both views: .mpo, .jps, .pns, .heic; - is stdin."),
]
Right = Annotated[Path | None, typer.Argument(help="Right view, of the same size.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="OUT.bin|-", help="File to write; - is stdout. Default: beside the input."),
]
SideBySide = Annotated[bool, typer.Option("--sbs", help="LEFT holds both views, the left eye's in its left half.")]
Swap = Annotated[bool, typer.Option("--swap", help="Exchange the views: for crossed eyes.")]
Strip = Annotated[bool, typer.Option("--strip", help="Keep no date, camera and exposure (the colour profile stays).")]


def encode(
    left: Left,
    right: Right = None,
    output: Output = None,
    quality: Annotated[int, typer.Option("--quality", "-q", min=1, max=100, help="Higher is better.")] = 50,
    side_by_side: SideBySide = False,
    swap: Swap = False,
    strip: Strip = False,
    weights: Weights = "base",
    independent: Independent = False,
    effort: Effort = DEFAULT_EFFORT,
    device: Device = "auto",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Compress a pair of pictures into one file.

    Both views may stand in one file: an MPO, a JPS or PNS, a spatial photo, or a picture with --sbs.
    """
    target = output or coded_name(left, right)
    check_output(target, force, inputs=[path for path in (left, right) if path])
    load_torch()
    from snncodec.benchmark.metrics import bpp
    from snncodec.codec import Codec

    pair = _read(left, right, side_by_side, swap, quiet)
    pair = replace(pair, exif=None) if strip else pair
    keep_freed_memory(pair.left.size // 3)
    with progress_bar("encoding", quiet) as progress:
        code = partial(Codec(weights, device).encode, independent=independent, effort=effort, progress=progress)
        data = code(*pair.views(), quality, icc=pair.icc, exif=pair.exif)
    write_output(target, data, force)
    if not quiet:
        say(f"{target}: {len(data):,} bytes, {bpp(len(data), 2 * pair.left.size // 3):.3f} bpp")


def _read(left: Path, right: Path | None, side_by_side: bool, swap: bool, quiet: bool) -> "StereoPair":
    from snncodec.io.images import read_pair
    from snncodec.io.stereo_files import read_stereo_file, swapped

    note = None if quiet else say
    if right is None:
        pair = read_stereo_file(left, side_by_side=side_by_side, note=note)
    elif side_by_side:
        raise InputError("--sbs is for one picture that holds both views; give one file, or leave it out")
    else:
        pair = read_pair(left, right, note=note)
    return swapped(pair) if swap else pair

"""`snncodec encode`: two pictures -> one file."""

from pathlib import Path
from typing import Annotated

import typer

from snncodec.cli.options import Device, Effort, Force, Independent, Quiet, Weights, check_targets
from snncodec.cli.process import keep_freed_memory, load_torch
from snncodec.cli.terminal import progress_bar, say
from snncodec.constants import DEFAULT_EFFORT


def encode(
    left: Annotated[Path, typer.Argument(help="Left view: PNG, JPEG, TIFF, WebP ...")],
    right: Annotated[Path, typer.Argument(help="Right view, of the same size.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.bin", help="File to write.")],
    quality: Annotated[int, typer.Option("--quality", "-q", min=1, max=100, help="Higher is better.")] = 50,
    weights: Weights = "base",
    independent: Independent = False,
    effort: Effort = DEFAULT_EFFORT,
    device: Device = "auto",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Compress a pair of pictures into one file."""
    check_targets([output], force)
    load_torch()
    from snncodec.benchmark.metrics import bpp
    from snncodec.codec import Codec
    from snncodec.io.files import write_bytes
    from snncodec.io.images import read_pair

    pair = read_pair(left, right, note=None if quiet else say)
    keep_freed_memory(pair.left.size // 3)
    with progress_bar("encoding", quiet) as progress:
        codec = Codec(weights, device)
        data = codec.encode(
            *pair.views(), quality, independent=independent, effort=effort, icc=pair.icc, progress=progress
        )
    write_bytes(output, data, force)
    if not quiet:
        height, width, _ = pair.left.shape
        say(f"{output}: {len(data):,} bytes, {bpp(len(data), 2 * width * height):.3f} bpp")

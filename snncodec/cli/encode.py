"""`snncodec encode`: two pictures -> one file; a folder of pairs -> a folder of files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snncodec.cli.many_files import Batch, Executor, Jobs, Resume, encode_jobs, output_folder
from snncodec.cli.options import Device, Effort, Force, Independent, Quiet, Weights, check_targets
from snncodec.cli.process import keep_freed_memory, load_torch
from snncodec.cli.terminal import progress_bar, say
from snncodec.constants import DEFAULT_EFFORT
from snncodec.errors import InputError

if TYPE_CHECKING:
    from snncodec.workflow.targets import Target

DEFAULT_QUALITY = 50


def encode(
    left: Annotated[Path, typer.Argument(help="Left view: PNG, JPEG, TIFF, WebP ...; or a folder of pairs.")],
    right: Annotated[Path | None, typer.Argument(help="Right view, of the same size.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="OUT.bin|DIR", help="File or folder to write.")
    ] = None,
    quality: Annotated[
        int | None, typer.Option("--quality", "-q", min=1, max=100, help="Higher is better.  [default: 50]")
    ] = None,
    target_size: Annotated[int | None, typer.Option(metavar="BYTES", help="The best file of at most so many.")] = None,
    target_bpp: Annotated[float | None, typer.Option(metavar="X", help="The same in bits per pixel.")] = None,
    target_psnr: Annotated[float | None, typer.Option(metavar="DB", help="The smallest that reaches it.")] = None,
    weights: Weights = "base",
    independent: Independent = False,
    effort: Effort = DEFAULT_EFFORT,
    device: Device = "auto",
    jobs: Jobs = None,
    executor: Executor = "local",
    resume: Resume = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Compress a pair of pictures into one file, or every pair of a folder.

    snncodec encode left.png right.png -o pair.bin -q 30

    snncodec encode left.png right.png -o pair.bin --target-size 100000

    snncodec encode KITTI/training -o coded/ --jobs 4 --resume
    """
    wanted = _wanted(quality, {"size": target_size, "bpp": target_bpp, "psnr": target_psnr})
    options = {"independent": independent, "effort": effort}
    if left.is_dir() and right is None:
        folder = output_folder(output, left)
        work = encode_jobs(left, folder, say, quality=wanted, weights=weights, device=device, options=options)
        Batch(jobs, executor, force, resume, quiet).run(work)
        return
    if right is None or output is None:
        raise typer.BadParameter(f"give {'the right view' if right is None else 'a file to write'} as well")
    check_targets([output], force)
    load_torch()
    _encode_pair((left, right), output, wanted, (weights, device), options, force, quiet)


def _encode_pair(
    views: tuple[Path, Path],
    output: Path,
    wanted: int | Target,
    codec_options: tuple[str, str],
    options: dict[str, Any],
    force: bool,
    quiet: bool,
) -> None:
    from snncodec.benchmark.metrics import bpp
    from snncodec.codec import Codec
    from snncodec.io.files import write_bytes
    from snncodec.io.images import read_pair
    from snncodec.workflow.targets import encode_to_target

    pair = read_pair(*views, note=None if quiet else say)
    keep_freed_memory(pair.left.size // 3)
    with progress_bar("encoding", quiet) as progress:
        codec, words = Codec(*codec_options), ""
        if isinstance(wanted, int):
            data = codec.encode(*pair.views(), wanted, icc=pair.icc, exif=pair.exif, progress=progress, **options)
        else:
            met = encode_to_target(codec, pair, wanted, **options)
            data, words = met.data, f", quality {met.quality} for {wanted} ({met.reached:.6g})"
    write_bytes(output, data, force)
    if not quiet:
        height, width, _ = pair.left.shape
        say(f"{output}: {len(data):,} bytes, {bpp(len(data), 2 * width * height):.3f} bpp{words}")


def _wanted(quality: int | None, goals: dict[str, float | None]) -> int | Target:
    """The quality or the one target that was asked for; `InputError` for more than one."""
    from snncodec.workflow.targets import Target

    asked = [(kind, value) for kind, value in goals.items() if value is not None]
    if len(asked) + (quality is not None) > 1:
        raise InputError("give one of --quality, --target-size, --target-bpp and --target-psnr")
    return Target(*asked[0]) if asked else quality or DEFAULT_QUALITY  # type: ignore[arg-type]

"""`snncodec encode`: two pictures, or one file that holds both -> one file; a folder of pairs -> a folder of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snncodec.cli.encode_options import (
    Left,
    Output,
    Quality,
    Right,
    SideBySide,
    Strip,
    Swap,
    TargetBpp,
    TargetPsnr,
    TargetSize,
)
from snncodec.cli.many_files import Batch, Executor, Jobs, Resume, encode_jobs, output_folder
from snncodec.cli.options import Device, Effort, Force, Independent, Quiet, Weights, check_output, write_output
from snncodec.cli.process import keep_freed_memory, load_torch
from snncodec.cli.terminal import progress_bar, say
from snncodec.constants import DEFAULT_EFFORT
from snncodec.errors import InputError
from snncodec.io.output_names import PICTURES, STEREO, coded_name, suffix_of

if TYPE_CHECKING:
    from snncodec.io.images import StereoPair
    from snncodec.workflow.targets import Target

DEFAULT_QUALITY = 50


def encode(
    left: Left,
    right: Right = None,
    output: Output = None,
    quality: Quality = None,
    target_size: TargetSize = None,
    target_bpp: TargetBpp = None,
    target_psnr: TargetPsnr = None,
    side_by_side: SideBySide = False,
    swap: Swap = False,
    strip: Strip = False,
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

    Both views may stand in one file: an MPO, a JPS or PNS, a spatial photo, or a picture with --sbs.

    snncodec encode left.png right.png -o pair.bin -q 30

    snncodec encode photo.mpo --target-size 100000

    snncodec encode KITTI/training -o coded/ --jobs 4 --resume
    """
    wanted = _wanted(quality, {"size": target_size, "bpp": target_bpp, "psnr": target_psnr})
    options: dict[str, Any] = {"independent": independent, "effort": effort}
    if left.is_dir() and right is None:
        how = {"quality": wanted, "weights": weights, "device": device, "options": options}
        work = encode_jobs(
            left, output_folder(output, left), (lambda line: None) if quiet else say, swap=swap, strip=strip, **how
        )
        Batch(jobs, executor, force, resume, quiet).run(work)
        return
    target = output or coded_name(left, right)
    check_output(target, force, inputs=[path for path in (left, right, Path(weights)) if path])
    if suffix_of(target) in PICTURES + STEREO:
        raise InputError(f"{target} would be called a picture, which it is not; name it {target.with_suffix('.bin')}")
    load_torch()
    from snncodec.benchmark.metrics import bpp
    from snncodec.codec import Codec
    from snncodec.io.stereo_files import prepared

    pair = prepared(_read(left, right, side_by_side, None if quiet else say), swap, strip)
    keep_freed_memory(pair.left.size // 3)
    with progress_bar("encoding", quiet) as progress:
        data, words = _code(Codec(weights, device), pair, wanted, options | {"progress": progress})
    write_output(target, data, force)
    if not quiet:
        say(f"{target}: {len(data):,} bytes, {bpp(len(data), 2 * pair.left.size // 3):.3f} bpp{words}")


def _code(codec: Any, pair: StereoPair, wanted: int | Target, options: dict[str, Any]) -> tuple[bytes, str]:
    """The file, and what is to be said about how it met a target."""
    from snncodec.workflow.targets import encode_to_target

    if isinstance(wanted, int):
        return codec.encode(*pair.views(), wanted, icc=pair.icc, exif=pair.exif, **options), ""
    met = encode_to_target(codec, pair, wanted, **options)
    return met.data, f", quality {met.quality} for {wanted} ({met.reached:.6g})"


def _read(left: Path, right: Path | None, side_by_side: bool, note: Callable[[str], object] | None) -> StereoPair:
    from snncodec.io.images import read_pair
    from snncodec.io.stereo_files import read_stereo_file

    if right is None:
        return read_stereo_file(left, side_by_side=side_by_side, note=note)
    if side_by_side:
        raise InputError("--sbs is for one picture that holds both views; give one file, or leave it out")
    return read_pair(left, right, note=note)


def _wanted(quality: int | None, goals: dict[str, float | None]) -> int | Target:
    """The quality or the one target that was asked for; `InputError` for more than one."""
    from snncodec.workflow.targets import Target

    asked = [(kind, value) for kind, value in goals.items() if value is not None]
    if len(asked) + (quality is not None) > 1:
        raise InputError("give one of --quality, --target-size, --target-bpp and --target-psnr")
    return Target(*asked[0]) if asked else quality or DEFAULT_QUALITY  # type: ignore[arg-type]

"""The command line: options come in, one call into the package follows, data goes to stdout and talk to stderr.

Nothing is computed here, and whatever is heavy is imported inside the command that needs it.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from snncodec.config import MAX_PIXELS, STAGES, TrainOptions
from snncodec.errors import InputError
from snncodec.terminal import Polite, progress_bar, say

app = typer.Typer(
    name="snncodec",
    cls=Polite,
    help="Stereo image compression with spiking neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where the networks run.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite what exists.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing on stderr but errors.")]
Weights = Annotated[str, typer.Option(metavar="NAME|FILE", help="Shipped weights by name, or a file of your own.")]
Independent = Annotated[bool, typer.Option("--independent", help="Code the right view without the left one.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        from snncodec import __version__

        typer.echo(f"snncodec {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Stereo image compression with spiking neural networks."""


@app.command()
def encode(
    left: Annotated[Path, typer.Argument(help="Left view: PNG, JPEG, TIFF, WebP ...")],
    right: Annotated[Path, typer.Argument(help="Right view, of the same size.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.bin", help="File to write.")],
    quality: Annotated[int, typer.Option("--quality", "-q", min=1, max=100, help="Higher is better.")] = 50,
    weights: Weights = "base",
    independent: Independent = False,
    device: Device = "auto",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Compress a pair of pictures into one file."""
    _check_targets([output], force)
    _share_cores()
    from snncodec import codec, files, images, metrics

    pair = images.read_pair(left, right, note=None if quiet else say)
    options = {"weights": weights, "independent": independent, "device": device, "icc": pair.icc}
    with progress_bar("encoding", quiet) as progress:
        data = codec.encode(pair.left, pair.right, quality, **options, progress=progress)
    files.write_bytes(output, data, force)
    if not quiet:
        height, width, _ = pair.left.shape
        say(f"{output}: {len(data):,} bytes, {metrics.bpp(len(data), 2 * width * height):.3f} bpp")


@app.command()
def decode(
    file: Annotated[Path, typer.Argument(metavar="OUT.bin", help="File written by encode.")],
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
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Restore the pictures of a file as PNG."""
    data = _read(file)
    prefix = _decode_prefix(file, output)
    targets = [prefix.with_name(f"{prefix.name}_{view}.png") for view in ("left", "right")][: 1 if left_only else 2]
    new_folder = _names_folder(output) and not prefix.parent.exists()
    if not new_folder:
        _check_targets(targets, force)
    _share_cores()
    from snncodec import codec, images

    with progress_bar("decoding", quiet) as progress:
        limits = {"max_pixels": max_pixels, "device": device}
        pair = codec.decode(data, left_only, weights=weights, **limits, progress=progress)
    if new_folder:  # made as late as this, so that a file that cannot be decoded leaves none behind
        prefix.parent.mkdir(parents=True)
    images.write_images(dict(zip(targets, (pair.left, pair.right), strict=False)), pair.icc, force)
    if not quiet:
        height, width, _ = pair.left.shape
        say(f"{', '.join(map(str, targets))}: {width}x{height}")


@app.command()
def info(
    file: Annotated[Path, typer.Argument(metavar="OUT.bin", help="File written by encode.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a file says about itself, and which of its sections are sound."""
    data = _read(file)
    from snncodec.info import describe, inspect

    facts = {"file": str(file)} | inspect(data)
    typer.echo(json.dumps(facts, indent=1) if as_json else describe(facts))


@app.command()
def train(
    data: Annotated[list[Path], typer.Argument(help="Folders of pictures or stereo pairs to learn from.")],
    val: Annotated[Path | None, typer.Option(help="Folder of stereo pairs to validate on.")] = None,
    preset: Annotated[Literal["base", "tiny", "sketch"], typer.Option(help="Size of the model.")] = "base",
    neuron: Annotated[Literal["ilif", "lif", "relu"] | None, typer.Option(help="Replaces the preset's neuron.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="CKPT", help="Continue this run.")] = None,
    init: Annotated[str | None, typer.Option(metavar="WEIGHTS", help="Start a new run from these weights.")] = None,
    seed: Annotated[int, typer.Option(help="Start of all random numbers.")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="Length of the run in steps.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Length of the run in minutes.")] = None,
    crop: Annotated[int | None, typer.Option(min=32, help="Side of the training crops in pixels.")] = None,
    stages: Annotated[str, typer.Option(help="Stages to run, in order.")] = ",".join(STAGES),
    output: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Default: runs/ and the preset's name.")
    ] = None,
    device: Device = "auto",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Train weights on your own pictures."""
    folder = output or (resume.parent if resume else Path("runs", preset))
    continues = resume and folder.resolve() == resume.parent.resolve()
    lengths = {"steps": steps, "minutes": minutes, "crop": crop}
    choices = {"preset": preset, "neuron": neuron, "resume": resume, "init": init, "stages": _split(stages)}
    try:
        options = TrainOptions(data, val, **choices, **lengths, seed=seed, device=device, out=folder)
    except InputError as error:
        raise typer.BadParameter(str(error)) from error
    if folder.is_dir() and any(folder.iterdir()) and not (continues or force):
        raise InputError(f"{folder} holds a run already; continue it with --resume, or pass -f to overwrite it")
    _share_cores()
    from snncodec.train import train as run

    with progress_bar("training", quiet) as progress:
        run(options, (lambda line: None) if quiet else say, progress)


@app.command()
def bench(
    data: Annotated[Path, typer.Argument(help="Folder of stereo pairs.")],
    qualities: Annotated[str, typer.Option("--quality", "-q", help="Qualities of snncodec.")] = "10,30,50,70,90",
    baselines: Annotated[str, typer.Option(help="Formats to compare with.")] = "jpeg,webp,avif",
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows as CSV.")] = None,
    weights: Weights = "base",
    independent: Independent = False,
    device: Device = "auto",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Measure whole files: size, quality and time, against other formats."""
    chosen, formats = _qualities(qualities), _split(baselines)
    from snncodec.baselines import BASELINES

    if unknown := set(formats) - set(BASELINES):
        raise typer.BadParameter(f"{min(unknown)!r} is none of {', '.join(BASELINES)}", param_hint="--baselines")
    _check_targets([path for path in (json_file, csv_file) if path], force)
    _share_cores()
    from rich.console import Console

    from snncodec import bench as benchmark
    from snncodec import report

    options = {"weights": weights, "device": device, "independent": independent}
    with progress_bar("measuring", quiet) as progress:
        result = benchmark.run(data, chosen, formats, **options, progress=progress)
    if json_file:
        report.write_json(result, json_file, force)
    if csv_file:
        report.write_csv(result, csv_file, force)
    report.print_tables(result, Console(width=None if sys.stdout.isatty() else 200))  # a pipe has no width to fit


def _read(file: Path) -> bytes:
    from snncodec import container

    with open(file, "rb") as stream:
        return container.read(stream)


def _check_targets(paths: list[Path], force: bool) -> None:
    """Refuse before the work what `files.write_files` would refuse after it."""
    if len({path.resolve() for path in paths}) < len(paths):
        raise InputError(f"{paths[0]} is named twice; give each output a name of its own")
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path} is a folder; name a file to write")
        if path.exists() and not force:
            raise InputError(f"{path} exists already; pass -f to overwrite it")
        if not path.parent.is_dir():
            raise InputError(f"there is no folder {path.parent} to write {path.name} into; create it first")


def _share_cores() -> None:
    """Let OpenMP threads sleep while they wait. They spin by default, which costs up to tenfold on a busy machine."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when torch loads


def _names_folder(output: str | None) -> bool:
    return bool(output) and (output.endswith(("/", os.sep)) or Path(output).is_dir())


def _decode_prefix(file: Path, output: str | None) -> Path:
    """Return the path that _left.png and _right.png are appended to."""
    if not output:
        return file.with_name(file.stem)
    return Path(output, file.stem) if _names_folder(output) else Path(output)


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _qualities(text: str) -> list[int]:
    values = [int(name) if name.isdecimal() else 0 for name in _split(text)]
    if not values or not all(1 <= value <= 100 for value in values):
        raise typer.BadParameter(f"{text!r} is no list of qualities from 1 to 100, such as 10,30,50", param_hint="-q")
    return values

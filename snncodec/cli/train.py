"""`snncodec train`: pictures -> weights."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from snncodec.cli.options import Device, Force, Quiet, split_names
from snncodec.cli.process import load_torch
from snncodec.cli.terminal import progress_bar, say
from snncodec.errors import InputError
from snncodec.io.files import resolved
from snncodec.training.options import RECIPE, TrainOptions


def train(
    data: Annotated[
        list[Path], typer.Argument(readable=False, help="Folders of pictures or stereo pairs to learn from.")
    ],
    val: Annotated[Path | None, typer.Option(readable=False, help="Folder of stereo pairs to validate on.")] = None,
    preset: Annotated[Literal["base", "small", "tiny", "sketch"], typer.Option(help="Size of the model.")] = "base",
    neuron: Annotated[Literal["ilif", "lif", "relu"] | None, typer.Option(help="Replaces the preset's neuron.")] = None,
    resume: Annotated[Path | None, typer.Option(readable=False, metavar="CKPT", help="Continue this run.")] = None,
    init: Annotated[str | None, typer.Option(metavar="WEIGHTS", help="Start a new run from these weights.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Start of all random numbers.")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, max=10**12, help="Length of the run in steps.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Length of the run in minutes.")] = None,
    crop: Annotated[int | None, typer.Option(min=32, max=4096, help="Side of the training crops in pixels.")] = None,
    stages: Annotated[str, typer.Option(help="Stages to run, in order.")] = ",".join(RECIPE),
    output: Annotated[
        Path | None,
        typer.Option("--out", "-o", readable=False, metavar="DIR", help="Default: runs/ and the preset's name."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse pictures that cannot be read.")] = False,
    device: Device = "auto",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Train weights on your own pictures.

    snncodec train pictures/ --val pairs/ --init base --minutes 60 -o runs/mine

    snncodec train pictures/ --val pairs/ --resume runs/mine/last.ckpt
    """
    folder = output or (resume.parent if resume else Path("runs", preset))
    continues = resume and resolved(folder) == resolved(resume.parent)
    if init and Path(init).is_file() and resolved(Path(init)).parent == resolved(folder):
        raise InputError(f"{init} lies where this run is to write; name another folder with -o")
    try:
        options = TrainOptions(
            data, val=val, preset=preset, neuron=neuron, resume=resume, init=init, seed=seed, steps=steps,
            minutes=minutes, crop=crop, stages=split_names(stages), device=device, out=folder,
            strict=strict,
        )  # fmt: skip
    except InputError as error:
        raise typer.BadParameter(str(error)) from error
    if folder.is_dir() and any(folder.iterdir()) and not (continues or force):
        raise InputError(f"{folder} holds a run already; continue it with --resume, or pass -f to overwrite it")
    load_torch(compiler=True)
    from snncodec.training.trainer import train as run

    with progress_bar("training", quiet) as progress:
        run(options, (lambda line: None) if quiet else say, progress)

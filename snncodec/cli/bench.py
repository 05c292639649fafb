"""`snncodec bench`: a folder of pairs -> tables of size, quality and time."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snncodec.cli.bench_outputs import Csv, Json, Outputs, Plot, Report
from snncodec.cli.options import Device, Effort, Force, Independent, Quiet, Weights, split_names
from snncodec.cli.process import load_torch
from snncodec.cli.terminal import progress_bar, say
from snncodec.constants import DEFAULT_EFFORT, QUALITIES
from snncodec.errors import InputError
from snncodec.io.datasets import list_pairs

if TYPE_CHECKING:
    from snncodec.benchmark.runner import BenchResult
    from snncodec.benchmark.spike_count import SpikeCount

PIPE_WIDTH = 200  # columns, of what has no width to fit
Spikes = Annotated[bool, typer.Option("--spikes", help="Count what the decoder's neurons do, and what it would cost.")]


def bench(
    data: Annotated[Path, typer.Argument(readable=False, help="Folder of stereo pairs.")],
    qualities: Annotated[str, typer.Option("--quality", "-q", help="Qualities of snncodec.")] = "10,30,50,70,90",
    baselines: Annotated[str, typer.Option(help="Formats to compare with.")] = "jpeg,webp,avif,avif-psnr",
    jobs: Annotated[int, typer.Option(min=1, max=1024, help="Processes that measure at once.")] = 1,
    per_pair: Annotated[bool, typer.Option("--per-pair", help="Print every row, not only means.")] = False,
    spikes: Spikes = False,
    json_file: Json = None,
    csv_file: Csv = None,
    plot: Plot = None,
    report_folder: Report = None,
    cache: Annotated[
        Path | None,
        typer.Option(readable=False, metavar="DIR", help="Where rows are kept for the next run.  [default: ~/.cache]"),
    ] = None,
    weights: Weights = "base",
    independent: Independent = False,
    effort: Effort = DEFAULT_EFFORT,
    device: Device = "auto",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Measure whole files: size, quality, time and memory, against other formats.

    Every row is kept as soon as it is measured: after a stop, the same command goes on where it was. Pairs that cannot
    be read are left out with a note, and the exit status is 1 at the end.

    snncodec bench KITTI/training -q 30,50,70 --baselines jpeg,avif --jobs 2 --plot curves.svg

    snncodec bench pairs/ --report report/ --json results.json --spikes
    """
    chosen, formats = _qualities(qualities), _baselines(baselines)
    outputs = Outputs(json_file, csv_file, plot, report_folder)
    scenes, _ = list_pairs(data, single_files=True)
    outputs.check(force, inputs=[Path(weights), *(file for scene in scenes for file in scene.files)])
    load_torch()
    from snncodec.benchmark import runner
    from snncodec.benchmark.results_cache import default_folder

    count = _spike_count(weights, device) if spikes else None
    note = (lambda line: None) if quiet else say
    with progress_bar("measuring", quiet) as progress:
        measure = partial(runner.run, weights=weights, device=device, independent=independent, effort=effort, jobs=jobs)
        result = measure(data, chosen, formats, cache=cache or default_folder(), progress=progress, note=note)
    result = count.add_to(result) if count else result
    try:
        _print_tables(result, per_pair)
    finally:  # whoever reads the tables may have seen enough
        outputs.write(result, force, quiet)
    if result.interrupted:
        raise KeyboardInterrupt  # which has ended the measuring
    if result.faults:
        more = f" (and {len(result.faults) - 1} more)" if len(result.faults) > 1 else ""
        raise InputError(f"not all could be measured: {result.faults[0]}{more}")


def _spike_count(weights: str, device: str) -> "SpikeCount":
    """Made before the measuring, so that weights without spikes are refused at once."""
    from snncodec.benchmark.spike_count import SpikeCount
    from snncodec.codec import Codec

    return SpikeCount(Codec(weights, device))


def _print_tables(result: "BenchResult", per_pair: bool) -> None:
    from rich.console import Console

    from snncodec.benchmark import report, spike_report

    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    report.print_tables(result, console, per_pair)
    if result.spikes:
        spike_report.print_spikes(result.spikes, console)


def _qualities(text: str) -> list[int]:
    values = [int(name) if name.isdecimal() and len(name) <= 3 else 0 for name in split_names(text)]
    if not values or not all(1 <= value <= QUALITIES for value in values):
        raise typer.BadParameter(f"{text!r} is no list of qualities from 1 to 100, such as 10,30,50", param_hint="-q")
    return values


def _baselines(text: str) -> tuple[str, ...]:
    from snncodec.benchmark.baselines import BASELINES

    names = split_names(text)
    if unknown := set(names) - set(BASELINES):
        raise typer.BadParameter(f"{min(unknown)!r} is none of {', '.join(BASELINES)}", param_hint="--baselines")
    return names

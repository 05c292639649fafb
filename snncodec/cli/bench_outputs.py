"""Where `snncodec bench` writes: the options that name a file, what is refused before the work, and the writing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snncodec.cli.options import check_targets
from snncodec.cli.terminal import progress_bar
from snncodec.errors import InputError
from snncodec.io.files import resolved

if TYPE_CHECKING:
    from snncodec.benchmark.runner import BenchResult

Json = Annotated[Path | None, typer.Option("--json", readable=False, metavar="FILE", help="Write everything as JSON.")]
Csv = Annotated[Path | None, typer.Option("--csv", readable=False, metavar="FILE", help="Write the rows as CSV.")]
Report = Annotated[
    Path | None,
    typer.Option("--report", readable=False, metavar="DIR", help="Write a page with curves, tables and pictures."),
]
Plot = Annotated[
    Path | None, typer.Option(readable=False, metavar="F.svg|F.png", help="Draw rate-distortion curves (extra [plot]).")
]


@dataclass(frozen=True)
class Outputs:
    """Files, and a folder, to write once all is measured; None where none is wanted."""

    json: Path | None
    csv: Path | None
    plot: Path | None
    report: Path | None

    def check(self, force: bool, inputs: Sequence[Path]) -> None:
        """InputError for a target that could not be written, or is an input, before hours are spent on the rest."""
        paths = [path for path in (self.json, self.csv, self.plot) if path]
        check_targets(paths, force, inputs)
        if self.plot:
            from snncodec.benchmark.plot import check_plot

            check_plot(self.plot)
        if not self.report:
            return
        from snncodec.benchmark.web_report.folder import check_folder

        check_folder(self.report, force)
        report = resolved(self.report)
        if inside := [path for path in paths if resolved(path).is_relative_to(report)]:
            raise InputError(f"{inside[0]} lies in the folder of the report, which is replaced as a whole; move it out")

    def write(self, result: BenchResult, force: bool, quiet: bool = False) -> None:
        """Write all that was asked for."""
        from snncodec.benchmark import plot, results_files

        writers: list[tuple[Path | None, Callable[[BenchResult, Path, bool], None]]]
        writers = [(self.json, results_files.write_json), (self.csv, results_files.write_csv)]
        writers.append((self.plot, plot.write_plot))
        for path, write in writers:
            if path:
                write(result, path, force)
        if self.report:
            from snncodec.benchmark.web_report import write_report

            with progress_bar("drawing", quiet) as progress:
                write_report(result, self.report, force, progress)

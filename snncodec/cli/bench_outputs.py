"""Where `snncodec bench` writes: the options that name a file, what is refused before the work, and the writing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snncodec.cli.options import check_targets

if TYPE_CHECKING:
    from snncodec.benchmark.runner import BenchResult

Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON.")]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows as CSV.")]

Plot = Annotated[Path | None, typer.Option(metavar="F.svg|F.png", help="Draw rate-distortion curves (extra [plot]).")]


@dataclass(frozen=True)
class Outputs:
    """Files to write once all is measured; None where none is wanted."""

    json: Path | None
    csv: Path | None
    plot: Path | None

    def check(self, force: bool) -> None:
        """InputError for a target that could not be written, before hours are spent on what goes there."""
        check_targets([path for path in (self.json, self.csv, self.plot) if path], force)
        if self.plot:
            from snncodec.benchmark.plot import check_plot

            check_plot(self.plot)

    def write(self, result: BenchResult, force: bool) -> None:
        """Write all that was asked for."""
        from snncodec.benchmark import plot, results_files

        writers: list[tuple[Path | None, Callable[[BenchResult, Path, bool], None]]]
        writers = [(self.json, results_files.write_json), (self.csv, results_files.write_csv)]
        writers.append((self.plot, plot.write_plot))
        for path, write in writers:
            if path:
                write(result, path, force)

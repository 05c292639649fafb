"""The command line: options come in, one call into the package follows, data goes to stdout and talk to stderr.

Every command stands in a file of its name. Nothing is computed there, and whatever is heavy is imported inside the
command that needs it.
"""

from typing import Annotated

import typer

from snncodec.cli.bench import bench
from snncodec.cli.decode import decode
from snncodec.cli.encode import encode
from snncodec.cli.export import export
from snncodec.cli.info import info
from snncodec.cli.publish_weights import publish_weights
from snncodec.cli.terminal import ErrorReportingGroup
from snncodec.cli.train import train

app = typer.Typer(
    name="snncodec",
    cls=ErrorReportingGroup,
    help="Stereo image compression with spiking neural networks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


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


for command in (encode, decode, info, train, bench, export, publish_weights):
    app.command()(command)

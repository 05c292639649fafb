"""`snncodec info`: what a file says about itself."""

import json
from typing import Annotated

import typer

from snncodec.cli.options import CodedFile, read_coded


def info(
    file: CodedFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a file says about itself, and which of its sections are sound."""
    data = read_coded(file)
    from snncodec.cli.describe_file import describe, inspect

    facts = {"file": str(file)} | inspect(data)
    typer.echo(json.dumps(facts, indent=1) if as_json else describe(facts))

"""`snncodec info`: what a file says about itself."""

import json
from typing import Annotated, Any

import typer

from snncodec.cli.options import CodedFile, read_coded
from snncodec.cli.process import load_torch
from snncodec.errors import SnncodecError


def info(
    file: CodedFile,
    verify: Annotated[bool, typer.Option("--verify", help="Decode it, to be sure that it can be.")] = False,
    weights: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="For --verify: those it was coded with.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a file says about itself, which of its sections are sound, and whether it decodes here.

    With --verify the exit status is 1 if it does not.

    snncodec info pair.bin --verify
    """
    data = read_coded(file)
    from snncodec.cli.describe_file import describe, inspect

    facts = {"file": str(file)} | inspect(data)
    if verify:
        facts |= _verify(data, weights)
    typer.echo(json.dumps(facts, indent=1) if as_json else describe(facts))
    if verify and facts["obstacle"]:
        raise typer.Exit(1)


def _verify(data: bytes, weights: str | None) -> dict[str, Any]:
    """Whether all of it was decoded, and why not."""
    load_torch()
    from snncodec.codec import decode

    try:
        decode(data, weights=weights)
    except SnncodecError as error:
        return {"verified": False, "obstacle": str(error)}
    return {"verified": True, "obstacle": None}

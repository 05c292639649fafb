"""`snncodec publish-weights`: makes a weights file a shipped one; for maintainers, in a checkout."""

from pathlib import Path
from typing import Annotated

import typer

from snncodec.cli.terminal import say


def publish_weights(
    file: Annotated[Path, typer.Argument(readable=False, help="Weights that `train` wrote.")],
    name: Annotated[str, typer.Argument(help="What `encode --weights` will call them.")],
) -> None:
    """Check a weights file and ship it: copy it to weights/ and enter its sha256 in the manifest.

    snncodec publish-weights runs/mine/best.safetensors mine
    """
    from snncodec.model import shipped_weights

    say(f"{shipped_weights.publish_weights(file, name)}: shipped as {name!r}")

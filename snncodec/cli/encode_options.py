"""The options of `snncodec encode` that no other command has."""

from pathlib import Path
from typing import Annotated

import typer

Left = Annotated[
    Path,
    typer.Argument(
        readable=False,
        help="Left view: PNG, JPEG, TIFF, WebP ...; or both views: .mpo, .jps, .pns, .heic; or a folder of pairs; - is "
        "stdin.",
    ),
]
Right = Annotated[Path | None, typer.Argument(readable=False, help="Right view, of the same size.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        readable=False,
        metavar="OUT.bin|DIR|-",
        help="What to write; - is stdout. Default: beside LEFT.",
    ),
]
Quality = Annotated[
    int | None, typer.Option("--quality", "-q", min=1, max=100, help="Higher is better.  [default: 50]")
]
TargetSize = Annotated[int | None, typer.Option(metavar="BYTES", help="The best file of at most so many.")]
TargetBpp = Annotated[float | None, typer.Option(metavar="X", help="The same in bits per pixel.")]
TargetPsnr = Annotated[float | None, typer.Option(metavar="DB", help="The smallest file that reaches it.")]
SideBySide = Annotated[bool, typer.Option("--sbs", help="LEFT holds both views, the left eye's in its left half.")]
Swap = Annotated[bool, typer.Option("--swap", help="Exchange the views: for crossed eyes.")]
Strip = Annotated[bool, typer.Option("--strip", help="Keep no date, camera and exposure (the colour profile stays).")]

"""`snncodec export`: weights -> the decoder's spiking network as a graph that other simulators read."""

from pathlib import Path
from typing import Annotated

import typer

from snncodec.cli.options import Force, Quiet, check_targets
from snncodec.cli.process import load_torch
from snncodec.cli.terminal import say
from snncodec.constants import BLOCK


def export(
    weights: Annotated[str, typer.Argument(help="Shipped weights by name, or a file of your own.")],
    output: Annotated[Path, typer.Argument(readable=False, metavar="OUT.nir", help="File to write.")],
    height: Annotated[int, typer.Option(min=1, max=16384, help="Of the pictures, in pixels.")] = 256,
    width: Annotated[int, typer.Option(min=1, max=16384, help="Of the pictures, in pixels.")] = 256,
    quality: Annotated[int, typer.Option("--quality", "-q", min=1, max=100, help="Whose offsets are taken.")] = 50,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Write the decoder's spiking network as a NIR graph (neuroir.org).

    The graph is for maps of one size: sides are rounded up to whole blocks of 16 pixels, as in a file.

    snncodec export base decoder.nir --height 480 --width 640
    """
    check_targets([output], force, inputs=[Path(weights)])
    load_torch()
    import torch

    from snncodec.export import nir_graph
    from snncodec.io.files import write_bytes
    from snncodec.model.shipped_weights import load_weights

    nir_graph.load_nir()
    codec = load_weights(weights, torch.device("cpu")).codec
    rows, columns = (-(-side // BLOCK) * BLOCK for side in (height, width))
    graph = nir_graph.decoder_graph(codec, quality, rows, columns)
    write_bytes(output, nir_graph.to_bytes(graph), force)
    if not quiet:
        say(f"{output}: {len(graph.nodes)} nodes, {len(graph.edges)} edges; contrasts of 3 x {rows} x {columns} pixels")
        if not nir_graph.membranes_are_exact(codec):
            say("not proved: membranes may reach 4096, where the codec rounds them and a simulator may not")
        for line in nir_graph.OUTSIDE:
            say(f"outside the graph: {line}")

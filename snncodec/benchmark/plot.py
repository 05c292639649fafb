"""A BenchResult comes in; a picture of its rate-distortion curves goes out, as SVG or PNG, by matplotlib."""

from __future__ import annotations

import io
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

from snncodec.benchmark.coders import OURS
from snncodec.benchmark.runner import BenchResult
from snncodec.errors import InputError
from snncodec.io.files import write_bytes

KINDS = ("svg", "png")
MARKERS = "osD^vP*X<>ph"  # one for each curve, so that a print without colours can be read
LABEL_GAP = 0.035  # between labels at least, in parts of the height
STYLE: Any = {"svg.hashsalt": "snncodec", "svg.fonttype": "none", "font.size": 9}  # the same bytes for the same figures


def check_plot(path: Path) -> None:
    """InputError for a name that says no kind of picture, and where matplotlib is missing."""
    if path.suffix.lower().lstrip(".") not in KINDS:
        raise InputError(f"{path} is no name of a plot; let it end in .{' or .'.join(KINDS)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise InputError("--plot needs matplotlib; install it with pip install 'snncodec[plot]'") from error


def write_plot(result: BenchResult, path: Path, force: bool = False) -> None:
    """Draw PSNR over bpp, means over pairs, a curve for each codec; InputError as `files.write_files`.

    Each curve has its name at its upper end. The axis of bpp is logarithmic: rates are compared as ratios.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        _draw(figure.add_subplot(), result)
        file = io.BytesIO()
        kind = path.suffix.lower().lstrip(".")
        figure.savefig(file, format=kind, dpi=200, metadata={"Date": None} if kind == "svg" else None)
    write_bytes(path, file.getvalue(), force)


def curves(result: BenchResult) -> dict[str, list[tuple[float, float]]]:
    """The mean points (bpp, PSNR) of each codec that can be drawn, by rising bpp; ours first."""
    points: dict[str, list[tuple[float, float]]] = {OURS: []}
    for mean in result.summary["means"]:
        if mean["psnr"] is not None and math.isfinite(mean["psnr"]):
            points.setdefault(mean["codec"], []).append((mean["bpp"], mean["psnr"]))
    return {codec: sorted(found) for codec, found in points.items() if found}


def _draw(axes: Any, result: BenchResult) -> None:
    ends = {}
    for number, (codec, points) in enumerate(curves(result).items()):
        ours = codec == OURS
        line = {"color": "black" if ours else f"C{(number - 1) % 10}", "linewidth": 2 if ours else 1.2}
        axes.plot(*zip(*points, strict=True), marker=MARKERS[number % len(MARKERS)], markersize=4, **line)
        ends[codec] = (*points[-1], line["color"])
    pairs = len({row["scene"] for row in result.rows})
    axes.set(xscale="log", xlabel="bits per pixel, whole files", ylabel="PSNR of RGB in dB")
    axes.set_title(f"Means over {pairs} stereo pair{'s' * (pairs != 1)}", loc="left", fontsize=10)
    axes.grid(which="both", linewidth=0.3)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.03)
    low, high = axes.get_ylim()
    heights = spread([end[1] for end in ends.values()], LABEL_GAP * (high - low))
    for (codec, (bpp, psnr, colour)), height in zip(ends.items(), heights, strict=True):
        place = {"xy": (bpp, psnr), "xytext": (1.02, height), "textcoords": axes.get_yaxis_transform()}
        leader = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.6}
        axes.annotate(codec, color=colour, va="center", arrowprops=leader, annotation_clip=False, **place)


def spread(values: list[float], gap: float) -> list[float]:
    """The values moved apart, in their order, until neighbours are at least `gap` from each other."""
    order = sorted(range(len(values)), key=values.__getitem__)
    moved = list(values)
    for _ in range(len(values)):
        for lower, upper in pairwise(order):
            if (lack := gap - (moved[upper] - moved[lower])) > 0:
                moved[lower] -= lack / 2
                moved[upper] += lack / 2
    for lower, upper in pairwise(order):
        moved[upper] = max(moved[upper], moved[lower] + gap)
    return moved

"""Means over pairs come in; a plot of PSNR over bits per pixel goes out, as SVG that stands in a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from html import escape
from typing import Any

from snncodec.benchmark.metrics import Point

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 62, WIDTH - 14, 14, HEIGHT - 52  # of the frame, where axes need their room
RATES = tuple(factor * 10.0**power for power in range(-4, 3) for factor in (1, 2, 5))  # bpp that may have a tick
COLOURS, DASHES = 8, 5  # of curves in page.css; taken in turn, so that 40 codecs look different
LEGEND_LINE = 19

Place = Callable[[float], float]


def draw_plot(means: list[dict[str, Any]], pairs: int) -> str:
    """One curve per codec, rates on a logarithmic axis; points without loss or bits have no place in it."""
    curves: dict[str, list[Point]] = {}
    for mean in means:
        if mean["bpp"] > 0 and mean["psnr"] is not None and math.isfinite(mean["psnr"]):
            curves.setdefault(mean["codec"], []).append((mean["bpp"], mean["psnr"]))
    if not curves:
        return "<p>There is no point to plot.</p>"
    rates, levels = zip(*(point for curve in curves.values() for point in curve), strict=True)
    x, y = _logarithmic(min(rates), max(rates)), _linear(min(levels), max(levels))
    parts = [
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="plot-title plot-desc">',
        f'<title id="plot-title">PSNR over bits per pixel, means over {pairs} pairs</title>',
        f'<desc id="plot-desc">{escape(_in_words(curves))}</desc>',
        *_axes(x, y, (min(rates), max(rates)), (min(levels), max(levels))),
    ]
    for number, (name, curve) in enumerate(curves.items()):
        style = f"c{number % COLOURS} d{number % DASHES}{'' if number else ' ours'}"
        parts += _curve(name, sorted(curve), style, x, y)
        parts += _legend(name, style, TOP + 12 + LEGEND_LINE * number)
    return "\n".join([*parts, "</svg>"])


def _logarithmic(low: float, high: float) -> Place:
    margin = 1.15  # of the range, so that no point sits on the frame
    first, last = math.log(low / margin), math.log(high * margin)
    return lambda rate: LEFT + (RIGHT - LEFT) * (math.log(rate) - first) / (last - first)


def _linear(low: float, high: float) -> Place:
    first, last = low - 1, high + 1
    return lambda level: BOTTOM - (BOTTOM - TOP) * (level - first) / (last - first)


def _axes(x: Place, y: Place, rates: Point, levels: Point) -> Iterable[str]:
    """Grid, numbers and names."""
    yield f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{RIGHT - LEFT}" height="{BOTTOM - TOP}"/>'
    for rate in RATES:
        if rates[0] / 1.15 <= rate <= rates[1] * 1.15:
            yield f'<path class="grid" d="M{x(rate):.1f} {TOP}V{BOTTOM}"/>'
            yield f'<text x="{x(rate):.1f}" y="{BOTTOM + 18}" text-anchor="middle">{rate:g}</text>'
    step = next(step for step in (1, 2, 5, 10, 20, 50) if levels[1] - levels[0] + 2 <= 12 * step or step == 50)
    for level in range(math.ceil((levels[0] - 1) / step) * step, math.floor(levels[1] + 1) + 1, step):
        yield f'<path class="grid" d="M{LEFT} {y(level):.1f}H{RIGHT}"/>'
        yield f'<text x="{LEFT - 8}" y="{y(level) + 4:.1f}" text-anchor="end">{level}</text>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">bits per pixel (logarithmic)</text>'
    middle = (TOP + BOTTOM) / 2
    yield f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">PSNR in dB</text>'


def _curve(name: str, points: list[Point], style: str, x: Place, y: Place) -> Iterable[str]:
    line = "L".join(f"{x(rate):.1f} {y(level):.1f}" for rate, level in points)
    yield f'<path class="curve {style}" d="M{line}"/>'
    for rate, level in points:
        label = escape(f"{name}: {rate:.3f} bpp, {level:.2f} dB")
        yield f'<circle class="{style}" cx="{x(rate):.1f}" cy="{y(level):.1f}" r="3.5"><title>{label}</title></circle>'


def _legend(name: str, style: str, at: float) -> Iterable[str]:
    """Upper left, where no curve passes: nothing is good and small at once."""
    yield f'<path class="curve {style}" d="M{LEFT + 12} {at}h28"/>'
    yield f'<circle class="{style}" cx="{LEFT + 26}" cy="{at}" r="3.5"/>'
    yield f'<text x="{LEFT + 48}" y="{at + 4}">{escape(name)}</text>'


def _in_words(curves: dict[str, list[Point]]) -> str:
    lines = (
        f"{name}: " + ", ".join(f"{rate:.3f} bpp {level:.2f} dB" for rate, level in sorted(curve))
        for name, curve in curves.items()
    )
    return "; ".join(lines) + "."

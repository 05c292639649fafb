"""Results come in, README.md with their tables and docs/rd_curves.svg go out: `python docs/fill_readme.py`.

`snncodec bench PAIRS --json docs/results/pairs.json -f` makes the results. A test fails while README.md disagrees.
"""

from __future__ import annotations

import re
from bisect import bisect
from pathlib import Path
from typing import Any

from snncodec.benchmark.coders import OURS
from snncodec.benchmark.plot import write_plot
from snncodec.benchmark.results_files import read_json
from snncodec.benchmark.runner import BenchResult

ROOT = Path(__file__).parent.parent
RESULTS, PLOT, README = ROOT / "docs/results/pairs.json", ROOT / "docs/rd_curves.svg", ROOT / "README.md"
LOOKS_FROM = (29, 31.5, 35, 39.5, 43)  # dB
LOOKS = (
    "a thumbnail: soft, textures gone",
    "soft; fine for previews",
    "good at normal size, soft when enlarged",
    "good; differences show side by side only",
    "very good; differences show when enlarged",
    "hard to tell from the original",
)
POINTS = 6  # of a curve at most, which is as many as a line holds


def filled(readme: str, result: BenchResult) -> str:
    """The README with its tables made anew from the results."""
    for name, table in {
        "curves": curves(result),
        "comparison": comparison(result),
        "qualities": qualities(result),
    }.items():
        marks = rf"(<!-- {name}: made by docs/fill_readme.py -->\n).*?(<!-- end of {name} -->)"
        readme, found = re.subn(marks, lambda m, t=table: m[1] + t + m[2], readme, flags=re.DOTALL)
        if found != 1:
            raise ValueError(f"{README} has {found} places for the table of {name}")
    return readme


def curves(result: BenchResult) -> str:
    """bpp and PSNR of each codec at its qualities, means over pairs."""
    lines = []
    for codec in result.summary["speed"]:
        means = evenly([mean for mean in result.summary["means"] if mean["codec"] == codec])
        qualities = ", ".join(str(mean["quality"]) for mean in means)
        lines.append([f"{codec}, q = {qualities}", *(f"{mean['bpp']:.3f} / {mean['psnr']:.2f}" for mean in means)])
    return markdown(["bpp / PSNR in dB", *[""] * POINTS], [line + [""] * (POINTS + 1 - len(line)) for line in lines])


def comparison(result: BenchResult) -> str:
    """BD-rates of snncodec against each other codec, and the speeds of all."""
    lines = []
    for codec, speed in result.summary["speed"].items():
        mp_s = [f"{speed[f'{way}_mp_s']:.2g}" for way in ("encode", "decode")]
        lines.append([codec, *bd_cells(result.summary["bd_rate"].get(codec)), *mp_s])
    heading = ["codec", f"BD-rate of {OURS}", "single pairs", "of mean curves", "encode MP/s", "decode MP/s"]
    return markdown(heading, lines)


def qualities(result: BenchResult) -> str:
    """What a quality of snncodec looks like and takes; bpp are those of the mean."""
    lines = []
    for mean in (mean for mean in result.summary["means"] if mean["codec"] == OURS):
        megabytes = [f"{mean['bpp'] * 2 * megapixels / 8:.2g} MB" for megapixels in (2, 12)]
        lines.append([str(mean["quality"]), LOOKS[bisect(LOOKS_FROM, mean["psnr"])], f"{mean['psnr']:.1f}", *megabytes])
    return markdown(["q", "looks", "PSNR in dB", "two views of 2 megapixels", "of 12"], lines)


def bd_cells(entry: dict[str, Any] | None) -> list[str]:
    if entry is None or entry["mean"] is None:
        return ["", "", ""]
    known = [found["percent"] for found in entry["scenes"].values() if found["percent"] is not None]
    return [
        f"**{entry['mean']:+.1f} %**",
        f"{min(known):+.0f} to {max(known):+.0f} %",
        f"{entry['mean_curves']:+.1f} %",
    ]


def evenly(means: list[Any]) -> list[Any]:
    """At most `POINTS` of them, evenly spread, both ends included."""
    count = min(POINTS, len(means))
    return [means[round(number * (len(means) - 1) / max(1, count - 1))] for number in range(count)]


def markdown(heading: list[str], lines: list[list[str]]) -> str:
    rule = ["---"] * len(heading)
    return "".join(
        f"| {' | '.join(line)} |\n".replace("|  |", "| |").replace("|  |", "| |") for line in (heading, rule, *lines)
    )


if __name__ == "__main__":
    found = read_json(RESULTS)
    write_plot(found, PLOT, force=True)
    README.write_text(filled(README.read_text(encoding="utf-8"), found), encoding="utf-8")

"""Results come in, README.md with their tables and docs/rd_curves.svg go out: `python docs/fill_readme.py`.

`snncodec bench PAIRS --json docs/results/pairs.json -f` makes the results. A test fails while README.md disagrees.
"""

from __future__ import annotations

import json
import re
from bisect import bisect
from pathlib import Path
from typing import Any

from snncodec.benchmark.coders import OURS
from snncodec.benchmark.metrics import bd_rate
from snncodec.benchmark.plot import write_plot
from snncodec.benchmark.results_files import read_json
from snncodec.benchmark.runner import BenchResult

ROOT = Path(__file__).parent.parent
RESULTS, PLOT, README = ROOT / "docs/results/pairs.json", ROOT / "docs/rd_curves.svg", ROOT / "README.md"
STUDY = {neuron: ROOT / f"docs/results/neuron_{neuron}.json" for neuron in ("relu", "ilif", "lif")}
TRAINING = ROOT / "docs/results/neuron_training.json"  # seconds of one core, by neuron
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


def tables() -> dict[str, str]:
    """The tables of the README by name, made from the committed results."""
    pairs = read_json(RESULTS)
    study = {neuron: read_json(file) for neuron, file in STUDY.items()}
    seconds = json.loads(TRAINING.read_text(encoding="utf-8"))
    made = {"curves": curves(pairs), "comparison": comparison(pairs), "qualities": qualities(pairs)}
    return made | {"neurons": neurons(study, seconds)}


def filled(readme: str, tables: dict[str, str]) -> str:
    """The README with these tables in their places."""
    for name, table in tables.items():
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
        mp_s = [two_digits(speed[f"{way}_mp_s"]) for way in ("encode", "decode")]
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


def neurons(study: dict[str, BenchResult], seconds: dict[str, float]) -> str:
    """One small network with three neurons: rate, what the decoder does per pixel, and time."""
    lines = []
    for neuron, result in study.items():
        speed, spikes = result.summary["speed"][OURS], result.spikes
        cost = (spikes or study["ilif"].spikes)["per_pixel"]
        fired = [layer for network in spikes["networks"].values() for layer in network["neurons"]] if spikes else []
        silent = f"{sum(layer['silent'] for layer in fired) / len(fired):.0%}" if fired else "-"
        operations = (cost["accumulates"], cost["macs"]) if spikes else (0, cost["twin_macs_dense"])
        energy = cost["pj"] if spikes else cost["twin_pj_dense"]
        work = [silent, *(f"{count:,.0f}" for count in operations), f"{energy / 1000:.1f}"]
        times = [f"{speed['encode_mp_s']:.2g}", f"{speed['decode_mp_s']:.2g}", f"{seconds[neuron]:,.0f}"]
        lines.append([neuron, bd_against(study["relu"], result) if spikes else "", *work, *times])
    heading = ["neuron", "BD-rate", "silent neurons", "accumulates", "MAC", "nJ", "encode MP/s", "decode MP/s"]
    return markdown([*heading, "training, CPU seconds"], lines)


def bd_against(anchor: BenchResult, result: BenchResult) -> str:
    """Mean over pairs of the BD-rate of snncodec with other weights."""
    curves = [by_scene(found) for found in (anchor, result)]
    percents = [bd_rate(curves[0][scene], curves[1][scene]).percent for scene in curves[0]]
    return f"{sum(percents) / len(percents):+.1f} %"


def by_scene(result: BenchResult) -> dict[str, list[tuple[float, float]]]:
    points: dict[str, list[tuple[float, float]]] = {}
    for row in result.rows:
        if row["codec"] == OURS:
            points.setdefault(row["scene"], []).append((row["bpp"], row["psnr"]))
    return points


def bd_cells(entry: dict[str, Any] | None) -> list[str]:
    if entry is None or entry["mean"] is None:
        return ["", "", ""]
    known = [found["percent"] for found in entry["scenes"].values() if found["percent"] is not None]
    return [
        f"**{entry['mean']:+.1f} %**",
        f"{min(known):+.0f} to {max(known):+.0f} %",
        f"{entry['mean_curves']:+.1f} %",
    ]


def two_digits(number: float) -> str:
    """0.46, 1.1, 98, 140"""
    return f"{float(f'{number:.2g}'):g}"


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
    write_plot(read_json(RESULTS), PLOT, force=True)
    README.write_text(filled(README.read_text(encoding="utf-8"), tables()), encoding="utf-8")

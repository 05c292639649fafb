"""Rows come in; means over pairs, speeds and BD-rates go out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from snncodec.benchmark import metrics
from snncodec.benchmark.measurement import STAGE_KEYS, Row

MEANS = ("bpp", "bpp_left", "bpp_right", "psnr", "psnr_left", "psnr_right", "ms_ssim", "encode_s", "decode_s")


def summarise(rows: list[Row], ours: str) -> dict[str, Any]:
    """Means over pairs per codec and quality, speeds per codec in megapixels of both views a second, and the BD-rate
    of codec `ours` against every other codec in `rows`.

    `bd_rate` of a codec holds the mean of the BD-rates of the pairs (see `metrics.bd_rate`), over the pairs that have
    one, and beside it `mean_curves`, the BD-rate of the two curves of means, which some papers give: the costliest
    pictures dominate that one. A mean PSNR is infinite as soon as one pair came back without loss.
    """
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["codec"], row["quality"]), []).append(row)
    means = [
        {"codec": codec, "quality": quality, "pairs": len(group)}
        | {key: _mean([row[key] for row in group]) for key in (*MEANS, *STAGE_KEYS)}
        for (codec, quality), group in groups.items()
    ]
    codecs = dict.fromkeys(row["codec"] for row in rows)
    return {
        "means": means,
        "speed": {codec: _speed([row for row in rows if row["codec"] == codec]) for codec in codecs},
        "bd_rate": {codec: _bd_rates(rows, means, codec, ours) for codec in codecs if codec != ours and ours in codecs},
    }


def _speed(rows: list[Row]) -> dict[str, float]:
    """Megapixels of all rows over the seconds of all rows, and the share of each stage in them."""
    pixels = sum(2 * row["height"] * row["width"] for row in rows)
    totals = {way: sum(row[f"{way}_s"] for row in rows) for way in ("encode", "decode")}
    speeds = {f"{way}_mp_s": pixels / 1e6 / seconds if seconds else float("inf") for way, seconds in totals.items()}
    stages = {key: sum(row[key] for row in rows) for key in STAGE_KEYS}
    return speeds | {key: value / (totals[key.partition("_")[0]] or 1) for key, value in stages.items()}


def _bd_rates(rows: list[Row], means: list[Row], anchor: str, ours: str) -> dict[str, Any]:
    curves: dict[str, dict[str, list[metrics.Point]]] = {anchor: {}, ours: {}}
    for row in rows:
        if row["codec"] in curves:
            curves[row["codec"]].setdefault(row["scene"], []).append((row["bpp"], row["psnr"]))
    results = {scene: metrics.bd_rate(curves[anchor][scene], curves[ours].get(scene, [])) for scene in curves[anchor]}
    known = [result.percent for result in results.values() if result.percent is not None]
    of_means = [[(m["bpp"], m["psnr"]) for m in means if m["codec"] == codec] for codec in (anchor, ours)]
    return {
        "mean": sum(known) / len(known) if known else None,
        "mean_curves": metrics.bd_rate(*of_means).percent,
        "pairs": len(known),
        "scenes": {scene: asdict(result) for scene, result in results.items()},
    }


def _mean(values: list[float | None]) -> float | None:
    """None where one of the values is missing."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None

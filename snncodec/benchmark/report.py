"""A BenchResult comes in; tables on a console, a JSON file or a CSV file go out.

Nothing is measured or averaged here: every figure shown is in the result already, and the files hold it unrounded.
"""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from snncodec.benchmark.runner import BenchResult
from snncodec.io.files import write_bytes
from snncodec.stopwatch import STAGES

# Column title -> (key of a row or mean, format); bpp and PSNR are what a codec is judged by and come first, in bold.
HEADLINE = {"bpp": ("bpp", ".3f"), "PSNR dB": ("psnr", ".2f")}
VIEWS = {
    "left bpp": ("bpp_left", ".3f"),
    "right bpp": ("bpp_right", ".3f"),
    "left dB": ("psnr_left", ".2f"),
    "right dB": ("psnr_right", ".2f"),
}
DETAILS = {"MS-SSIM": ("ms_ssim", ".4f"), "encode s": ("encode_s", ".3f"), "decode s": ("decode_s", ".3f")}


def print_tables(result: BenchResult, console: Console) -> None:
    """Print rows, means and BD-rates as tables, then the settings and what was left out; "-" stands for no value."""
    rows_first = {"scene": ("scene", ""), "codec": ("codec", ""), "quality": ("quality", "d")}
    means_first = {"codec": ("codec", ""), "quality": ("quality", "d"), "pairs": ("pairs", "d")}
    console.print(_table("Every pair", rows_first | HEADLINE | VIEWS | DETAILS, result.rows))
    console.print(_table("Means over pairs", means_first | HEADLINE | VIEWS | DETAILS, result.summary["means"]))
    for way in ("encode", "decode"):
        console.print(_stage_table(way, result.summary["means"]))
    if result.summary["bd_rate"]:
        console.print(_bd_table(result.summary["bd_rate"]))
    _print_settings(result, console)


def write_json(result: BenchResult, path: Path, force: bool = False) -> None:
    """Write {"rows", "summary", "settings"} as strict JSON, whole or not at all; InputError as `files.write_files`.

    JSON has no infinity: the PSNR of a lossless row is written as null, like an MS-SSIM that does not exist. Orphans
    are listed under settings.
    """
    settings = result.settings | {"orphans": [str(orphan) for orphan in result.orphans]}
    content = {"rows": result.rows, "summary": result.summary, "settings": settings}
    text = json.dumps(_finite(content), indent=1, allow_nan=False) + "\n"
    write_bytes(path, text.encode(), force)


def write_csv(result: BenchResult, path: Path, force: bool = False) -> None:
    """Write the rows as CSV under a line of keys, whole or not at all; InputError as `files.write_files`.

    An infinite PSNR is written as inf, which spreadsheets and numpy read; an empty cell stands for no value.
    """
    text = io.StringIO()
    keys = list(dict.fromkeys(key for row in result.rows for key in row))
    writer = csv.DictWriter(text, keys, lineterminator="\n")
    writer.writeheader()
    writer.writerows(result.rows)
    write_bytes(path, text.getvalue().encode(), force)


def _table(title: str, columns: dict[str, tuple[str, str]], records: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in columns:
        words = heading in ("scene", "codec")
        style = "bold" if heading in HEADLINE else None
        table.add_column(heading, justify="left" if words else "right", style=style, no_wrap=not words)
    for number, record in enumerate(records):
        group = (record.get("scene"), record["codec"])
        if number and group != (records[number - 1].get("scene"), records[number - 1]["codec"]):
            table.add_section()
        table.add_row(*(Text(_cell(record[key], form)) for key, form in columns.values()))  # Text: "[x]" is no markup
    return table


def _stage_table(way: str, means: list[dict[str, Any]]) -> Table:
    """Of the codecs whose time is known by stage: the others seem to spend none on a transform."""
    columns = {"codec": ("codec", ""), "quality": ("quality", "d")}
    columns |= {stage.replace("_", " "): (f"{way}_{stage}_s", ".3f") for stage in STAGES}
    telling = [mean for mean in means if mean[f"{way}_transform_s"]]
    return _table(f"Where the time goes: seconds to {way} a pair", columns, telling)


def _bd_table(bd_rates: dict[str, dict[str, Any]]) -> Table:
    table = Table(title="BD-rate of snncodec on PSNR (negative: fewer bits)", title_justify="left")
    for heading in ("against", "mean", "best scene", "worst scene", "pairs"):
        table.add_column(heading, justify="left" if heading == "against" else "right")
    for name, entry in bd_rates.items():
        known = {scene: found["percent"] for scene, found in entry["scenes"].items() if found["percent"] is not None}
        order = sorted(known, key=known.__getitem__)
        extremes = [f"{_percent(known[scene])} {scene}" for scene in (order[0], order[-1])] if order else ["-", "-"]
        cells = (name, _percent(entry["mean"]), *extremes, f"{entry['pairs']} of {len(entry['scenes'])}")
        table.add_row(*map(Text, cells))
    return table


def _print_settings(result: BenchResult, console: Console) -> None:
    lines = [f"{name}: {settings}" for name, settings in result.settings.get("baselines", {}).items()]
    lines += [f"{key}: {value}" for key, value in result.settings.items() if key != "baselines"]
    for name, entry in result.summary["bd_rate"].items():
        reasons = {scene: found["reason"] for scene, found in entry["scenes"].items() if found["reason"]}
        lines += [f"no BD-rate against {name} on {scene}: {reason}" for scene, reason in reasons.items()]
    lines += [f"left out, no partner: {path}" for path in result.orphans]
    for line in lines:
        console.print(line, style="dim", markup=False, highlight=False)


def _cell(value: Any, form: str) -> str:
    return "-" if value is None else format(value, form)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1f} %"


def _finite(value: Any) -> Any:
    """The same nest of dicts and lists with null for every number that JSON cannot write."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""A BenchResult comes in; tables on a console go out.

Nothing is measured or averaged here: every figure shown is in the result already.
"""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from snncodec.benchmark.coders import OURS
from snncodec.benchmark.runner import BenchResult
from snncodec.stopwatch import STAGES

Columns = dict[str, tuple[str, str]]  # title -> (key of a record, format), the most important first

WORDS = ("scene", "codec", "against", "way", "layer", "network")  # columns of text
HEADLINE: Columns = {"bpp": ("bpp", ".3f"), "PSNR dB": ("psnr", ".2f")}  # what a codec is judged by, in bold
DETAILS: Columns = {
    "MS-SSIM": ("ms_ssim", ".4f"),
    "left bpp": ("bpp_left", ".3f"),
    "right bpp": ("bpp_right", ".3f"),
    "left dB": ("psnr_left", ".2f"),
    "right dB": ("psnr_right", ".2f"),
    "encode s": ("encode_s", ".3f"),
    "decode s": ("decode_s", ".3f"),
}
LITTLE_OVERLAP = 0.75  # of the shorter curve's range of PSNR; a BD-rate below is marked
FEWEST_COLUMNS = 2
NARROW = 40  # columns of a console where tables do without frames


def print_tables(result: BenchResult, console: Console, per_pair: bool = False) -> None:
    """Print means, BD-rates, one line per pair, speeds and settings; with `per_pair` every row as well, first.

    Tables leave out their last columns where the console is narrow; "-" stands for no value.
    """
    summary = result.summary
    if per_pair:
        columns: Columns = {"scene": ("scene", ""), "codec": ("codec", ""), "q": ("quality", "d")}
        console.print(fitted("Every pair", columns | HEADLINE | DETAILS, result.rows, console))
    columns = {"codec": ("codec", ""), "q": ("quality", "d")} | HEADLINE | DETAILS
    pairs = len({row["scene"] for row in result.rows})
    console.print(fitted(f"Means over {pairs} pairs", columns, summary["means"], console))
    if summary["bd_rate"]:
        console.print(_bd_table(summary["bd_rate"], console))
    console.print(_pairs_table(result, console))
    console.print(_speed_table(summary, console))
    console.print(_stage_table(summary["speed"], console))
    _print_settings(result, console)


def fitted(title: str, columns: Columns, records: list[dict[str, Any]], console: Console) -> Table:
    """The table with as many of its columns as fit the console."""
    shown = dict(columns)
    unlimited = console.options.update(width=10_000)
    frame = None if console.width < NARROW else box.HEAVY_HEAD
    while len(shown) > FEWEST_COLUMNS:
        if console.measure(_table("", shown, records, frame), options=unlimited).maximum <= console.width:
            break
        shown.popitem()
    if missing := [name for name in columns if name not in shown]:
        title += f" (no room for {', '.join(missing)})"
    return _table(title, shown, records, frame)


def _table(title: str, columns: Columns, records: list[dict[str, Any]], frame: box.Box | None) -> Table:
    table = Table(title=title, title_justify="left", box=frame, pad_edge=bool(frame))
    for heading in columns:
        words, style = heading in WORDS, "bold" if heading in HEADLINE else None
        table.add_column(heading, justify="left" if words else "right", style=style, no_wrap=not words, overflow="fold")
    for number, record in enumerate(records):
        curve = [(other.get("scene"), other["codec"]) for other in (record, records[number - 1]) if "q" in columns]
        if number and len(set(curve)) == 2:
            table.add_section()
        table.add_row(*(Text(_cell(record[key], form)) for key, form in columns.values()))  # Text: "[x]" is no markup
    return table


def _bd_table(bd_rates: dict[str, dict[str, Any]], console: Console) -> Table:
    """Of all pairs: their mean, that of mean curves, and the pairs at both ends."""
    records = []
    for name, entry in bd_rates.items():
        known = {scene: found["percent"] for scene, found in entry["scenes"].items() if found["percent"] is not None}
        order = sorted(known, key=known.__getitem__)
        best, worst = (f"{_percent(known[scene])} {scene}" for scene in (order[0], order[-1])) if order else ("-", "-")
        record = {"against": name, "mean": _percent(entry["mean"]), "curves": _percent(entry["mean_curves"])}
        records.append(record | {"best": best, "worst": worst, "pairs": f"{entry['pairs']} of {len(entry['scenes'])}"})
    columns: Columns = {"against": ("against", ""), "mean of pairs": ("mean", ""), "of mean curves": ("curves", "")}
    columns |= {"pairs": ("pairs", ""), "best pair": ("best", ""), "worst pair": ("worst", "")}
    return fitted(f"BD-rate of {OURS} on PSNR (negative: fewer bits)", columns, records, console)


def _pairs_table(result: BenchResult, console: Console) -> Table:
    """One line per pair: what it takes and reaches, and its BD-rate against each of the others."""
    records: dict[str, dict[str, Any]] = {}
    for row in result.rows:
        if row["codec"] == OURS:
            record = records.setdefault(
                row["scene"], {"scene": row["scene"], "size": f"{row['width']}x{row['height']}"}
            )
            span = (record.get("first", row), row)
            record["first"] = span[0]
            record["bpp"], record["psnr"] = (
                " to ".join(dict.fromkeys(format(end[key], form) for end in span))
                for key, form in (("bpp", ".3f"), ("psnr", ".1f"))
            )
    columns: Columns = {"scene": ("scene", ""), "pixels": ("size", "")}
    for name, entry in result.summary["bd_rate"].items():
        columns[name] = (name, "")
        for scene, record in records.items():
            found = entry["scenes"].get(scene, {"percent": None, "overlap": 1.0})
            record[name] = _percent(found["percent"]) + ("?" if found["overlap"] < LITTLE_OVERLAP else "")
    columns |= {"bpp": ("bpp", ""), "dB": ("psnr", "")}
    return fitted(
        f"Every pair: BD-rate of {OURS} against each, and its range", columns, list(records.values()), console
    )


def _speed_table(summary: dict[str, Any], console: Console) -> Table:
    memory = summary.get("peak_memory", {})
    nothing = {"encode_peak_mb": None, "decode_peak_mb": None}
    records = [{"codec": name} | speed | memory.get(name, nothing) for name, speed in summary["speed"].items()]
    columns: Columns = {"codec": ("codec", ""), "encode MP/s": ("encode_mp_s", ".2f")}
    columns |= {"decode MP/s": ("decode_mp_s", ".2f"), "encode MB": ("encode_peak_mb", ".0f")}
    columns |= {"decode MB": ("decode_peak_mb", ".0f")}
    title = "Speed on one thread; peak memory of a process"
    if memory:
        title += f" ({next(iter(memory.values()))['scene']})"
    return fitted(title, columns, records, console)


def _stage_table(speeds: dict[str, dict[str, float]], console: Console) -> Table:
    """Of snncodec alone: nobody has timed the stages of the others."""
    records = [
        {"way": way} | {stage: speeds[OURS][f"{way}_{stage}_s"] for stage in STAGES}
        for way in ("encode", "decode")
        if OURS in speeds
    ]
    columns: Columns = {"way": ("way", "")} | {stage.replace("_", " "): (stage, ".0%") for stage in STAGES}
    return fitted(f"Where the time of {OURS} goes", columns, records, console)


def _print_settings(result: BenchResult, console: Console) -> None:
    lines = [f"{name}: {settings}" for name, settings in result.settings["coders"].items()]
    lines += [f"{key}: {value}" for key, value in result.settings.items() if key != "coders"]
    for name, entry in result.summary["bd_rate"].items():
        for scene, found in entry["scenes"].items():
            if found["reason"]:
                lines.append(f"no BD-rate against {name} on {scene}: {found['reason']}")
            elif found["overlap"] < LITTLE_OVERLAP:
                lines.append(f"? {name} on {scene}: the curves share {found['overlap']:.0%} of the shorter one's range")
    lines += [f"left out, no partner: {path}" for path in result.orphans]
    lines += result.faults
    if result.missing:
        lines.append(f"PARTIAL: {result.missing} of {len(result.rows) + result.missing} rows are missing")
    for line in lines:
        console.print(line, style="dim", markup=False, highlight=False)


def _cell(value: Any, form: str) -> str:
    return "-" if value is None else format(value, form)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1f} %"

"""Tables, a plot and the content of pairs come in; the HTML of a page that needs nothing else goes out."""

from __future__ import annotations

import json
import re
from html import escape
from importlib.resources import files
from typing import Any

from snncodec.benchmark.runner import BenchResult
from snncodec.benchmark.web_report import colours, pictures, rd_plot, scenes, tables
from snncodec.benchmark.web_report.folder import GENERATOR
from snncodec.benchmark.web_report.maps import INTER, INTRA, SKIPPED

PLACE = re.compile(r"\{\{ (\w+) \}\}")  # in page.html


def fill(result: BenchResult, found: list[scenes.Content]) -> str:
    """The page. What stands in names and settings is text, whatever it looks like."""
    pairs = len({row["scene"] for row in result.rows})
    content = {
        "generator": GENERATOR,
        "css": _part("page.css") + _style(),
        "js": _part("page.js"),
        "subtitle": escape(f"{pairs} pairs of {result.settings.get('data', 'a folder')}"),
        "partial": _partial(result),
        "plot": rd_plot.draw_plot(result.summary["means"], pairs),
        "tables": tables.make_tables(result),
        "options": "".join(f'<option value="{n}">{escape(one["label"])}</option>' for n, one in enumerate(found)),
        "scenes": "\n".join(f'<script type="application/json" class="scene">{_json(one)}</script>' for one in found),
        "side": str(pictures.LONGEST_SIDE),
        "error_side": str(pictures.ERROR_SIDE),
        "webp": str(pictures.PICTURE_QUALITY),
        "full_webp": str(scenes.FULL_QUALITY),
        "error_max": str(colours.ERROR_MAX),
        "settings": _settings(result),
    }
    return PLACE.sub(lambda place: content[place[1]], _part("page.html"))


def _part(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _json(content: scenes.Content) -> str:
    """JSON in which no tag can begin or end."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _style() -> str:
    """The colours of maps, where their legends need them."""
    names = {"intra": INTRA, "inter": INTER, "skipped": SKIPPED}
    lines = [f"--{name}: {colours.in_css(colours.MODE_COLOURS[mode])};" for name, mode in names.items()]
    lines += [f"--unmatched: {colours.in_css(colours.UNMATCHED)};"]
    lines += [f"--error: {colours.gradient(colours.INFERNO)};", f"--field: {colours.gradient(colours.VIRIDIS)};"]
    return f"\n:root {{ {' '.join(lines)} }}\n"


def _partial(result: BenchResult) -> str:
    total = len(result.rows) + result.missing
    why = "; ".join(["the run was interrupted"] * result.interrupted + result.faults)
    sentence = escape(f"Partial: {result.missing} of {total} rows are missing{': ' * bool(why)}{why}.")
    return f'<p class="warning">{sentence}</p>' if result.missing else ""


def _settings(result: BenchResult) -> str:
    """All settings as terms and what they were, those of coders one by one."""
    entries: dict[str, Any] = dict(result.settings)
    entries |= {f"coder {name}": settings for name, settings in entries.pop("coders", {}).items()}
    entries |= {f"version of {name}": version for name, version in entries.pop("versions", {}).items()}
    for name, entry in result.summary["bd_rate"].items():
        for scene, one in entry["scenes"].items():
            if one["reason"]:
                entries[f"no BD-rate against {name} on {scene}"] = one["reason"]
    if result.orphans:
        entries["left out, no partner"] = ", ".join(map(str, result.orphans))
    return "\n".join(f"<dt>{escape(str(key))}</dt><dd>{escape(str(value))}</dd>" for key, value in entries.items())

"""A BenchResult comes in; tables in HTML go out, with the raw number of every cell for sorting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import Any

from snncodec.benchmark.coders import OURS
from snncodec.benchmark.runner import BenchResult

Record = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """What a table says of each record; `form` is that of numbers, and text has none."""

    title: str
    key: str
    form: str = ""


@dataclass(frozen=True)
class Table:
    """A caption and its rows."""

    identifier: str
    caption: str
    columns: list[Column]
    records: list[Record]

    def html(self) -> str:
        """In a frame that scrolls where the page is too narrow, by keyboard, too."""
        rows = ("".join(map(self._cell, self.columns, [record] * len(self.columns))) for record in self.records)
        body = "\n".join(f"<tr>{row}</tr>" for row in rows)
        return (
            f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{self.identifier}-caption">\n'
            f'<table id="{self.identifier}"><caption id="{self.identifier}-caption">{escape(self.caption)}</caption>\n'
            f"<thead><tr>{''.join(map(_heading, self.columns))}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
        )

    def _cell(self, column: Column, record: Record) -> str:
        value = record.get(column.key)
        first = column is self.columns[0]
        tag, scope = ("th", ' scope="row"') if first else ("td", "")
        if not column.form:
            text = escape("-" if value is None else str(value))
            if first and "picture" in record:
                text = f'<a href="#viewer" data-scene="{record["picture"]}">{text}</a>'
            return f'<{tag}{scope} class="words">{text}</{tag}>'
        number = "" if value is None else f' data-value="{value!r}"'.replace("inf", "Infinity")
        return f"<{tag}{scope}{number}>{_number(value, column.form)}</{tag}>"


def _heading(column: Column) -> str:
    words = "" if column.form else ' class="words"'
    return f'<th scope="col"{words}><button type="button">{escape(column.title)}</button></th>'


def make_tables(result: BenchResult) -> str:
    """Means, BD-rates, pairs and all rows."""
    return "\n".join(table.html() for table in (_means(result), _bd_rates(result), _pairs(result), _rows(result)))


MEASURED = [
    Column("bpp", "bpp", ".3f"),
    Column("PSNR dB", "psnr", ".2f"),
    Column("MS-SSIM", "ms_ssim", ".4f"),
    Column("left bpp", "bpp_left", ".3f"),
    Column("right bpp", "bpp_right", ".3f"),
    Column("left dB", "psnr_left", ".2f"),
    Column("right dB", "psnr_right", ".2f"),
    Column("encode s", "encode_s", ".3f"),
    Column("decode s", "decode_s", ".3f"),
]
POINT = [Column("codec", "codec"), Column("quality", "quality", "d")]


def _means(result: BenchResult) -> Table:
    pairs = len({row["scene"] for row in result.rows})
    return Table("means", f"Means over {pairs} pairs", [*POINT, *MEASURED], result.summary["means"])


def _bd_rates(result: BenchResult) -> Table:
    """Of all pairs: their mean, that of mean curves, and the pairs at both ends."""
    records = []
    for name, entry in result.summary["bd_rate"].items():
        known = {scene: found["percent"] for scene, found in entry["scenes"].items() if found["percent"] is not None}
        order = sorted(known, key=known.__getitem__)
        record = {"against": name, "mean": entry["mean"], "curves": entry["mean_curves"], "pairs": entry["pairs"]}
        if order:
            record |= {"best": known[order[0]], "best pair": order[0]}
            record |= {"worst": known[order[-1]], "worst pair": order[-1]}
        records.append(record)
    columns = [Column("against", "against"), Column("mean of pairs %", "mean", "+.1f")]
    columns += [Column("of mean curves %", "curves", "+.1f"), Column("pairs", "pairs", "d")]
    columns += [Column("best %", "best", "+.1f"), Column("best pair", "best pair")]
    columns += [Column("worst %", "worst", "+.1f"), Column("worst pair", "worst pair")]
    return Table("bd-rates", f"BD-rate of {OURS} on PSNR (negative: fewer bits)", columns, records)


def _pairs(result: BenchResult) -> Table:
    """One line per pair: what it takes and reaches, and its BD-rate against each of the others."""
    numbers = {picture.label: number for number, picture in enumerate(result.pictures)}
    columns = [Column("scene", "scene"), Column("width", "width", "d"), Column("height", "height", "d")]
    others = result.summary["bd_rate"]
    columns += [Column(f"{name} %", f"bd {name}", "+.1f") for name in others]
    columns += [Column("least bpp", "bpp 0", ".3f"), Column("most bpp", "bpp 1", ".3f")]
    columns += [Column("least dB", "psnr 0", ".1f"), Column("most dB", "psnr 1", ".1f")]
    records = []
    for scene in dict.fromkeys(row["scene"] for row in result.rows):
        rows = [row for row in result.rows if (row["scene"], row["codec"]) == (scene, OURS)]
        record = {"scene": scene} | {key: row[key] for row in rows for key in ("width", "height")}
        if scene in numbers:
            record["picture"] = numbers[scene]
        for key in ("bpp", "psnr"):
            values = [row[key] for row in rows]
            record |= {f"{key} 0": min(values, default=None), f"{key} 1": max(values, default=None)}
        found = {name: entry["scenes"].get(scene, {"percent": None}) for name, entry in others.items()}
        records.append(record | {f"bd {name}": one["percent"] for name, one in found.items()})
    return Table("pairs", f"Every pair: BD-rate of {OURS} against each, and its range", columns, records)


def _rows(result: BenchResult) -> Table:
    columns = [Column("scene", "scene"), *POINT, Column("bytes", "bytes", "d"), *MEASURED]
    return Table("rows", "Every row", columns, result.rows)


def _number(value: float | None, form: str) -> str:
    if value is None:
        return "-"
    return format(value, form) if math.isfinite(value) else "∞"

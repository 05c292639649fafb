"""A BenchResult comes in; a JSON file or a CSV file with its figures, unrounded, goes out; and JSON comes back."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

from snncodec.benchmark.runner import BenchResult
from snncodec.errors import InputError
from snncodec.io.files import write_bytes


def write_json(result: BenchResult, path: Path, force: bool = False) -> None:
    """Write {"rows", "summary", "settings", "missing_rows"} as strict JSON, whole or not at all; InputError as
    `files.write_files`.

    JSON has no infinity: the PSNR of a lossless row is written as null, like an MS-SSIM that does not exist. Orphans
    are listed under settings. Rows are missing where the run was "interrupted", and for the reasons in "faults", which
    are there if it was so, like "spikes" if they were counted.
    """
    settings = result.settings | {"orphans": [str(orphan) for orphan in result.orphans]}
    content = {"rows": result.rows, "summary": result.summary, "settings": settings, "missing_rows": result.missing}
    further = {"interrupted": result.interrupted, "faults": result.faults, "spikes": result.spikes}
    content |= {key: value for key, value in further.items() if value}
    rows = (json.dumps(row, allow_nan=False) for row in _finite(content.pop("rows")))  # one line each
    rest = json.dumps(_finite(content), indent=1, allow_nan=False)
    text = '{\n "rows": [\n  ' + ",\n  ".join(rows) + "\n ],\n" + rest.removeprefix("{\n") + "\n"
    write_bytes(path, text.encode(), force)


def read_json(path: Path) -> BenchResult:
    """What `write_json` wrote, without pictures and files; InputError where it is something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        orphans = [Path(name) for name in content["settings"].pop("orphans")]
        return BenchResult(
            content["rows"],
            content["summary"],
            content["settings"],
            orphans,
            missing=content["missing_rows"],
            interrupted=content.get("interrupted", False),
            faults=content.get("faults", []),
            spikes=content.get("spikes", {}),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} holds no results of bench --json ({error!r})") from error


def write_csv(result: BenchResult, path: Path, force: bool = False) -> None:
    """Write the rows as CSV under a line of keys, whole or not at all; InputError as `files.write_files`.

    An infinite PSNR is written as inf, which spreadsheets and numpy read; an empty cell stands for no value.
    """
    text = io.StringIO()
    keys = list(dict.fromkeys(key for row in result.rows for key in row))
    writer = csv.DictWriter(text, keys, lineterminator="\n")
    writer.writeheader()
    writer.writerows(result.rows)
    write_bytes(path, text.getvalue().encode("utf-8", "backslashreplace"), force)


def _finite(value: Any) -> Any:
    """The same nest of dicts and lists with null for every number that JSON cannot write."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""Files of snncodec come in; for each pair, the pictures and figures that the page shows go out, as plain values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snncodec.benchmark.coders import OURS
from snncodec.benchmark.measurement import Picture, Row
from snncodec.benchmark.runner import BenchResult
from snncodec.benchmark.web_report import pictures
from snncodec.benchmark.web_report.colours import colour_field, colour_modes
from snncodec.benchmark.web_report.folder import FULL
from snncodec.benchmark.web_report.maps import InspectedFile, inspect_file, read_field
from snncodec.benchmark.web_report.pictures import ANAGLYPH_QUALITY, ERROR_QUALITY, data_uri, webp
from snncodec.codec import Codec
from snncodec.constants import BLOCK
from snncodec.errors import SnncodecError
from snncodec.io.images import StereoPair

FIGURES = ("quality", "bytes", "bpp", "bpp_left", "bpp_right", "psnr", "psnr_left", "psnr_right", "ms_ssim")
FULL_QUALITY = 90  # of WebP
OUTLIERS = 1  # per cent of the blocks at either end that do not stretch the scale of displacements

Content = dict[str, Any]  # what JSON can hold
Views = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Drawing:
    """What the pictures of a report are made with."""

    codec: Codec | None  # None where no file is there
    files: dict[tuple[str, int], bytes]
    folder: Path
    full_quality: int | None  # whose decoded pictures are linked in full size


def draw_scenes(
    result: BenchResult, folder: Path, progress: Callable[[int, int], object] | None = None
) -> Iterator[Content]:
    """The content of each pair; its full-size pictures are written below `folder`."""
    qualities = sorted({quality for _, quality in result.files})
    codec = Codec(result.settings["weights"], result.settings.get("device", "auto")) if qualities else None
    middle = qualities[len(qualities) // 2] if qualities else None
    drawing = Drawing(codec, result.files, folder, middle)
    (folder / FULL).mkdir()
    for number, picture in enumerate(result.pictures):
        rows = [row for row in result.rows if (row["scene"], row["codec"]) == (picture.label, OURS)]
        yield _draw_scene(drawing, picture, sorted(rows, key=lambda row: row["quality"]), number)
        if progress:
            progress(number + 1, len(result.pictures))


def _draw_scene(drawing: Drawing, picture: Picture, rows: list[Row], number: int) -> Content:
    blocks = [-(-picture.height // BLOCK), -(-picture.width // BLOCK)]
    content: Content = {"label": picture.label, "height": picture.height, "width": picture.width, "blocks": blocks}
    try:
        original = picture.read().views()
    except SnncodecError as error:
        note = f"The original cannot be read any more: {error}"
        return content | {"original": None, "coded": [_figures(row) | {"note": note} for row in rows]}
    scale = _scale([data for (label, _), data in drawing.files.items() if label == picture.label])
    coded: list[Content] = []
    for row in rows:
        one = _inspect(drawing, picture, row["quality"])
        shown = {"note": one} if isinstance(one, str) else _draw(original, one, scale)
        coded.append(_figures(row) | shown)
        if isinstance(one, InspectedFile) and row["quality"] == drawing.full_quality:
            coded[-1]["full"] = _write_full(drawing.folder, f"{number:02d}_{_slug(picture.label)}", one.pair)
    small = {
        side: data_uri(webp(pictures.scaled(view))) for side, view in zip(("left", "right"), original, strict=True)
    }
    return content | {"original": small, "field_scale": scale, "coded": coded}


def _inspect(drawing: Drawing, picture: Picture, quality: int) -> InspectedFile | str:
    """What a file holds, or why that cannot be shown."""
    data = drawing.files.get((picture.label, quality))
    if data is None or drawing.codec is None:
        return "The file of this row is no longer in the cache, so there are no pictures of it."
    try:
        return inspect_file(drawing.codec, data)
    except SnncodecError as error:
        return f"The file of this row cannot be decoded: {error}"


def _draw(original: Views, one: InspectedFile, scale: list[float] | None) -> Content:
    decoded = one.pair.views()
    small = [pictures.scaled(view) for view in decoded]
    content: Content = {side: data_uri(webp(view)) for side, view in zip(("left", "right"), small, strict=True)}
    for side, before, after in zip(("left", "right"), original, decoded, strict=True):
        content[f"error_{side}"] = data_uri(webp(pictures.error_map(before, after), ERROR_QUALITY))
    content["anaglyph"] = data_uri(webp(pictures.anaglyph(*small), ANAGLYPH_QUALITY))
    content["modes"] = data_uri(webp(colour_modes(one.modes), lossless=True))
    content["shares"] = one.shares()
    if one.field and scale:
        content["field"] = data_uri(webp(colour_field(one.field, *scale), lossless=True))
        content["rows"] = [float(end) / 4 for end in _ends(one.field.displacements[1][one.field.matched])]
    return content


def _scale(files: list[bytes]) -> list[float] | None:
    """The pixels at both ends of the scale of displacements, which all qualities share; None without a field."""
    matched = []
    for data in files:
        with suppress(SnncodecError):  # `_inspect` will tell
            if field := read_field(data):
                matched.append(field.displacements[0][field.matched])
    together = np.concatenate(matched) if matched else np.zeros(0)
    if not together.size:
        return None
    low, high = np.percentile(together / 4, [OUTLIERS, 100 - OUTLIERS])
    return [math.floor(low), math.ceil(high)]


def _ends(values: np.ndarray) -> tuple[int, int]:
    return (int(values.min()), int(values.max())) if values.size else (0, 0)


def _write_full(folder: Path, name: str, pair: StereoPair) -> dict[str, str]:
    """Write both decoded views; their places as the page links to them. No layout of `datasets` has such names."""
    places = {side: f"{FULL}/{name}-{side}.webp" for side in ("left", "right")}
    for place, view in zip(places.values(), pair.views(), strict=True):
        (folder / place).write_bytes(webp(view, FULL_QUALITY))
    return places


def _slug(label: str) -> str:
    """What of a label is safe in any file name and address."""
    return re.sub("[^A-Za-z0-9]+", "-", label)[:40].strip("-")


def _figures(row: Row) -> Content:
    """Those of a row, with null for an infinite PSNR."""
    values = {key: row[key] for key in FIGURES}
    return {key: None if value is None or not math.isfinite(value) else value for key, value in values.items()}

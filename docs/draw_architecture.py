"""Draw docs/architecture.svg, how a pair becomes a file and a file a pair: `python docs/draw_architecture.py`.

Boxes stand in three columns, at places written down here; arrows run between their edges. Nothing but the standard
library is needed, and the same picture comes out every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

LEFT, BETWEEN, RIGHT = 62, 412, 762  # where the three columns begin
COLUMN, LINE_HEIGHT = 300, 18
WIDTH, HEIGHT = 1092, 1390
FONT = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
STYLES = {  # kind: fill, stroke, dashes
    "exact": ("#e6f0fb", "#1d5fa6", ""),
    "float": ("#fff1dd", "#b85c00", "7 4"),
    "data": ("#f0f0f0", "#555555", ""),
}
LEGEND = (
    ("exact", "exact: integers in fixed point, alike on every machine"),
    ("float", "float: may differ from machine to machine; the file holds what it decided"),
    ("data", "pictures and bytes"),
)
BANDS = (("ENCODE", 12, 722), ("FILE", 732, 920), ("DECODE", 930, 1378))  # label, top, bottom


@dataclass(frozen=True)
class Box:
    """A step of the codec, or what goes in and comes out; the first line of its text is the title."""

    x: int
    y: int
    kind: str
    lines: tuple[str, ...]
    width: int = COLUMN

    @property
    def bottom(self) -> int:
        return self.y + 12 + LINE_HEIGHT * len(self.lines)

    @property
    def centre(self) -> int:
        return self.x + self.width // 2

    @property
    def middle(self) -> int:
        return (self.y + self.bottom) // 2


ENTROPY_MODEL = (
    "EntropyModel",
    "HyperEncoder (h_a): y → z, rounded to ẑ",
    "HyperDecoder (h_s): ẑ → membrane",
    "ContextModel: mean and table index",
)
DECISION = (
    "decide_inter_view",
    "DisplacementSearch: where blocks lie",
    "fit_weights: gain and offset per colour",
    "try_view: intra, inter or skipped",
)
FUSION = ("EntropyModel with Fusion", "ẑ is coded where no prediction tells it", "Fusion: trust in predicted latents")
PACK = "pack: version, quality, id of the weights, size; then every section's length and CRC-32"
UNPACK = "unpack: whatever is not as the header says is refused"
WHOLE = RIGHT + COLUMN - LEFT

BOXES = {
    # the left view, encoder
    "left": Box(LEFT, 28, "data", ("left view x", "8-bit RGB, continued to whole blocks")),
    "left encoder": Box(LEFT, 104, "float", ("LeftEncoder (g_a)", "y = A x + E(x)")),
    "left model": Box(LEFT, 180, "exact", ENTROPY_MODEL),
    "left rdoq": Box(LEFT, 302, "float", ("rdoq", "symbols: y - mean, rounded to save bits")),
    "left symbols": Box(LEFT, 378, "exact", ("SymbolEncoder", "range coder with 64 stored tables")),
    # between the views, encoder
    "left decoder": Box(BETWEEN, 198, "exact", ("Decoder (g_s)", "the left view as it will be decoded")),
    "decision": Box(BETWEEN, 286, "float", DECISION),
    "field": Box(BETWEEN, 404, "exact", ("encode_inter_view", "displacement field, kernel, weights")),
    "prediction": Box(BETWEEN, 490, "exact", ("warp, apply_weights", "the left view, moved and weighted")),
    # the right view, encoder
    "right": Box(RIGHT, 304, "data", ("right view x", "8-bit RGB, continued to whole blocks")),
    "right encoder": Box(RIGHT, 404, "float", ("RightEncoder (g_a)", "y = A x + E(x, prediction)")),
    "right model": Box(RIGHT, 480, "exact", FUSION),
    "right rdoq": Box(RIGHT, 584, "float", ("rdoq", "symbols: y - mean, rounded to save bits")),
    "right symbols": Box(RIGHT, 660, "exact", ("SymbolEncoder", "ẑ, skip flags, symbols")),
    # the file
    "pack": Box(LEFT, 746, "exact", (PACK,), WHOLE),
    "LEFT": Box(LEFT, 802, "data", ("LEFT", "needs no other section")),
    "DISPARITY": Box(BETWEEN, 802, "data", ("DISPARITY", "left view → prediction of the right one")),
    "RIGHT": Box(RIGHT, 802, "data", ("RIGHT", "whole, or what the prediction lacks")),
    "unpack": Box(LEFT, 876, "exact", (UNPACK,), WHOLE),
    # the left view, decoder
    "left symbols out": Box(LEFT, 946, "exact", ("SymbolDecoder", "range coder with the same tables")),
    "left model out": Box(LEFT, 1028, "exact", ("EntropyModel", "ẑ, then ŷ = mean + symbols")),
    "left decoder out": Box(LEFT, 1104, "exact", ("Decoder (g_s)", "x̂ = B ŷ + D(B ŷ)")),
    "left out": Box(LEFT, 1318, "data", ("left view x̂", "8-bit RGB, cropped to its size")),
    # between the views, decoder
    "field out": Box(BETWEEN, 946, "exact", ("decode_inter_view", "displacement field, kernel, weights")),
    "warp out": Box(BETWEEN, 1104, "exact", ("warp", "overlapping blocks, quarter pixels")),
    "prediction out": Box(BETWEEN, 1180, "exact", ("apply_weights", "gain and offset per colour")),
    # the right view, decoder
    "right symbols out": Box(RIGHT, 1082, "exact", ("SymbolDecoder", "ẑ, skip flags, symbols")),
    "right model out": Box(RIGHT, 1164, "exact", ("EntropyModel with Fusion", "ŷ; skipped blocks: predicted latents")),
    "right decoder out": Box(RIGHT, 1240, "exact", ("Decoder (g_s)", "x̂ = B ŷ + D(B ŷ, prediction)")),
    "right out": Box(RIGHT, 1318, "data", ("right view x̂", "8-bit RGB, cropped to its size")),
}
DOWN = (  # arrows between boxes of a column, or to and from the file
    ("left", "left encoder"),
    ("left encoder", "left model"),
    ("left rdoq", "left symbols"),
    ("left symbols", "pack"),
    ("left decoder", "decision"),
    ("decision", "field"),
    ("field", "prediction"),
    ("right", "right encoder"),
    ("right encoder", "right model"),
    ("right rdoq", "right symbols"),
    ("right symbols", "pack"),
    ("left model out", "left decoder out"),
    ("left decoder out", "left out"),
    ("field out", "warp out"),
    ("warp out", "prediction out"),
    ("right model out", "right decoder out"),
    ("right decoder out", "right out"),
)
PASS_BY_PASS = (
    ("left model", "left rdoq"),
    ("right model", "right rdoq"),
    ("left symbols out", "left model out"),
    ("right symbols out", "right model out"),
)


def text(x: int, y: int, words: str, *, size: int = 14, bold: bool = False, anchor: str = "middle") -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'


def rectangle(kind: str, x: int, y: int, width: int, height: int) -> str:
    fill, stroke, dashes = STYLES[kind]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    place = f'x="{x}" y="{y}" width="{width}" height="{height}"'
    return f'<rect {place} rx="6" fill="{fill}" stroke="{stroke}" stroke-width="1.8"{dashed}/>'


def draw_box(box: Box) -> Iterator[str]:
    yield rectangle(box.kind, box.x, box.y, box.width, box.bottom - box.y)
    for number, line in enumerate(box.lines):
        place, is_title = (box.centre, box.y + 20 + LINE_HEIGHT * number), number == 0
        yield text(*place, line, size=14 if is_title else 13, bold=is_title and box.width == COLUMN)


def arrow(*points: tuple[int, int], both: bool = False) -> str:
    """A line through these points with a tip at its end, or at both ends."""
    places = " ".join(f"{x},{y}" for x, y in points)
    start = ' marker-start="url(#tip)"' if both else ""
    return (
        f'<polyline points="{places}" fill="none" stroke="#222222" stroke-width="1.6" marker-end="url(#tip)"{start}/>'
    )


def down(upper: str, lower: str, *, both: bool = False) -> str:
    """An arrow down the middle of the narrower one of two boxes."""
    narrow = min(BOXES[upper], BOXES[lower], key=lambda box: box.width)
    return arrow((narrow.centre, BOXES[upper].bottom), (narrow.centre, BOXES[lower].y), both=both)


def draw_arrows() -> Iterator[str]:
    """All arrows: down the columns, then those from column to column."""
    for pair in DOWN:
        yield down(*pair)
    for section in ("LEFT", "DISPARITY", "RIGHT"):
        yield down("pack", section)
        yield down(section, "unpack")
    for reader in ("left symbols out", "field out", "right symbols out"):
        yield down("unpack", reader)
    for upper, lower in PASS_BY_PASS:
        yield down(upper, lower, both=True)
        place = BOXES[upper].centre + 12, (BOXES[upper].bottom + BOXES[lower].y) // 2 + 4
        yield text(*place, "pass by pass", size=12, anchor="start")
    middle = {name: box.middle for name, box in BOXES.items()}
    first, second = BETWEEN - 25, RIGHT - 25  # between the columns
    yield arrow((LEFT + COLUMN, middle["left decoder"]), (BETWEEN, middle["left decoder"]))
    yield text(first, middle["left decoder"] - 6, "ŷ")
    yield arrow((RIGHT, middle["decision"]), (BETWEEN + COLUMN, middle["decision"]))
    yield arrow((LEFT + COLUMN, middle["warp out"]), (BETWEEN, middle["warp out"]))
    yield text(first, middle["warp out"] - 6, "x̂")
    aside, height = BETWEEN - 14, BOXES["pack"].y
    yield arrow((BETWEEN, middle["field"]), (aside, middle["field"]), (aside, height))
    for source, network in (("prediction", "right encoder"), ("prediction out", "right decoder out")):
        yield arrow((BETWEEN + COLUMN, middle[source]), (RIGHT, middle[source]))
        yield arrow((second, middle[source]), (second, middle[network]), (RIGHT, middle[network]))


def draw_legend(x: int, y: int) -> Iterator[str]:
    for number, (kind, words) in enumerate(LEGEND):
        yield rectangle(kind, x, y + 28 * number, 34, 18)
        yield text(x + 46, y + 28 * number + 14, words, anchor="start")


def draw() -> str:
    """The whole picture as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="{FONT}" fill="#111111">',
        "<title>How snncodec turns a stereo pair into a file, and a file into a stereo pair</title>",
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse"><path d="M0,0 L10,5 L0,10 z" fill="#222222"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for label, top, bottom in BANDS:
        place = f'x="10" y="{top}" width="{WIDTH - 20}" height="{bottom - top}"'
        parts.append(f'<rect {place} rx="8" fill="#fafafa" stroke="#cccccc"/>')
        middle = (top + bottom) // 2
        parts.append(f'<g transform="rotate(-90 34 {middle})">{text(34, middle + 5, label, size=15, bold=True)}</g>')
    parts += draw_arrows()
    for box in BOXES.values():
        parts += draw_box(box)
    parts += draw_legend(BETWEEN + 60, 34)
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("architecture.svg").write_text(draw(), encoding="utf-8", newline="\n")

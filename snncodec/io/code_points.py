"""Code points of ITU-T H.273 come in; words for colours that are not those of sRGB go out."""

from __future__ import annotations

from collections.abc import Iterator

PRIMARIES = {4: "BT.470 M", 8: "film", 9: "BT.2020", 10: "XYZ", 11: "DCI-P3", 12: "Display P3"}
TRANSFERS = {5: "gamma 2.8", 8: "linear", 9: "logarithmic", 10: "logarithmic", 16: "PQ", 17: "DCI", 18: "HLG"}


def colours_of_code_points(primaries: int, transfer: int) -> Iterator[str]:
    """What follows the name of a picture whose colours are neither sRGB nor those of video that looks like it."""
    yield from taken_as_srgb(
        names[point] for names, point in ((PRIMARIES, primaries), (TRANSFERS, transfer)) if point in names
    )


def taken_as_srgb(colours: Iterator[str]) -> Iterator[str]:
    """A sentence about a picture of such colours, if there are any."""
    if words := " with ".join(colours):
        yield f"says that its colours are {words}; they are taken as sRGB, and will look different"

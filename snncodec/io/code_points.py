"""What PNG and AVIF say of their samples and Pillow does not hand over: their first bytes come in, sentences go out.

Colours are told by the code points of ITU-T H.273: PNG has them in cICP (PNG, third edition, 11.3.2.6), AVIF in colr
(ISO 14496-12), and its depth in av1C (AV1 codec ISO media file format binding, 2.3). Where there is an ICC profile as
well, that is what a file keeps.
"""

from __future__ import annotations

from collections.abc import Iterator

FIRST_BYTES = 2**18  # of a file, in which headers stand
PRIMARIES = {4: "BT.470 M", 8: "film", 9: "BT.2020", 10: "XYZ", 11: "DCI-P3", 12: "Display P3"}
TRANSFERS = {5: "gamma 2.8", 8: "linear", 9: "logarithmic", 10: "logarithmic", 16: "PQ", 17: "DCI", 18: "HLG"}


def unkept_properties(start: bytes) -> Iterator[str]:
    """What follows the name of a picture whose first bytes these are, for each property that becomes another."""
    if start.startswith(b"\x89PNG"):
        chunks = start[: start.find(b"IDAT")]
        at = chunks.find(b"cICP")
        if 0 < at < len(chunks) - 8 and b"iCCP" not in chunks:
            yield from unkept_colours(chunks[at + 4], chunks[at + 5])
    elif start[4:12] in (b"ftypavif", b"ftypavis"):
        at = start.find(b"colrnclx")
        if 0 < at < len(start) - 12 and b"colrprof" not in start and b"colrrICC" not in start:
            yield from unkept_colours(start[at + 9], start[at + 11])
        at = start.find(b"av1C")
        if 0 < at < len(start) - 6 and start[at + 6] & 0x40:
            yield reduced(12 if start[at + 6] & 0x20 else 10)


def unkept_colours(primaries: int, transfer: int) -> Iterator[str]:
    """A sentence on colours, given by two code points, that are not those of sRGB or of video that looks like it."""
    names = [names[point] for names, point in ((PRIMARIES, primaries), (TRANSFERS, transfer)) if point in names]
    if names:
        yield f"says that its colours are {' with '.join(names)}; they are taken as sRGB, and will look different"


def reduced(bits: int) -> str:
    """What follows the name of a picture of so many bits."""
    return f"has {bits} bits per sample; they are reduced to 8"

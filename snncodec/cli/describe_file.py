"""The bytes of a file come in; what its header says about it, and which sections are sound, goes out.

No payload is decoded, no weights are needed, and damaged payloads are reported rather than refused.
"""

from typing import Any

from snncodec.benchmark.metrics import bpp
from snncodec.bitstream import container


def inspect(data: bytes) -> dict[str, Any]:
    """Return the facts of a file as plain values that JSON can hold; errors as `container.read_header`.

    `bpp` counts the whole file over the pixels of both views. A section's `state` is "ok", "damaged" or "cut short";
    `surplus` counts the bytes after the last section, for which `decode` refuses the file.
    """
    header, sections = container.read_header(data)
    return {
        "width": header.width,
        "height": header.height,
        "bytes": len(data),
        "bpp": bpp(len(data), 2 * header.width * header.height),
        "quality": header.quality,
        "weights": header.weights_id.hex(),
        "inter_view": header.inter_view,
        "sections": [{"name": s.tag.name.lower(), "bytes": s.length, "state": s.state(data)} for s in sections],
        "surplus": max(0, len(data) - sections[-1].end),
    }


def describe(facts: dict[str, Any]) -> str:
    """Return what `inspect` found as lines for people."""
    lines = [
        f"picture   two views of {facts['width']}x{facts['height']}",
        f"size      {facts['bytes']:,} bytes, {facts['bpp']:.3f} bpp",
        f"quality   {facts['quality']}",
        f"weights   {facts['weights']}",
        f"views     {'the right one needs the left one' if facts['inter_view'] else 'independent of each other'}",
    ]
    lines += [f"{section['name']:9} {section['bytes']:,} bytes, {section['state']}" for section in facts["sections"]]
    if facts["surplus"]:
        lines.append(f"surplus   {facts['surplus']:,} bytes after the last section, for which decode refuses the file")
    return "\n".join(lines)

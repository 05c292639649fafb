"""The bytes of a file come in; what its header says about it, and which sections are sound, goes out.

No payload is decoded, no weights are needed, and damaged payloads are reported rather than refused.
"""

from typing import Any

from snncodec.benchmark.metrics import bpp
from snncodec.bitstream import container
from snncodec.constants import MAX_PIXELS
from snncodec.errors import SnncodecError
from snncodec.io.exif import describe_exif, exif_facts
from snncodec.model.weights_manifest import find_by_id


def inspect(data: bytes) -> dict[str, Any]:
    """Return the facts of a file as plain values that JSON can hold; errors as `container.read_header`.

    `bpp` counts the whole file over the pixels of both views. A section's `state` is "ok", "damaged" or "cut short";
    `surplus` counts the bytes after the last section, for which `decode` refuses the file. `shipped_weights` is the
    name of the weights, None if they are not shipped here; `obstacle` is why `decode` refuses the file, None if it will
    not, as far as one can say without decoding. `metadata` holds the fields of EXIF that are kept, by name.
    """
    header, sections = container.read_header(data)
    return {
        "width": header.width,
        "height": header.height,
        "bytes": len(data),
        "bpp": bpp(len(data), 2 * header.width * header.height),
        "quality": header.quality,
        "weights": header.weights_id.hex(),
        "shipped_weights": _name_of(header.weights_id),
        "obstacle": _obstacle(data, header.weights_id),
        "inter_view": header.inter_view,
        "sections": [{"name": s.tag.name.lower(), "bytes": s.length, "state": s.state(data)} for s in sections],
        "surplus": max(0, len(data) - sections[-1].end),
        "metadata": _metadata(data, sections[0]),
    }


def _name_of(weights_id: bytes) -> str | None:
    try:
        return find_by_id(weights_id)
    except SnncodecError:
        return None


def _metadata(data: bytes, first: container.Section) -> dict[str, Any]:
    whole = first.tag == container.Tag.EXIF and first.state(data) == "ok"
    return exif_facts(first.payload(data)) if whole else {}


def _obstacle(data: bytes, weights_id: bytes) -> str | None:
    """The sentence with which `decode` refuses the file before it decodes a symbol."""
    try:
        container.unpack(data, max_pixels=MAX_PIXELS)
        find_by_id(weights_id)
    except SnncodecError as error:
        return str(error)
    return None


def describe(facts: dict[str, Any]) -> str:
    """Return what `inspect` found as lines for people."""
    name = facts["shipped_weights"] or ""
    lines = [
        f"picture   two views of {facts['width']}x{facts['height']}",
        f"size      {facts['bytes']:,} bytes, {facts['bpp']:.3f} bpp",
        f"quality   {facts['quality']}",
        f"weights   {facts['weights']}{name and f' ({name}, shipped)'}",
        f"views     {'the right one needs the left one' if facts['inter_view'] else 'independent of each other'}",
    ]
    lines += [f"{section['name']:9} {section['bytes']:,} bytes, {section['state']}" for section in facts["sections"]]
    if facts["surplus"]:
        lines.append(f"surplus   {facts['surplus']:,} bytes after the last section, for which decode refuses the file")
    if facts["metadata"]:
        lines.append(f"taken     {describe_exif(facts['metadata'])}")
    yes = "yes, to the end" if facts.get("verified") else "yes"
    lines.append(f"decodes   {'no: ' + facts['obstacle'] if facts['obstacle'] else yes}")
    return "\n".join(lines)

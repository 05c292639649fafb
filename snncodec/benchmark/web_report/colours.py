"""Numbers come in, pixels go out: scales of colours, and what they look like in a style sheet."""

from __future__ import annotations

import numpy as np

from snncodec.benchmark.web_report.maps import INTER, INTRA, SKIPPED
from snncodec.bitstream.displacement_field import DisplacementField

# Equally spaced points of the scales "inferno" and "viridis" (Smith, van der Walt; CC0): even steps of lightness, which
# the colour-blind and black-and-white printers keep.
INFERNO = (
    (0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51), (249, 140, 10),
    (249, 201, 50), (252, 255, 164),
)  # fmt: skip
VIRIDIS = (
    (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129), (92, 200, 99),
    (170, 220, 50), (253, 231, 37),
)  # fmt: skip
UNMATCHED = (128, 128, 128)  # no colour of viridis is grey
MODE_COLOURS = {INTRA: (230, 159, 0), INTER: (0, 114, 178), SKIPPED: (221, 221, 221)}  # told apart by the colour-blind
ERROR_MAX = 32  # levels of luma at the bright end of the scale: eightfold amplification

Colour = tuple[int, int, int]


def on_scale(values: np.ndarray, low: float, high: float, scale: tuple[Colour, ...]) -> np.ndarray:
    """uint8 [H, W, 3]: the colours of numbers [H, W], those outside low..high as the ends."""
    places = np.clip((values - low) / ((high - low) or 1), 0, 1) * (len(scale) - 1)
    points = np.arange(len(scale))
    colours = [np.interp(places, points, channel) for channel in np.array(scale).T]
    return np.stack(colours, axis=-1).round().astype(np.uint8)


def colour_field(field: DisplacementField, low: float, high: float) -> np.ndarray:
    """uint8 [h, w, 3]: how many pixels to the right each block lies in the left view; grey where it does not."""
    colours = on_scale(field.displacements[0] / 4, low, high, VIRIDIS)
    colours[~field.matched] = UNMATCHED
    return colours


def colour_modes(modes: np.ndarray) -> np.ndarray:
    """uint8 [h, w, 3] of modes [h, w]."""
    return np.array([MODE_COLOURS[mode] for mode in sorted(MODE_COLOURS)], dtype=np.uint8)[modes]


def in_css(colour: Colour) -> str:
    """A colour as style sheets write it."""
    return f"rgb({', '.join(map(str, colour))})"


def gradient(scale: tuple[Colour, ...]) -> str:
    """A scale, low values left, as style sheets write it."""
    return f"linear-gradient(to right, {', '.join(map(in_css, scale))})"

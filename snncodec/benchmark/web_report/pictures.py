"""Views come in; small pictures of them and of their differences go out, as WebP."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from snncodec.benchmark.web_report.colours import ERROR_MAX, INFERNO, on_scale

LONGEST_SIDE = 640  # pixels of a picture in the page
PICTURE_QUALITY = 85  # of WebP: artefacts of its own stay below those that the page is about
ANAGLYPH_QUALITY = 75
ERROR_SIDE, ERROR_QUALITY = 480, 60  # of maps of errors: they are noise, and would take as much as all the rest
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # Rec. 601
# The least-squares projection for red-cyan glasses, of linear light (Dubois 2001, "A projection method to generate
# anaglyph stereo images"): of the left view, and of the right one.
DUBOIS = np.array(
    [
        [[0.437, 0.449, 0.164], [-0.062, -0.062, -0.024], [-0.048, -0.050, -0.017]],
        [[-0.011, -0.032, -0.007], [0.377, 0.761, 0.009], [-0.026, -0.093, 1.234]],
    ]
)


def scaled(view: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3], no side longer than `LONGEST_SIDE`."""
    size = scaled_size(view.shape, LONGEST_SIDE)
    return (
        view
        if size == view.shape[:2]
        else np.asarray(Image.fromarray(view).resize(size[::-1], Image.Resampling.LANCZOS))
    )


def scaled_size(shape: tuple[int, ...], longest: int) -> tuple[int, int]:
    """Height and width of a picture whose sides may have `longest` pixels."""
    height, width = shape[:2]
    factor = min(1.0, longest / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def webp(pixels: np.ndarray, quality: int = PICTURE_QUALITY, lossless: bool = False) -> bytes:
    """The bytes of uint8 [H, W, 3]."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=quality, lossless=lossless, method=4)
    return file.getvalue()


def data_uri(picture: bytes) -> str:
    """A WebP as an address that needs no file."""
    return f"data:image/webp;base64,{base64.b64encode(picture).decode()}"


def error_map(original: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3], scaled: absolute differences of luma, averaged where they are made smaller, as colours."""
    difference = np.abs((original.astype(np.float32) - decoded) @ LUMA)
    size = scaled_size(difference.shape, ERROR_SIDE)
    small = Image.fromarray(difference).resize(size[::-1], Image.Resampling.BOX)
    return on_scale(np.asarray(small), 0, ERROR_MAX, INFERNO)


def anaglyph(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] for red-cyan glasses, the red one on the left eye."""
    light = sum(_linear(view) @ matrix.T for view, matrix in zip((left, right), DUBOIS, strict=True))
    return _from_linear(np.clip(light, 0, 1))


def _linear(view: np.ndarray) -> np.ndarray:
    """sRGB -> linear light, 0..1."""
    levels = np.arange(256) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)[view]


def _from_linear(light: np.ndarray) -> np.ndarray:
    """Linear light -> sRGB."""
    curved = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (255 * curved).round().astype(np.uint8)

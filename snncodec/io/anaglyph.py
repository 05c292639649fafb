"""A pair in, one picture for red-cyan glasses out: the least-squares projection of Dubois, in linear light.

E. Dubois, "A projection method to generate anaglyph stereo images", ICASSP 2001. The matrices are those for red-cyan
glasses and the primaries of sRGB; rows of both together add up to 1, so grey stays grey. This is for looking at: it
cannot be undone, and other colour profiles than sRGB are taken for it.
"""

import numpy as np

from snncodec.io.images import StereoPair

LEFT = np.array(
    [[0.456100, 0.500484, 0.176381], [-0.0400822, -0.0378246, -0.0157589], [-0.0152161, -0.0205971, -0.00546856]],
    np.float32,
)
RIGHT = np.array(
    [[-0.0434706, -0.0879388, -0.00155529], [0.378476, 0.733640, -0.0184503], [-0.0721527, -0.112961, 1.226400]],
    np.float32,
)
ROWS = 128  # at once: floats take four times the memory of pixels


def anaglyph(pair: StereoPair) -> np.ndarray:  # uint8 [H, W, 3]
    """The left view in red, the right one in cyan."""
    left, right = pair.views()
    out = np.empty_like(left)
    for top in range(0, len(left), ROWS):
        rows = slice(top, top + ROWS)
        light = LINEAR[left[rows]] @ LEFT.T + LINEAR[right[rows]] @ RIGHT.T
        out[rows] = np.rint(255 * _from_linear(light.clip(0, 1)))
    return out


def _to_linear(values: np.ndarray) -> np.ndarray:
    """The transfer function of sRGB (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _from_linear(light: np.ndarray) -> np.ndarray:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


LINEAR = _to_linear(np.arange(256) / 255).astype(np.float32)  # of each 8-bit value

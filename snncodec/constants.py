"""Normative. Numbers that every part of the codec shares."""

BLOCK = 16  # pixels to a side of a block: the stride of the latents; 16 x 16 x 3 = 768 numbers
QUALITIES = 100  # qualities run from 1 to 100
CHROMA_ANGLES = 16  # by which a file may turn the chroma axes: a quarter-turn in steps of 5.6 degrees
EFFORTS, DEFAULT_EFFORT = 9, 5  # of encoders, from 1; not normative: decoders know nothing of them
MAX_PIXELS = 2**28  # of one view, unless the caller sets another limit
MAX_EXIF_BYTES = 2**16  # of the EXIF section of a file


def block_shape(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of the blocks that cover a view of `height` x `width` pixels."""
    return -(-height // BLOCK), -(-width // BLOCK)

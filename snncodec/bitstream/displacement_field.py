"""Normative. Lossless coding of a displacement field: where each block of the right view lies in the left one.

A block has a displacement (columns and rows, in quarter pixels or multiples of them) and is matched or not; one that
is not has the displacement that its neighbours predict. The field is coded from coarse to fine (see `block_scan`): the
median of four known blocks predicts a block, how far they are apart and how many are matched are its contexts. Of a
difference its length in binary digits is coded with the context's adaptive counts, the rest as bypass bits. Encoder,
decoder and the search for the best field make the same scan with another `code` function. No torch here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from snncodec.bitstream.block_scan import FIRST_FLAG_COUNTS, Blocks, by_context, flag_contexts, scan_coarse_to_fine
from snncodec.bitstream.range_coder import RangeDecoder, RangeEncoder
from snncodec.errors import FormatError

DISPLACEMENT_MAX = 2**14  # a component of a displacement beyond it is refused
LENGTHS = 17  # differences have 0 to 16 binary digits
SPREADS = np.array([1, 2, 3, 5, 9, 17, 33, 65, 129, 257])  # differences of neighbours at which the next context begins
TYPICAL = np.array([[0, 0, 0, 0, 0, 1, 2, 3, 4, 4, 5], [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4]])  # lengths, in each context
COUNT_INCREMENT = 16  # what one difference adds to the count of its length; the first counts are 1 to 32


@dataclass(frozen=True, eq=False)
class DisplacementField:
    """Where blocks of the right view lie in the left one, and whether they are to be found there at all."""

    displacements: np.ndarray  # int64 [2, h, w]: columns to the right, rows down
    matched: np.ndarray  # bool [h, w]


class AdaptiveCounts:
    """How often differences of columns and of rows had which length [2, 11, 17], and blocks were matched [5, 2]."""

    def __init__(self) -> None:
        self.lengths = np.maximum(32 >> np.abs(TYPICAL[..., None] - np.arange(LENGTHS)), 1)
        self.matched = FIRST_FLAG_COUNTS.copy()

    def update(self, context: BlockContext, displacements: np.ndarray, matched: np.ndarray) -> None:
        """Count what the blocks of a pass turned out to be: int64 [2, blocks], bool [blocks]."""
        differences = displacements - context.prediction
        for lengths, spreads, difference in zip(self.lengths, context.spreads, differences, strict=True):
            np.add.at(lengths, (spreads[matched], binary_digits(difference[matched])), COUNT_INCREMENT)
        np.add.at(self.matched, (context.flags, matched.astype(np.int64)), 1)


@dataclass(frozen=True, eq=False)
class BlockContext:
    """What is known of the blocks of one pass before they are coded."""

    blocks: Blocks
    reach: int  # distance of the neighbours in blocks
    prediction: np.ndarray  # int64 [2, blocks]
    spreads: np.ndarray  # [2, blocks], contexts of the two components' lengths
    flags: np.ndarray  # [blocks], contexts of being matched
    counts: AdaptiveCounts

    def displacement_bits(self, displacements: np.ndarray) -> np.ndarray:
        """Bits [K, blocks] of displacements int64 [K, 2, blocks]."""
        lengths = binary_digits(displacements - self.prediction)
        bits = lengths.astype(np.float64)
        for row, (counts, spreads) in enumerate(zip(self.counts.lengths, self.spreads, strict=True)):
            bits[:, row] -= np.log2(counts / counts.sum(1, keepdims=True))[spreads, lengths[:, row]]
        return bits.sum(1)

    def flag_bits(self) -> np.ndarray:
        """Bits [2, blocks] of not being matched, and of being matched."""
        counts = self.counts.matched
        return -np.log2(counts / counts.sum(1, keepdims=True)).T[:, self.flags]


CodeBlocks = Callable[[BlockContext], tuple[np.ndarray, np.ndarray]]  # -> int64 [2, blocks], bool [blocks]


def encode_field(field: DisplacementField) -> tuple[bytes, DisplacementField]:
    """The bytes of a field, and the field that `decode_field` will make of them.

    The latter has other displacements where blocks are not matched: theirs are not kept.
    """
    coder = RangeEncoder()

    def code(context: BlockContext) -> tuple[np.ndarray, np.ndarray]:
        displacements, matched = field.displacements[:, *context.blocks], field.matched[context.blocks]
        for number, places in by_context(context.flags):
            coder.encode_adaptive(matched[places], context.counts.matched[number])
        for row, difference in enumerate(displacements - context.prediction):
            for number, places in by_context(context.spreads[row], matched):
                _encode_numbers(coder, difference[places], context.counts.lengths[row, number])
        return np.where(matched, displacements, context.prediction), matched

    decoded = scan_field(field.matched.shape, code)
    return coder.finish(), decoded


def decode_field(data: bytes, shape: tuple[int, int]) -> DisplacementField:
    """The field of `shape` (h, w) blocks that `encode_field` was given; `FormatError` for anything else."""
    coder = RangeDecoder(data)

    def code(context: BlockContext) -> tuple[np.ndarray, np.ndarray]:
        displacements, matched = context.prediction.copy(), np.zeros(len(context.flags), dtype=bool)
        for number, places in by_context(context.flags):
            matched[places] = coder.decode_adaptive(len(places), context.counts.matched[number])
        for row in (0, 1):
            for number, places in by_context(context.spreads[row], matched):
                displacements[row][places] += _decode_numbers(coder, len(places), context.counts.lengths[row, number])
        return displacements.clip(-DISPLACEMENT_MAX - 1, DISPLACEMENT_MAX + 1), matched

    field = scan_field(shape, code)
    coder.finish()
    if np.abs(field.displacements).max() > DISPLACEMENT_MAX:
        raise FormatError(f"a displacement is larger than {DISPLACEMENT_MAX}")
    return field


def scan_field(shape: tuple[int, int], code: CodeBlocks) -> DisplacementField:
    """The field of `shape` (h, w) blocks that `code` returns pass by pass, from coarse to fine."""
    displacements, matched = np.zeros((2, *shape), dtype=np.int64), np.zeros(shape, dtype=bool)
    counts = AdaptiveCounts()
    for scan_pass in scan_coarse_to_fine(*shape):
        around, inside = scan_pass.neighbours(displacements)
        some = np.where(inside[0], around[0], around[1])  # one that is inside, unless none is
        around = np.sort(np.where(inside[:, None], around, some), axis=0)
        spreads = np.searchsorted(SPREADS, around[3] - around[0], side="right")
        flags = flag_contexts(*scan_pass.neighbours(matched))
        prediction = (around[1] + around[2]) // 2
        context = BlockContext(scan_pass.blocks, scan_pass.reach, prediction, spreads, flags, counts)
        coded = code(context)
        counts.update(context, *coded)
        displacements[:, *scan_pass.blocks], matched[scan_pass.blocks] = coded
    return DisplacementField(displacements, matched)


def binary_digits(numbers: np.ndarray) -> np.ndarray:
    """Binary digits of the magnitudes of whole numbers below 2**16; 0 has none."""
    return np.searchsorted(2 ** np.arange(LENGTHS - 1), np.abs(numbers), side="right")


def _encode_numbers(coder: RangeEncoder, numbers: np.ndarray, counts: np.ndarray) -> None:
    """Whole numbers [n]: their lengths with adaptive counts, then sign and digits after the first as bypass."""
    lengths = binary_digits(numbers)
    coder.encode_adaptive(lengths, counts)
    for length, places in by_context(lengths, lengths > 0):
        part = numbers[places]
        coder.encode_bypass(np.where(part > 0, part, 2**length - 1 + part), 2**length)


def _decode_numbers(coder: RangeDecoder, count: int, counts: np.ndarray) -> np.ndarray:
    """What `_encode_numbers` was given."""
    lengths = coder.decode_adaptive(count, counts)
    numbers = np.zeros_like(lengths)
    for length, places in by_context(lengths, lengths > 0):
        rest = coder.decode_bypass(len(places), 2**length)
        numbers[places] = np.where(rest >= 2 ** (length - 1), rest, rest - (2**length - 1))
    return numbers

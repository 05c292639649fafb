"""Skip flags: any flags come back, and those that lie together are cheap."""

import numpy as np
from hypothesis import given, strategies

from snncodec.bitstream.range_coder import RangeDecoder, RangeEncoder
from snncodec.bitstream.skip_flags import decode_flags, encode_flags

SIDE = strategies.integers(1, 20)


@given(SIDE, SIDE, strategies.integers(0, 99))
def test_any_flags_come_back(height, width, seed):
    random = np.random.default_rng(seed)
    matched, coder = random.random((height, width)) < random.random(), RangeEncoder()
    flags = matched & (random.random((height, width)) < random.random())
    encode_flags(coder, flags, matched)
    decoder = RangeDecoder(coder.finish())
    assert np.array_equal(decode_flags(decoder, matched), flags)
    decoder.finish()


def test_flags_in_one_piece_are_cheap():
    flags, coder = np.zeros((60, 80), dtype=bool), RangeEncoder()
    flags[20:50, 10:60] = True
    encode_flags(coder, flags, np.ones_like(flags))
    assert 8 * len(coder.finish()) < 0.15 * flags.size


def test_blocks_that_are_not_matched_cost_nothing():
    coder, nowhere = RangeEncoder(), np.zeros((9, 14), dtype=bool)
    encode_flags(coder, nowhere, nowhere)
    assert coder.finish() == b""

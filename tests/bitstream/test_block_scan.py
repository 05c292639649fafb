"""The scan of a map of blocks: every block once, and after the neighbours that its context is made of."""

import numpy as np
import pytest
from hypothesis import given, strategies

from snncodec.bitstream.block_scan import DIAGONAL, STRAIGHT, flag_contexts, scan_coarse_to_fine

SIDE = strategies.integers(1, 20)


@given(SIDE, SIDE)
def test_every_block_is_visited_once_after_its_neighbours(height, width):
    known = np.zeros((height, width), dtype=bool)
    for scan_pass in scan_coarse_to_fine(height, width):
        (rows, columns), reach = scan_pass.blocks, scan_pass.reach
        assert not known[rows, columns].any() and scan_pass.sides in (DIAGONAL, STRAIGHT)
        if scan_pass.sides == DIAGONAL and known.any():
            assert known[rows - reach, columns - reach].all()
        elif scan_pass.sides == STRAIGHT:  # one of the first two is inside, and all that are inside are known
            inside = rows >= reach
            assert (inside | (columns >= reach)).all() and known[(rows - reach)[inside], columns[inside]].all()
        known[rows, columns] = True
    assert known.all()


@given(SIDE, SIDE)
def test_all_neighbours_inside_the_map_are_known_before_a_block_is(height, width):
    known = np.zeros((height, width), dtype=bool)
    for scan_pass in scan_coarse_to_fine(height, width):
        values, inside = scan_pass.neighbours(known)
        assert values.shape == inside.shape == (4, len(scan_pass.blocks[0])) and np.array_equal(values, inside)
        known[scan_pass.blocks] = True


def test_neighbours_stand_in_the_order_of_their_sides_and_are_zero_outside():
    values = np.arange(1, 13).reshape(3, 4)
    first, *_, last = scan_coarse_to_fine(3, 4)
    assert not first.neighbours(values)[0].any() and not first.neighbours(values)[1].any()
    place = list(zip(*last.blocks, strict=True)).index((0, 1))
    around, inside = (found[:, place].tolist() for found in last.neighbours(values))
    assert (around, inside) == ([0, 1, 6, 3], [False, True, True, True])  # above, left, below, right


@pytest.mark.parametrize(
    ("inside", "flags", "context"),
    [("1111", "1101", 3), ("1110", "1010", 3), ("1110", "0010", 1), ("1000", "1000", 4), ("0000", "0000", 0)],
)
def test_neighbours_outside_the_map_count_as_those_inside(inside, flags, context):
    inside, flags = (np.array([[digit == "1"] for digit in digits]) for digits in (inside, flags))
    assert flag_contexts(flags, inside).tolist() == [context]

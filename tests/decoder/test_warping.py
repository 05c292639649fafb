"""Warping: blocks of the left view are moved exactly, whole or in parts, and fade into each other."""

import numpy as np
import pytest
import torch
from conftest import field_of, planes, textured

from snncodec.constants import BLOCK
from snncodec.decoder import warping
from snncodec.decoder.tiling import Tile, split
from snncodec.decoder.warping import KERNELS, MARGIN, warp


def displacements(columns, rows, shape):
    """Displacements that are the same in all blocks, int64 [2, h, w]."""
    return torch.from_numpy(field_of(columns, rows, shape).displacements)


def random_displacements(height, width):
    return torch.from_numpy(np.random.default_rng(0).integers(-90, 90, (2, height, width)))


def test_no_displacement_changes_no_pixel():
    view = planes(textured(48, 64))
    assert torch.equal(warp(view, displacements(0, 0, (3, 4)), kernel=0), view)


@pytest.mark.parametrize(("columns", "rows"), [(5, 0), (-7, 2), (0, -3), (1000, 0), (-1000, -1000)])
def test_whole_pixels_are_copied_and_borders_repeated(columns, rows):
    view = textured(48, 64)
    y, x = (np.clip(np.arange(48) + rows, 0, 47), np.clip(np.arange(64) + columns, 0, 63))
    moved = warp(planes(view), displacements(4 * columns, 4 * rows, (3, 4)), kernel=0)
    assert torch.equal(moved, planes(view[y][:, x]))


def catmull_rom(x):
    x = abs(x)
    return 1.5 * x**3 - 2.5 * x**2 + 1 if x < 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2


def lanczos(x):
    return np.sinc(x) * np.sinc(x / 3)


def gaussian(sigma):
    return lambda x: np.exp(-((x / sigma) ** 2) / 2)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
@pytest.mark.parametrize("component", [0, 1])
@pytest.mark.parametrize(
    ("kernel", "function", "error"),
    [
        (0, catmull_rom, 1 / 200),
        (1, lambda x: 1 - abs(x), 1 / 200),
        (2, lanczos, 1 / 200),
        (3, gaussian(0.6), 1 / 128),
        (4, gaussian(0.85), 1 / 128),
        (5, gaussian(1.2), 1 / 128),
    ],
)
def test_parts_of_a_pixel_are_interpolated(kernel, function, error, quarters, component):
    expected = textured(48, 64).astype(float)
    for axis, phase in ((1 - component, quarters), (component, 0)):
        taps = KERNELS[kernel][phase]
        half = len(taps) // 2
        weights = np.array([function(i + 1 - half - phase / 4) for i in range(2 * half)])
        weights /= weights.sum()
        assert sum(taps) == 128 and np.allclose(np.array(taps) / 128, weights, atol=error)
        wide = np.pad(expected.swapaxes(0, axis), ((half - 1, half), (0, 0), (0, 0)), mode="edge")
        expected = sum(w * wide[i : len(wide) + i + 1 - 2 * half] for i, w in enumerate(weights)).swapaxes(0, axis)
    field = displacements(*((quarters, 0) if component == 0 else (0, quarters)), (3, 4))
    found = warp(planes(textured(48, 64)), field, kernel).permute(1, 2, 0).numpy()
    assert np.abs(found - expected.clip(0, 255)).max() <= 2


def test_tiles_and_threads_do_not_change_a_warp(monkeypatch, threads):
    view, field = planes(textured(160, 96)), random_displacements(10, 6)
    expected = warp(view, field, kernel=0)
    for size, number in ((1, 1), (3, 2), (100, 3)):
        monkeypatch.setattr(warping, "TILE", size)
        threads(number)
        assert torch.equal(warp(view, field, kernel=0), expected)


@pytest.mark.parametrize("kernel", range(len(KERNELS)))
@pytest.mark.parametrize("size", [1, 4, 32])
def test_a_part_of_a_warp_is_what_the_whole_shows_there(kernel, size, monkeypatch):
    monkeypatch.setattr(warping, "TILE", size)
    view, field = planes(textured(160, 96)), random_displacements(10, 6)
    whole = warp(view, field, kernel)
    for part in [Tile(slice(2, 9), slice(1, 4)), Tile(slice(0, 10), slice(5, 6)), *split((10, 6), 5)]:
        assert torch.equal(warp(view, field, kernel, part), whole[:, *part.pixels(BLOCK)])


def test_blocks_fade_into_their_neighbours():
    view = planes(np.broadcast_to(np.arange(128, dtype=np.uint8)[:, None], (32, 128, 3)))
    field = displacements(0, 0, (2, 8))
    field[0, :, 4] = 4 * 16  # one block shows what is 16 pixels further to the right, 16 grey levels brighter
    row = warp(view, field, kernel=0)[0, 8].int() - view[0, 8].int()
    ramp = torch.arange(1, 2 * MARGIN * 2, 2)
    expected = torch.cat([ramp, torch.full((BLOCK - 2 * MARGIN,), 16), ramp.flip(0)])
    assert torch.equal(row[64 - MARGIN : 80 + MARGIN], expected.to(row.dtype)) and row.sum() == expected.sum()

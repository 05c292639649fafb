"""Tiles: maps are cut into few parts of one size, and neither coding nor rendering in parts changes what comes back."""

import numpy as np
import pytest
import torch
from conftest import synthetic_pair

from snncodec import Codec
from snncodec.bitstream.container import unpack
from snncodec.decoder import tiling
from snncodec.decoder.tiling import Tile, in_tiles, on_tile, spans, split, window


@pytest.mark.parametrize(
    ("length", "size", "parts"), [(1, 64, [1]), (64, 64, [64]), (65, 64, [33, 32]), (7, 3, [3, 3, 1])]
)
def test_a_map_is_cut_into_the_fewest_parts_of_about_one_size(length, size, parts):
    assert [span.stop - span.start for span in spans(length, size)] == parts


@pytest.mark.parametrize("size", [1, 2, 5, 64])
def test_tiles_cover_every_block_once(size):
    seen = np.zeros((7, 9), dtype=int)
    for tile in split((7, 9), size):
        seen[tile] += 1
        assert tile.shape == seen[tile].shape and max(tile.shape) <= size
    assert (seen == 1).all()


def blurred(pixels, blocks):
    """A function that looks one block far, of maps in two resolutions: [1, 3, 16 h, 16 w] and [1, 1, h, w]."""
    mean = torch.nn.functional.avg_pool2d(pixels, 33, stride=1, padding=16, count_include_pad=False)
    return mean.round() + torch.nn.functional.interpolate(blocks, scale_factor=16)


def test_a_function_of_a_neighbourhood_gives_on_tiles_what_it_gives_on_the_whole_map():
    random = torch.Generator().manual_seed(0)
    maps = [torch.randint(0, 9, (1, 3, 112, 144), generator=random).float() * 64]
    maps += [torch.randint(0, 9, (1, 1, 7, 9), generator=random).float()]
    whole, tile = blurred(*maps), Tile(slice(2, 5), slice(3, 9))
    assert torch.equal(on_tile(blurred, maps, (7, 9), tile, 1), window(whole, tile, 16))
    for size in (1, 2, 5, 64):
        assert torch.equal(in_tiles(blurred, maps, (7, 9), 1, size), whole)


@pytest.mark.parametrize("size", [1, 3, 4])
@pytest.mark.parametrize("independent", [False, True])
def test_a_picture_of_several_coding_tiles_decodes_to_what_the_encoder_saw(tiny, size, independent, monkeypatch):
    monkeypatch.setattr(tiling, "CODING_TILE", size)
    codec = Codec(tiny)
    encoded = codec.encode_pair(*synthetic_pair(90, 150, seed=3), 60, independent=independent)
    pair, expected = codec.decode(encoded.data), encoded.reconstruction()
    assert unpack(encoded.data)[0].inter_view != independent
    assert np.array_equal(pair.left, expected.left) and np.array_equal(pair.right, expected.right)

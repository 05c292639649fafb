"""What every block of a view would cost: pixels and a prediction in, bits and distortion per block out, no bytes.

It takes the same way as `views.code_view`, symbols included, and decodes the pixels as well.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from snncodec.config import BLOCK
from snncodec.prior import HYPER_STRIDE
from snncodec.rounding import DISTORTION
from snncodec.tiles import Tile
from snncodec.views import (
    analyse_tile,
    as_symbols,
    block_shape,
    choose_symbols,
    each_tile,
    padded,
    render,
    summarise_tile,
    table_indexes,
)
from snncodec.weights import Weights


class Trial(NamedTuple):
    """What each block of a view costs in bits, float64 [h, w]; distortion counts as the bits it is worth."""

    bits: Tensor  # of its symbols
    latent_error: Tensor  # distortion of its latents
    copy_error: Tensor  # the same if they were copied from the prediction
    pixel_error: Tensor  # distortion of its pixels


def try_view(loaded: Weights, view: np.ndarray, quality: int, warped: Tensor | None = None) -> Trial:
    """What blocks of a view, uint8 [H, W, 3], would cost if all were coded, given a prediction or not."""
    model, tables, shape = loaded.model, loaded.tables, block_shape(*view.shape[:2])
    pixels = padded(view, model.steps.device)
    bits, latent_error, copy_error = torch.zeros((3, *shape), dtype=torch.float64, device=pixels.device)

    def try_tile(tile: Tile, expected: Tensor | None) -> Tensor:
        latents = analyse_tile(model, pixels, quality, warped, tile, shape)
        hyper, coded = summarise_tile(model, latents, quality, expected)
        cells = (step.cells(1, *latents.shape[2:], latents.device) for step in model.context_model.passes)
        spent, lost = latents.new_zeros((2, latents[0, 0].numel()))

        def code(channels: slice, targets: Tensor, mean: Tensor, index: Tensor) -> Tensor:
            symbols, values, rate = choose_symbols(targets, mean, table_indexes(index), tables)
            where = next(cells)
            spent.index_add_(0, where, rate.sum(1))
            lost.index_add_(0, where, (targets - mean - symbols).square().sum(1))
            return values

        values = model.predict(hyper, quality, latents, code, latents.shape[2:], expected)
        bits[tile] = spent.view_as(bits[tile]) + hyper_bits(loaded, hyper, coded, bits[tile].shape)
        latent_error[tile] = DISTORTION * lost.view_as(bits[tile])
        if expected is not None:
            copy_error[tile] = DISTORTION * (latents - expected[:, :-1]).square().sum((0, 1))
        return values

    decoded = render(loaded, each_tile(loaded, shape, quality, warped, try_tile), quality, warped)
    error = (decoded.double() - pixels[0]).square().sum(0) * (DISTORTION / float(model.steps[quality - 1]) ** 2)
    pixel_error = error.unflatten(1, (-1, BLOCK)).unflatten(0, (-1, BLOCK)).sum((1, 3))
    return Trial(bits, latent_error, copy_error, pixel_error)


def hyper_bits(loaded: Weights, hyper: Tensor, coded: Tensor, shape: torch.Size) -> Tensor:
    """Bits of coded hyper-latents [1, Z, h', w'], spread over the blocks of their cells: float64 [h, w]."""
    bits = loaded.tables.bits(as_symbols(hyper), table_indexes(loaded.model.hyper_index)[None, :, None, None])
    cells = (torch.from_numpy(bits).to(hyper.device) * coded).sum((0, 1)) / HYPER_STRIDE**2
    blocks = cells.repeat_interleave(HYPER_STRIDE, 0).repeat_interleave(HYPER_STRIDE, 1)
    return blocks[: shape[0], : shape[1]]

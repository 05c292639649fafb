"""Normative. The linear transform between pixels and latents: a lapped, separable DCT, A (analysis) and B (synthesis).

Orthogonal filters across block borders, a rotation of colours, then a DCT-II of 16 x 16 pixels: the time-domain form of
a lapped transform (Tran, Liang, Tu, "Lapped Transform via Time-Domain Pre- and Post-Filtering", IEEE TSP 2003). Latent
channels are DCT coefficients of rotated colours, in order of their variance. Pixels are floats minus 128, pictures are
multiples of 16. Nothing is quantised here, and nothing learns: `training.initial_transform` finds filter, colours and
order from pictures. Files may turn the two chroma axes to suit their pictures (`turned`).
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor, nn

from snncodec.constants import BLOCK, CHROMA_ANGLES
from snncodec.errors import WeightsError
from snncodec.spiking.fixed_point import snap
from snncodec.spiking.proof import prove_chain
from snncodec.stopwatch import timed

OVERLAP = BLOCK // 2  # pixels on each side of a block border that the lapped filter mixes
COEFFICIENTS = BLOCK * BLOCK  # of a block of one colour
LINEAR_BITS = 14  # fraction bits of the filter, the colours and the DCT
PIXEL_BITS = 8  # fraction bits of what lies between them, and of what comes out
LATENT_MAX = 2.0**20  # of a dequantised latent, in pixel units
STRIP = 4  # rows of blocks that are transformed at once

# 2**14 cos(k pi / 32) / sqrt(8), rounded, for k = 0 to 16: the DCT-II of 16 points in fixed point.
COSINES = (5793, 5765, 5681, 5543, 5352, 5109, 4816, 4478, 4096, 3675, 3218, 2731, 2217, 1682, 1130, 568, 0)

# 2**14 cos(k pi / 32), rounded, for k = 0 to 16: how the chroma axes are turned.
TURNS = (
    16384, 16305, 16069, 15679, 15137, 14449, 13623, 12665, 11585, 10394, 9102, 7723, 6270, 4756, 3196, 1606, 0,
)  # fmt: skip


def dct_matrix() -> Tensor:
    """The DCT-II of 16 points, float64 [16, 16]: frequencies by points; multiples of 2**-14, else orthonormal."""

    def cosine(k: int) -> int:
        k = min(k % 64, -k % 64)
        return COSINES[k] if k <= BLOCK else -COSINES[2 * BLOCK - k]

    rows = [[cosine(u * (2 * x + 1)) for x in range(BLOCK)] for u in range(1, BLOCK)]
    constant = [2 ** (LINEAR_BITS - 2)] * BLOCK
    return torch.tensor([constant, *rows], dtype=torch.float64, device="cpu") / 2**LINEAR_BITS


def chroma_turn(angle: int) -> tuple[float, float]:
    """Cosine and sine, multiples of 2**-14, of an angle in 32nds of a half-turn: 0 to 7 one way, 15 to 8 the other."""
    signed = angle if angle < CHROMA_ANGLES // 2 else angle - CHROMA_ANGLES
    sine = TURNS[BLOCK - abs(signed)] / TURNS[0]
    return TURNS[abs(signed)] / TURNS[0], sine if signed > 0 else -sine


def strips(height: int) -> list[slice]:
    """The rows of a map of blocks, a few at a time: what is computed of them stays in the processor's cache."""
    return [slice(row, min(row + STRIP, height)) for row in range(0, height, STRIP)]


def in_pixels(rows: slice) -> slice:
    """Rows of blocks as rows of pixels."""
    return slice(rows.start * BLOCK, rows.stop * BLOCK)


class LappedTransform(nn.Module):
    """A and B in ordinary floats."""

    filter: Tensor  # [16, 16], orthogonal, across block borders
    colours: Tensor  # [3, 3], orthogonal
    order: Tensor  # int32 [N2]: of each latent channel, colour * 256 + frequency down * 16 + frequency across
    dct: Tensor  # [16, 16]
    unit = 1.0  # of pixels and coefficients inside

    def __init__(self, filter: Tensor, colours: Tensor, order: Tensor) -> None:
        super().__init__()
        self.register_buffer("filter", filter)
        self.register_buffer("colours", colours)
        self.register_buffer("order", order)
        self.register_buffer("dct", dct_matrix().to(filter), persistent=False)

    @classmethod
    def unlapped(cls, channels: int) -> LappedTransform:
        """A DCT of single blocks and colours: where to start from."""
        return cls(torch.eye(BLOCK), torch.eye(3), torch.arange(channels, dtype=torch.int32))

    @property
    def means(self) -> Tensor:
        """Which latent channels are mean colours of blocks: bool [N2]."""
        return self.order % COEFFICIENTS == 0

    @timed("transform")
    def analysis(self, pixels: Tensor) -> Tensor:
        """A, the transpose of B: pixels [N, 3, H, W] -> latents [N, N2, H/16, W/16]."""
        count, _, height, width = pixels.shape
        pixels = self._lap(pixels * self.unit, self.filter)
        latents = pixels.new_empty((count, len(self.order), height // BLOCK, width // BLOCK))
        for rows in strips(latents.shape[2]):
            latents[:, :, rows] = self._blocks_to_latents(pixels[:, :, in_pixels(rows)])
        return latents

    @timed("transform")
    def synthesis(self, latents: Tensor) -> Tensor:
        """B: latents [N, N2, h, w] -> pixels [N, 3, 16 h, 16 w]."""
        count, _, height, width = latents.shape
        pixels = latents.new_empty((count, 3, height * BLOCK, width * BLOCK))
        for rows in strips(height):
            pixels[:, :, in_pixels(rows)] = self._latents_to_blocks(latents[:, :, rows])
        return self._lap(pixels, self.filter.T).mul_(1 / self.unit)

    def _blocks_to_latents(self, pixels: Tensor) -> Tensor:
        """Colours, then a DCT down and one across: [N, 3, 16 h, 16 w] -> [N, N2, h, w]."""
        count, _, height, width = pixels.shape
        blocks = pixels.view(count, 3, height // BLOCK, BLOCK, width // BLOCK, BLOCK).permute(1, 3, 5, 0, 2, 4)
        colours = self._round(self.colours @ blocks.reshape(3, -1))
        columns = self._round(self.dct @ colours.view(3, BLOCK, -1))
        latents = self._round(self.dct @ columns.view(3 * BLOCK, BLOCK, -1)).view(3 * COEFFICIENTS, -1)
        latents = latents.index_select(0, self.order).view(-1, count, height // BLOCK, width // BLOCK)
        return latents.transpose(0, 1) * (1 / self.unit)

    def _latents_to_blocks(self, latents: Tensor) -> Tensor:
        """The transpose of `_blocks_to_latents`."""
        count, channels, height, width = latents.shape
        planes = latents.transpose(0, 1).reshape(channels, -1) * self.unit
        planes = planes.new_zeros((3 * COEFFICIENTS, planes.shape[1])).index_copy_(0, self.order.long(), planes)
        rows = self._round(self.dct.T @ planes.view(3 * BLOCK, BLOCK, -1))
        colours = self._round(self.dct.T @ rows.view(3, BLOCK, -1))
        blocks = self._round(self.colours.T @ colours.view(3, -1)).view(3, BLOCK, BLOCK, count, height, width)
        return blocks.permute(3, 0, 4, 1, 5, 2).reshape(count, 3, height * BLOCK, width * BLOCK)

    def _lap(self, pixels: Tensor, filter: Tensor) -> Tensor:
        """Apply a filter across every block border, in place; returns the pixels.

        Image borders are left alone: the inverse is the transpose.
        """
        height, width = (length // BLOCK for length in pixels.shape[2:])
        for rows in strips(height - 1):
            blocks = pixels[:, :, OVERLAP:-OVERLAP][:, :, in_pixels(rows)].unflatten(2, (-1, BLOCK))
            blocks.copy_(self._round(filter @ blocks))
        for rows in strips(height) if width > 1 else []:
            blocks = pixels[:, :, in_pixels(rows), OVERLAP:-OVERLAP].unflatten(3, (-1, BLOCK))
            blocks.copy_(self._round(blocks @ filter.T))
        return pixels

    def _round(self, x: Tensor) -> Tensor:
        return x

    @torch.no_grad()
    def exact(self, bits: int = LINEAR_BITS) -> ExactLappedTransform:
        """The transform that files are coded with; its filter and colours are multiples of 2**-bits."""
        filter, colours = snap(self.filter.double(), bits), snap(self.colours.double(), bits)
        return ExactLappedTransform(filter, colours, self.order.clone())


class ExactLappedTransform(LappedTransform):
    """A and B in fixed point, carried by float64: the same numbers on every machine.

    Pixels and latents that go in are multiples of 1/256, and so is what comes out.
    """

    unit = 2.0**PIXEL_BITS

    @cached_property
    def in_floats(self) -> LappedTransform:
        """The same in float32: faster, not exact. Encoders look at pictures through it."""
        return LappedTransform(self.filter.float(), self.colours.float(), self.order)

    def turned(self, angle: int) -> ExactLappedTransform:
        """The transform with its chroma axes, the second and third colour, turned by `chroma_turn(angle)`."""
        cosine, sine = chroma_turn(angle)
        luma, first, second = self.colours
        turned = torch.stack([luma, cosine * first + sine * second, cosine * second - sine * first])
        return ExactLappedTransform(self.filter, snap(turned, LINEAR_BITS), self.order)

    def prove(self) -> None:
        """`WeightsError` unless both directions provably compute exactly, and the order names channels once each."""
        if len(self.order.unique()) < len(self.order) or self.order.min() < 0 or self.order.max() >= 3 * COEFFICIENTS:
            raise WeightsError("the linear transform does not name each of its channels once")
        for angle in range(CHROMA_ANGLES):
            chain = [self.filter, self.filter, self.turned(angle).colours, self.dct, self.dct]  # of analysis
            prove_chain(chain, 256.0, LINEAR_BITS + PIXEL_BITS, "the linear analysis")
            prove_chain([m.T for m in reversed(chain)], LATENT_MAX, LINEAR_BITS + PIXEL_BITS, "the linear synthesis")

    def _round(self, x: Tensor) -> Tensor:
        return x.round_()

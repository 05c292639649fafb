"""Normative. The linear transform between pixels and latents: A (`Analysis`) and B (`Synthesis`, `ExactSynthesis`).

Orthogonal filters across block borders, then a matrix on blocks of 16 x 16 x 3 numbers: the time-domain form of a
lapped transform (Tran, Liang, Tu, "Lapped Transform via Time-Domain Pre- and Post-Filtering", IEEE TSP 2003). Pixels
are floats minus 128, pictures are multiples of 16. Nothing is quantised here.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.constants import BLOCK
from snncodec.model.config import ModelConfig
from snncodec.spiking.fixed_point import snap
from snncodec.spiking.proof import prove_chain

OVERLAP = BLOCK // 2  # pixels on each side of a block border that the lapped filter mixes
LINEAR_BITS = 14  # fraction bits of the filter and the matrix
PIXEL_BITS = 8  # fraction bits of pixels between them
LATENT_MAX = 2.0**20  # of a dequantised latent, in pixel units


def lap(x: Tensor, filter: Tensor) -> Tensor:
    """Apply a [16, 16] filter across every vertical and horizontal block border of x [N, 3, H, W].

    Image borders are left alone, so the inverse is the transposed filter.
    """
    return lap_rows(lap_rows(x, filter).transpose(2, 3), filter).transpose(2, 3)


def lap_rows(x: Tensor, filter: Tensor) -> Tensor:
    """Filter x [N, C, H, W] along H, across the borders at multiples of 16."""
    if x.shape[2] <= BLOCK:
        return x
    inner = x[:, :, OVERLAP:-OVERLAP].unflatten(2, (-1, BLOCK))
    inner = torch.einsum("ij,ncbjw->ncbiw", filter, inner).flatten(2, 3)
    return torch.cat([x[:, :, :OVERLAP], inner, x[:, :, -OVERLAP:]], dim=2)


class Analysis(nn.Module):
    """A: pixels [N, 3, H, W] -> latents [N, N2, H/16, W/16]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.filter = nn.Parameter(torch.eye(BLOCK))
        self.matrix = nn.Parameter(torch.eye(config.N2, 3 * BLOCK * BLOCK))

    def forward(self, pixels: Tensor) -> Tensor:
        blocks = F.pixel_unshuffle(lap(pixels, self.filter), BLOCK)
        return F.conv2d(blocks, self.matrix[:, :, None, None])


class Synthesis(nn.Module):
    """B: latents [N, N2, h, w] -> pixels [N, 3, 16 h, 16 w], and its adjoint, in ordinary floats."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(3 * BLOCK * BLOCK, config.N2))
        self.filter = nn.Parameter(torch.eye(BLOCK))

    def forward(self, latents: Tensor) -> Tensor:
        blocks = F.conv2d(latents, self.matrix[:, :, None, None])
        return lap(F.pixel_shuffle(blocks, BLOCK), self.filter)

    def adjoint(self, pixels: Tensor) -> Tensor:
        """B transposed, nearly A: pixels [N, 3, 16 h, 16 w] -> latents [N, N2, h, w]."""
        return F.conv2d(F.pixel_unshuffle(lap(pixels, self.filter.T), BLOCK), self.matrix.T[:, :, None, None])

    @torch.no_grad()
    def exact(self, bits: int = LINEAR_BITS) -> ExactSynthesis:
        """The synthesis that files are decoded with; its kernels are multiples of 2**-bits."""
        return ExactSynthesis(*(snap(x.double(), bits) for x in (self.matrix, self.filter)))


class ExactSynthesis(nn.Module):
    """`Synthesis` in fixed point, carried by float64: the same pixels on every machine."""

    matrix: Tensor
    filter: Tensor

    def __init__(self, matrix: Tensor, filter: Tensor) -> None:
        super().__init__()
        self.register_buffer("matrix", matrix)
        self.register_buffer("filter", filter)

    def forward(self, latents: Tensor) -> Tensor:
        """Latents float64 [N, N2, h, w], bounded by `LATENT_MAX` -> pixels [N, 3, 16 h, 16 w], multiples of 1/256."""
        blocks = F.conv2d(latents, self.matrix[:, :, None, None])
        return self._lap(snap(F.pixel_shuffle(blocks, BLOCK), PIXEL_BITS), self.filter)

    def adjoint(self, pixels: Tensor) -> Tensor:
        """Pixels float64 [N, 3, 16 h, 16 w] -> latents [N, N2, h, w]."""
        return F.conv2d(F.pixel_unshuffle(self._lap(pixels, self.filter.T), BLOCK), self.matrix.T[:, :, None, None])

    def prove(self) -> None:
        """`WeightsError` unless both directions provably compute exactly."""
        chain = (self.matrix, self.filter, self.filter)
        prove_chain(chain, LATENT_MAX, LINEAR_BITS + PIXEL_BITS, "the linear synthesis")
        adjoint = [matrix.T for matrix in reversed(chain)]
        prove_chain(adjoint, 256.0, LINEAR_BITS + PIXEL_BITS, "the adjoint of the synthesis")

    def _lap(self, pixels: Tensor, filter: Tensor) -> Tensor:
        for _ in range(2):
            pixels = snap(lap_rows(pixels, filter), PIXEL_BITS).transpose(2, 3)
        return pixels

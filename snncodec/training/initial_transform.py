"""Where the linear transform starts: a lapped filter for an AR(1) source and the KLT of training blocks.

In: training crops; out: the filter and the matrix, written into a model's analysis and synthesis. It trains nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from snncodec.constants import BLOCK, QUALITIES
from snncodec.model.lapped_transform import lap
from snncodec.model.stereo_codec import StereoCodec
from snncodec.training.logistic import best_tables

CORRELATION = 0.95  # of neighbouring pixels, the textbook model of photographs
DEAD_ZONE = 0.4  # rounding offset: |s| < 0.6 becomes 0


def lapped_filter(iterations: int = 400) -> Tensor:
    """The orthogonal [16, 16] filter across block borders that maximises the coding gain of a lapped 16-block KLT.

    Butterflies around one free 8 x 8 rotation, as in Tran, Liang, Tu (IEEE TSP 2003); the rotation is found by gradient
    ascent on the gain for an AR(1) source (9.48 dB without, 9.81 dB with the filter at correlation 0.95).
    """
    half, length = BLOCK // 2, 5 * BLOCK
    eye = torch.eye(half, dtype=torch.float64)
    butterfly = torch.cat([torch.cat([eye, eye.flip(0)], 1), torch.cat([eye.flip(0), -eye], 1)])
    distance = torch.arange(length)[:, None] - torch.arange(length)
    covariance = CORRELATION ** distance.abs().double()
    generator = torch.zeros(half, half, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([generator], lr=0.03)
    for _ in range(iterations):
        rotation = torch.matrix_exp(generator - generator.T)
        across = butterfly @ torch.block_diag(eye, rotation) @ butterfly / 2
        whole = torch.block_diag(eye, *[across] * 4, eye)
        block = (whole @ covariance @ whole.T)[2 * BLOCK : 3 * BLOCK, 2 * BLOCK : 3 * BLOCK]
        loss = torch.linalg.eigvalsh(block).log().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return across.detach().float()


@torch.no_grad()
def start_linear(model: StereoCodec, crops: Tensor) -> None:
    """Set A, B and the starting table indexes of `model` from crops [N, 3, H, W] (pixels minus 128)."""
    analysis, synthesis, config = model.left_encoder.analysis, model.decoder.synthesis, model.config
    with torch.enable_grad():
        across = lapped_filter()
    covariance, blocks = torch.zeros(3 * BLOCK**2, 3 * BLOCK**2, dtype=torch.float64), 0
    for chunk in crops.split(64):
        vectors = F.pixel_unshuffle(lap(chunk, across), BLOCK).permute(0, 2, 3, 1).flatten(0, 2).double()
        covariance += vectors.T @ vectors
        blocks += len(vectors)
    _, basis = torch.linalg.eigh(covariance / blocks)
    basis = basis.flip(1)[:, : config.N2].float()
    analysis.filter.copy_(across)
    analysis.matrix.copy_(basis.T)
    synthesis.filter.copy_(across.T)
    synthesis.matrix.copy_(basis)
    latents = analysis(crops[:200]).permute(0, 2, 3, 1).flatten(0, 2)
    qualities = torch.linspace(1, QUALITIES, len(model.index_offsets.nodes)).round().long()
    for node, quality in enumerate(qualities):
        steps = latents / model.steps[quality - 1].float()
        model.index_offsets.nodes[node] = best_tables(steps.sign() * (steps.abs() + DEAD_ZONE).floor())

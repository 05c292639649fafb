"""Where a model starts: the lapped, separable DCT that suits training pictures, and the tables that code it best.

In: training crops; out: filter, colours, order of channels and table offsets, written into a model. It trains nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor

from snncodec.constants import BLOCK, QUALITIES
from snncodec.model.lapped_transform import COEFFICIENTS, dct_matrix
from snncodec.model.stereo_codec import StereoCodec
from snncodec.training.logistic import best_tables

CORRELATION = 0.95  # of neighbouring pixels, the textbook model of photographs
DEAD_ZONE = 0.4  # rounding offset: |s| < 0.6 becomes 0


def lapped_filter(iterations: int = 400) -> Tensor:
    """The orthogonal [16, 16] filter across block borders that maximises the coding gain of a lapped 16-point DCT.

    Butterflies around one free 8 x 8 rotation, as in Tran, Liang, Tu (IEEE TSP 2003); the rotation is found by gradient
    ascent on the gain for an AR(1) source.
    """
    half, length, dct = BLOCK // 2, 5 * BLOCK, dct_matrix()
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
        loss = (dct @ block @ dct.T).diagonal().log().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return across.detach().float()


def principal_colours(crops: Tensor) -> Tensor:
    """The rotation of colours [3, 3] that decorrelates the pixels of crops [N, 3, H, W], in order of variance."""
    pixels = crops.movedim(1, 0).flatten(1).double()
    _, directions = torch.linalg.eigh(pixels @ pixels.T / pixels.shape[1])
    return directions.flip(1).T.float()


@torch.no_grad()
def start_transform(model: StereoCodec, crops: Tensor) -> None:
    """Set the transform and the starting table indexes of `model` from crops [N, 3, H, W] (pixels minus 128)."""
    transform, channels = model.transform, model.config.N2
    with torch.enable_grad():
        transform.filter.copy_(lapped_filter())
    transform.colours.copy_(principal_colours(crops))
    transform.order = torch.arange(3 * COEFFICIENTS, dtype=torch.int32, device=transform.order.device)
    energies = torch.stack([transform.analysis(chunk).square().sum((0, 2, 3)) for chunk in crops.split(64)])
    transform.order = energies.sum(0).argsort(descending=True)[:channels].to(torch.int32)
    latents = transform.analysis(crops[:200]).permute(0, 2, 3, 1).flatten(0, 2)
    qualities = torch.linspace(1, QUALITIES, len(model.index_offsets.nodes)).round().long()
    for node, quality in enumerate(qualities):
        steps = latents / model.steps[quality - 1].float()
        model.index_offsets.nodes[node] = best_tables(steps.sign() * (steps.abs() + DEAD_ZONE).floor())

"""The pixels of a view -> the latents to code, and how coding it once makes them better (analysis by synthesis).

Latents run in ordinary floats where the spiking encoder makes them: two machines may make different ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from snncodec.constants import BLOCK
from snncodec.decoder.tiling import in_tiles
from snncodec.model.exact_codec import ExactCodec
from snncodec.model.prediction import PredictedView
from snncodec.model.view_decoder import FULL_GAIN

ROUNDING = 0.4  # latents from 0.6 steps on are rounded up, about as they are coded
PATCH, PATCHES = 8 * BLOCK, 4  # pixels to a side of samples of a view, and how many such in a column or row of it
SYNTHESIS_RATE = 0.6  # how far latents move at a time towards those that would have given the right pixels


def analyse_view(codec: ExactCodec, view: np.ndarray, quality: int, predicted: PredictedView | None = None) -> Tensor:
    """The latents in steps, float32 [1, N2, h, w], of a view, uint8 [H, W, 3], given a prediction (uint8) or not."""
    pixels = padded(view, codec.steps.device)

    def analyse(part: Tensor, *prediction: Tensor) -> Tensor:
        given = PredictedView(*prediction).centred() if prediction else None
        return codec.analyse(in_floats(part).sub_(128), quality, given)

    maps = [pixels] if predicted is None else [pixels, predicted.pixels, predicted.matched]
    return in_tiles(analyse, maps, blocks_of(pixels), codec.margin)


def predicted_latents(codec: ExactCodec, quality: int, pixels: Tensor, matched: Tensor) -> Tensor:
    """The latents in steps, float32 [1, N2, h, w], of a prediction (uint8); zeros where it does not count."""
    counts = matched.float() / float(codec.steps[quality - 1])
    return codec.transform.in_floats.analysis(pixels.float() - 128).mul_(counts)


def foresee(codec: ExactCodec, quality: int, latents: Tensor, *prediction: Tensor) -> Tensor:
    """About what latents in steps will be decoded to: whole steps away from predicted ones, or from zero.

    `prediction` is empty, or its pixels (uint8) and which of its blocks are matched.
    """
    expected = predicted_latents(codec, quality, *prediction) if prediction else torch.zeros_like(latents)
    difference = latents - expected
    return expected.add_((difference.abs() + ROUNDING).floor_().copysign_(difference))


def analyse_by_synthesis(
    codec: ExactCodec,
    view: np.ndarray,
    quality: int,
    latents: Tensor,
    reconstruction: Tensor,
    gain: int,
    decoded: Callable[..., Tensor],
    maps: Sequence[Tensor],
) -> Tensor:
    """`latents` of a view, which are overwritten, after a look at what they are `decoded` to.

    That is a function of them and of `maps`, tile by tile; `reconstruction` are its pixels. What the pixels still lack,
    as latents, is added to the decoded ones: a step of gradient descent on the squared error of pixels, the decoder
    network's derivative left out. The pixels are those of its full gain; with `gain`, in eighths, latents are to be
    coded.
    """
    pixels, step = padded(view, codec.steps.device), float(codec.steps[quality - 1])
    rate = SYNTHESIS_RATE * gain / FULL_GAIN

    def improve(part: Tensor, wanted: Tensor, there: Tensor, *others: Tensor) -> Tensor:
        lacking = codec.transform.in_floats.analysis(in_floats(wanted).sub_(there)).div_(step)
        return lacking.add_(decoded(part, *others)).sub_(part).mul_(rate).add_(part)

    return in_tiles(improve, [latents, pixels, reconstruction[None], *maps], blocks_of(pixels), 1, out=latents)


def padded(view: np.ndarray, device: torch.device) -> Tensor:
    """uint8 [H, W, 3] -> uint8 [1, 3, 16 h, 16 w], continued by border pixels; no copy of whole blocks on a CPU."""
    padding = (0, -view.shape[0] % BLOCK), (0, -view.shape[1] % BLOCK), (0, 0)
    whole = np.pad(view, padding, mode="edge") if np.any(padding) else np.require(view, None, ["C", "W"])
    return torch.from_numpy(whole).to(device).permute(2, 0, 1)[None]


def in_floats(pixels: Tensor) -> Tensor:
    """float32 of a part of a padded view, laid out alike, whatever the view is."""
    return pixels.to(torch.float32, memory_format=torch.contiguous_format, copy=True)


def blocks_of(pixels: Tensor) -> tuple[int, int]:
    """Rows and columns of blocks in whole blocks of pixels [N, C, 16 h, 16 w]."""
    return pixels.shape[2] // BLOCK, pixels.shape[3] // BLOCK


def patches(pixels: Tensor) -> Tensor:
    """Up to 4 x 4 patches, evenly spread, of pixels [1, 3, 16 h, 16 w]: [n, 3, height, width]."""
    size = [min(PATCH, side) for side in pixels.shape[2:]]
    rows, columns = (
        np.linspace(0, side - part, min(PATCHES, side // part)).astype(int)
        for side, part in zip(pixels.shape[2:], size, strict=True)
    )
    return torch.cat([pixels[:, :, y : y + size[0], x : x + size[1]] for y in rows for x in columns])

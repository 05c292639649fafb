"""How much of what the decoder network adds a view wants: the gain that leaves the least error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from snncodec.constants import BLOCK
from snncodec.decoder.tiling import in_tiles, middle, window
from snncodec.encoder.analysis import blocks_of, in_floats, padded
from snncodec.model.exact_codec import ExactCodec
from snncodec.model.prediction import PredictedView
from snncodec.model.view_decoder import FULL_GAIN, GAINS

SAMPLE = 16  # blocks to a side of what is looked at where time is short


def render_and_fit_gain(
    codec: ExactCodec,
    latents: Tensor,
    view: np.ndarray,
    quality: int,
    predicted: PredictedView | None,
    decoded: Callable[..., Tensor] | None = None,
) -> tuple[Tensor, int]:
    """Pixels, uint8 [3, 16 h, 16 w], of latents at full gain, and the gain, in eighths, that suits `view` best.

    It is that of least squares; where tiles overlap, pixels count more than once. Latents are `decoded` ones, unless
    there is a function that makes them so, of them and of a prediction's pixels and matched blocks.
    """
    pixels, step = padded(view, codec.steps.device), float(codec.steps[quality - 1])
    wanted, spent = torch.zeros((2, 1), dtype=torch.float64, device=pixels.device)

    def reconstruct(part: Tensor, target: Tensor, *prediction: Tensor) -> Tensor:
        given = PredictedView(*prediction).centred() if prediction else None
        linear, correction = codec.synthesise(decoded(part, *prediction) if decoded else part, quality, given)
        added = correction.float().flatten()
        wanted.add_(torch.dot(in_floats(target).sub_(128).sub_(linear).flatten(), added))
        spent.add_(torch.dot(added, added) * step)
        return codec.as_pixels(linear, correction, quality)

    maps = [latents, pixels] if predicted is None else [latents, pixels, predicted.pixels, predicted.matched]
    reconstruction = in_tiles(reconstruct, maps, blocks_of(pixels), codec.margin + (decoded is not None))[0]
    if not spent > 0:
        return reconstruction, FULL_GAIN
    return reconstruction, int((FULL_GAIN * wanted / spent).round().clamp(0, GAINS - 1))


def fit_gain_in_the_middle(
    codec: ExactCodec,
    latents: Tensor,
    view: np.ndarray,
    quality: int,
    predicted: PredictedView | None,
    decoded: Callable[..., Tensor],
) -> int:
    """The gain of `render_and_fit_gain` for the middle of the view."""
    part = middle((latents.shape[2], latents.shape[3]), SAMPLE)
    if predicted is not None:
        predicted = PredictedView(window(predicted.pixels, part, BLOCK), window(predicted.matched, part, 1))
    seen = window(latents, part, 1), view[part.pixels(BLOCK)]
    return render_and_fit_gain(codec, *seen, quality, predicted, decoded)[1]

"""How much of what the decoder network adds a view wants: the gain that leaves the least error."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from snncodec.decoder.tiling import in_tiles
from snncodec.encoder.analysis import blocks_of, padded
from snncodec.model.exact_codec import ExactCodec, as_pixels
from snncodec.model.prediction import PredictedView
from snncodec.model.view_decoder import FULL_GAIN, GAINS


def render_and_fit_gain(
    codec: ExactCodec, latents: Tensor, view: np.ndarray, quality: int, predicted: PredictedView | None
) -> tuple[Tensor, int]:
    """Pixels, uint8 [3, 16 h, 16 w], of latents at full gain, and the gain, in eighths, that suits `view` best.

    It is that of least squares; where tiles overlap, pixels count more than once.
    """
    pixels = padded(view, codec.steps.device)
    wanted, spent = torch.zeros((2, 1), dtype=torch.float64, device=pixels.device)

    def reconstruct(part: Tensor, target: Tensor, *prediction: Tensor) -> Tensor:
        given = PredictedView(*prediction).centred() if prediction else None
        linear, correction = codec.synthesise(part, quality, given)
        wanted.add_(((target.double() - 128 - linear) * correction).sum())
        spent.add_(correction.square().sum())
        return as_pixels(linear + correction)

    maps = [latents, pixels] if predicted is None else [latents, pixels, predicted.pixels, predicted.matched]
    reconstruction = in_tiles(reconstruct, maps, blocks_of(pixels), codec.margin)[0]
    if not spent > 0:
        return reconstruction, FULL_GAIN
    return reconstruction, int((FULL_GAIN * wanted / spent).round().clamp(0, GAINS - 1))

"""Normative. What the left view tells of the right one, as pixels and as latents, and in which blocks it counts."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class PredictedView:
    """Predictions of N right views."""

    pixels: Tensor  # [N, 3, 16 h, 16 w]; uint8, or floats minus 128
    matched: Tensor  # bool [N, 1, h, w]: the blocks that are found in the left view

    def centred(self) -> PredictedView:
        """The same with float32 pixels minus 128, from uint8 ones."""
        return PredictedView(self.pixels.float() - 128, self.matched)


@dataclass(frozen=True, eq=False)
class PredictedLatents:
    """The latents, in quantisation steps, that a `PredictedView` has."""

    values: Tensor  # [N, N2, h, w]
    matched: Tensor  # bool [N, 1, h, w]

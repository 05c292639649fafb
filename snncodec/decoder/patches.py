"""Normative. Square patches of a picture, wherever they lie; what is outside of it counts as its border."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


class Patches:
    """The patches of `size` x `size` pixels of a picture [C, H, W] of any type."""

    def __init__(self, picture: Tensor, size: int) -> None:
        bordered = F.pad(picture[None], [size] * 4, mode="replicate")[0]
        self.size, self.shape, self.bordered_shape = size, picture.shape[1:], bordered.shape
        self.lines = bordered.as_strided((bordered.numel() - size + 1, size), (1, 1))  # that start at any pixel

    def at(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Patches [C, n, size, size] whose first pixels lie at rows and columns int64 [n]: whole lines are fetched."""
        channels, height, width = self.bordered_shape
        first_rows, first_columns = (
            place.clamp(-self.size, length) + self.size
            for place, length in zip((rows, columns), self.shape, strict=True)
        )
        planes, lines = (torch.arange(n, device=rows.device) for n in (channels, self.size))
        starts = (first_rows[:, None] + lines) * width + first_columns[:, None]
        places = (planes[:, None] * (height * width) + starts.flatten()).flatten()
        return self.lines.index_select(0, places).view(channels, -1, self.size, self.size)

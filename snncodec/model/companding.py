"""Normative. How latents enter spiking networks: companded to small integers by comparison with stored thresholds."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

COMPAND_SCALE, COMPAND_MAX = 8, 40  # companding works on eighths of a quantisation step and saturates at +-40

# The least |8 v| that compands to 1, 2, ..., 40: ceil(8 * (2**((k - 0.5) / 4) - 1)).
COMPAND_THRESHOLDS = (
    1, 3, 5, 7, 10, 13, 17, 22, 27, 34, 42, 51, 62, 75, 91, 110, 132, 158, 190, 227, 272, 324, 387, 462, 551, 656, 782,
    932, 1109, 1320, 1572, 1871, 2226, 2648, 3151, 3749, 4459, 5304, 6309, 7505,
)  # fmt: skip


def compand(values: Tensor) -> Tensor:
    """sign(v) * round(4 log2(1 + |v|)) of v in steps, by comparing |8 v| with stored integer thresholds."""
    eighths = (values * COMPAND_SCALE).round_()
    table = _table(values.dtype, values.device)
    reach = eighths.detach().abs().fmin(table.new_tensor(COMPAND_THRESHOLDS[-1])).int()  # what is no number, too
    return table.index_select(0, reach.flatten()).view_as(eighths).copysign_(eighths)


@cache
def _table(dtype: torch.dtype, device: torch.device) -> Tensor:
    """How many thresholds each of 0, 1, ..., 7505 reaches."""
    with torch.inference_mode(False):  # it is kept, and may be needed with gradients later
        reached = torch.zeros(COMPAND_THRESHOLDS[-1] + 1, dtype=dtype, device=device)
        reached[torch.tensor(COMPAND_THRESHOLDS, device=device)] = 1
        return reached.cumsum(0)


def with_magnitudes(companded: Tensor) -> Tensor:
    """Companded values [N, C, h, w] and their magnitudes [N, 2 C, h, w]."""
    return torch.cat([companded, companded.abs()], dim=1)

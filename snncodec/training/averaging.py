"""The exponential moving average of a model's weights over steps, which forgets the noise of single ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

DECAY = 0.998  # of the average, per step
Tensors = tuple[Tensor, ...] | list[Tensor]


def averaged(model: nn.Module) -> AveragedModel:
    """A copy of `model` that follows it with `update_parameters`; without a step it is the model itself."""
    return AveragedModel(model, multi_avg_fn=_move)


@torch.no_grad()
def _move(averages: Tensors, values: Tensors, seen: Tensor | int) -> None:
    """Move averages towards values by 1 - `DECAY`, and by more while few have been seen."""
    torch._foreach_lerp_(averages, values, 1 - min(DECAY, (1 + int(seen)) / (10 + int(seen))))

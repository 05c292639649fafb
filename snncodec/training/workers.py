"""Several processes that train one model, as `torchrun` starts them; or one alone.

All draw the same batches from the same random numbers, each computes the gradients of its share, and their mean moves
every copy of the model alike. So a run is the same, but for rounding, with any number of workers, and can be continued
with another number. The first worker alone speaks and writes files.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from snncodec.errors import TrainingError
from snncodec.model.stereo_codec import StereoCodec
from snncodec.training.loss import rd_cost
from snncodec.training.stages import Stage


class BatchLoss(nn.Module):
    """`rd_cost` as a module, whose gradients can be shared."""

    def __init__(self, model: StereoCodec) -> None:
        super().__init__()
        self.model = model

    def forward(self, views: Tensor, quality: Tensor, stage: Stage) -> tuple[Tensor, Tensor, Tensor]:
        return rd_cost(self.model, views, quality, stage)


@dataclass(frozen=True)
class Workers:
    """Which of how many workers this process is, and where it computes."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this one speaks and writes."""
        return self.rank == 0

    def share(self, batch: Tensor) -> Tensor:
        """This worker's part of a batch [N, ...]; `TrainingError` where it cannot be dealt out evenly."""
        if len(batch) % self.count:
            raise TrainingError(f"a batch of {len(batch)} cannot be shared by {self.count} workers")
        return batch[self.rank :: self.count]

    def loss(self, model: StereoCodec) -> nn.Module:
        """A `BatchLoss` whose gradients are means over the whole batch."""
        alone = BatchLoss(model)
        return alone if self.count == 1 else DistributedDataParallel(alone, find_unused_parameters=True)

    def mean(self, *figures: float) -> list[float]:
        """The means of figures over all workers."""
        return [figure / self.count for figure in self._sum(*figures)]

    def agree(self, spent: float, stop: bool) -> tuple[float, bool]:
        """What the first worker has spent, and whether any is to stop."""
        spent, stops = self._sum(spent * self.leads, float(stop))
        return spent, stops > 0

    def _sum(self, *figures: float) -> list[float]:
        if self.count == 1:
            return list(figures)
        total = torch.tensor(figures, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.tolist()


def join_workers(device: torch.device) -> Workers:
    """This process among those that torchrun has started, which its environment tells of; else one alone."""
    count = int(os.environ.get("WORLD_SIZE", 1))
    if count == 1 or "RANK" not in os.environ:
        return Workers(device)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Workers(device, dist.get_rank(), dist.get_world_size())


def leave_workers() -> None:
    """End the connections to other workers, if there are any."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()

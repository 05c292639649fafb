"""What a training run consists of, beside its data: model, optimiser, average, and how far it has come.

`state` and `_restore` make it resumable. Nothing here takes a step or touches a file.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from snncodec.errors import TrainingError
from snncodec.model.pixel_networks import PixelNetwork
from snncodec.model.stereo_codec import StereoCodec
from snncodec.spiking.layers import set_on_grid
from snncodec.training.averaging import averaged
from snncodec.training.checkpoint import PROGRESS
from snncodec.training.options import TrainOptions
from snncodec.training.stages import PLAN, Stage
from snncodec.training.workers import Workers


class Run:
    """The state of a run, in the middle of a stage."""

    options: TrainOptions
    workers: Workers
    device: torch.device
    model: StereoCodec
    random: torch.Generator
    crop_random: np.random.Generator
    stage: str
    done: list[str]
    spent: float  # of the stage's budget, in steps or seconds
    step: int  # of the stage
    best: float  # loss of validation
    optimiser: torch.optim.Optimizer  # of the stage that runs
    average: AveragedModel  # of the weights over its steps, which is what is validated and kept
    loss: nn.Module  # of a batch, with gradients that are means over all workers

    def _begin(self, name: str) -> None:
        self.stage, self.spent, self.step = name, 0.0, 0
        if PLAN[name].pairs:  # from here on other views are measured, and on the grid
            self.best = math.inf
        self._set_arithmetic()
        self.optimiser = self._optimiser(PLAN[name])
        self.average = averaged(self.model)
        self.loss = self.workers.loss(self.model)

    @property
    def result(self) -> StereoCodec:
        """The model with averaged weights."""
        return cast(StereoCodec, self.average.module)

    def _set_arithmetic(self) -> None:
        """On the fixed-point grid in late stages, else pixel networks in bfloat16 where that is fast."""
        set_on_grid(self.model, PLAN[self.stage].on_grid)
        fast = self.device.type == "cuda" or (
            torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        )
        for network in self.model.modules():
            if isinstance(network, PixelNetwork):
                network.in_bfloat16 = fast and not PLAN[self.stage].on_grid

    def _optimiser(self, stage: Stage) -> torch.optim.Optimizer:
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name.startswith(stage.trains))
        chosen = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        return torch.optim.Adam(chosen, lr=stage.rate, betas=(0.9, 0.98), fused=True)

    def state(self) -> dict[str, Any]:
        """All that a checkpoint holds."""
        return {
            "config": self.model.config.to_dict(),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": {name: getattr(self, name) for name in PROGRESS},
            "random": self._random_state(),
        }

    def _random_state(self) -> dict[str, Any]:
        return {"torch": self.random.get_state(), "crops": self.crop_random.bit_generator.state}

    def _set_random_state(self, state: dict[str, Any]) -> None:
        self.random.set_state(state["torch"].cpu())
        self.crop_random.bit_generator.state = state["crops"]

    def _restore(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint exactly where it was written."""
        try:
            self.model.load_state_dict(state["model"])
            for name in PROGRESS:
                setattr(self, name, state["progress"][name])
            self._set_arithmetic()
            self.optimiser = self._optimiser(PLAN[self.stage])
            self._restore_optimiser(state["optimiser"]["state"])
            self.average = averaged(self.model)
            self.average.load_state_dict(state["average"])
            self.loss = self.workers.loss(self.model)
            self._set_random_state(state["random"])
            self.model.transform.exact().prove()
        except Exception as error:  # torch and numpy raise what they trip over
            raise TrainingError(f"{self.options.resume} does not hold a run that can be continued: {error}") from error

    def _restore_optimiser(self, moments: dict[int, dict[str, Any]]) -> None:
        """Take over the moments of each parameter; its fused kernels trust that they have its shape."""
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": moments})
        for parameter, values in self.optimiser.state.items():
            shapes = {"step": torch.Size([]), "exp_avg": parameter.shape, "exp_avg_sq": parameter.shape}
            if {name: value.shape for name, value in values.items()} != shapes:
                raise ValueError("the moments of its optimiser do not fit its model")
            if any(value.dtype != torch.float32 or not value.isfinite().all() for value in values.values()):
                raise ValueError("the moments of its optimiser are no finite numbers")

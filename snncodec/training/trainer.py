"""Training: pictures in, checkpoints and weights out, in stages that share one budget of steps or minutes.

Stages (each can be run alone): `prior` learns the entropy model on the fixed linear transform; `decoder` the spiking
decoder on what that decodes; `joint` all of a single view's codec; `stereo` what only right views use: the fusion in
their entropy model and the look at the left view in their encoder and decoder; `stereo_joint` everything, on both views
of pairs. The last two run on the fixed-point grid that files are coded with.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from snncodec.codec import pick_device
from snncodec.errors import TrainingError, WeightsError
from snncodec.model.config import PRESETS, ModelConfig
from snncodec.model.pixel_networks import PixelNetwork
from snncodec.model.shipped_weights import load_weights
from snncodec.model.stereo_codec import StereoCodec
from snncodec.model.weights import read_weights, save_weights, trainable
from snncodec.spiking.layers import set_on_grid
from snncodec.spiking.neurons import compile_neurons
from snncodec.training.averaging import averaged
from snncodec.training.checkpoint import PROGRESS, read_last_checkpoint, write_checkpoint
from snncodec.training.crops import CropSampler, StereoSampler, validation_crops
from snncodec.training.fit_tables import count_symbols, fit_frequencies, logistic_frequencies
from snncodec.training.initial_transform import start_transform
from snncodec.training.loss import rd_cost, validation_curve
from snncodec.training.options import STAGES, TrainOptions
from snncodec.training.pictures import Progress, load_folders
from snncodec.training.stages import PLAN, Stage

WARM_UP, CLIP_NORM = 100, 1.0
REPORT_SECONDS, SAVE_SECONDS = 10, 180
START_CROPS, TABLE_CROPS = 1500, 100


class Trainer:
    """One run: model, optimiser, data and how far it has come; `state` and `restore` make it resumable."""

    optimiser: torch.optim.Optimizer  # of the stage that runs
    average: AveragedModel  # of the weights over its steps, which is what is validated and kept

    def __init__(self, options: TrainOptions, report: Callable[[str], None], progress: Progress | None = None) -> None:
        self.options, self.report = options, report
        self.device = pick_device(options.device)
        torch.set_flush_denormal(True)  # vanishing gradients would cost a hundred times an ordinary multiplication
        torch.manual_seed(options.seed)
        self.random = torch.Generator().manual_seed(options.seed)
        self.crop_random = np.random.default_rng(options.seed)
        pictures, pairs = load_folders(options.data, report, progress)
        self.sampler = CropSampler([(picture,) for picture in pictures], self.crop_random)
        self.samplers = {False: self.sampler}  # of single pictures, and of pairs if a stage needs them
        if any(PLAN[stage].pairs for stage in options.stages):
            self.samplers[True] = StereoSampler(pairs, self.sampler, self.crop_random)
        self.crops = validation_crops(options.val) if options.val else None
        self.checkpoint = read_last_checkpoint(options.resume, report) if options.resume else None
        self.model = self._first_model()
        self.model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
        self.model.train()
        parameters = sum(p.numel() for p in self.model.parameters())
        report(f"{len(pictures)} pictures, {len(pairs)} stereo pairs, {parameters:,} parameters, {self.device.type}")
        self.stage = ""
        self.done: list[str] = []
        self.spent, self.step, self.best = 0.0, 0, math.inf
        if self.checkpoint:
            self._restore(self.checkpoint)

    def _first_model(self) -> StereoCodec:
        if self.checkpoint:
            try:
                return StereoCodec(ModelConfig.from_dict(self.checkpoint["config"]))
            except (TypeError, WeightsError) as error:
                raise TrainingError(f"{self.options.resume} describes no model of this version: {error}") from error
        if self.options.init:
            return trainable(load_weights(self.options.init, torch.device("cpu")))
        config = PRESETS[self.options.preset]
        if self.options.neuron:
            config = dataclasses.replace(
                config, neuron=self.options.neuron, T=1 if self.options.neuron == "relu" else config.T
            )
        model = StereoCodec(config)
        start_transform(model, self.sampler.batch(START_CROPS, 192, colour=False)[:, 0])
        return model

    # -- stages ------------------------------------------------------------------------------------------------------

    def run(self) -> Path:
        """All stages that are not done; returns the file of the last weights."""
        shares = sum(PLAN[s].share for s in self.options.stages)
        left = [s for s in STAGES if s in self.options.stages and s not in self.done]
        if not left:
            self.report("nothing is left to train: these stages are done; --init starts a new run from weights")
        for name in left:
            stage = PLAN[name]
            if self.stage != name:
                self._begin(name)
            self._run_stage(stage, self.options.budget * stage.share / shares)
            self.done.append(name)
            self.model.load_state_dict(self.result.state_dict())
            self.validate()
            self.save()
        return self.save_weights()

    def _begin(self, name: str) -> None:
        self.stage, self.spent, self.step = name, 0.0, 0
        if PLAN[name].pairs:  # from here on other views are measured, and on the grid
            self.best = math.inf
        self._set_arithmetic()
        self.optimiser = self._optimiser(PLAN[name])
        self.average = averaged(self.model)

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

    def _run_stage(self, stage: Stage, budget: float) -> None:
        reported, saved = time.monotonic(), time.monotonic()
        recent: list[tuple[float, float, float]] = []
        while self.spent < budget:
            started = time.monotonic()
            recent.append(self._step(stage, self.spent / budget))
            self.spent += 1 if self.options.steps else time.monotonic() - started
            if time.monotonic() - reported > REPORT_SECONDS or self.spent >= budget:
                self._report_line(recent, time.monotonic() - reported, budget)
                reported, recent = time.monotonic(), []
            if time.monotonic() - saved > SAVE_SECONDS:
                self.validate()
                self.save()
                saved = reported = time.monotonic()

    def _step(self, stage: Stage, fraction: float) -> tuple[float, float, float]:
        rate = stage.rate * min(1, (self.step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * fraction))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        views = self.samplers[stage.pairs].batch(stage.batch, self.options.crop or stage.crop).to(self.device)
        quality = torch.randint(1, 101, (stage.batch,), generator=self.random).to(self.device)
        loss, bpp, mse = rd_cost(self.model, views, quality, stage)
        if not math.isfinite(loss.item()):
            raise TrainingError(
                f"the loss is {loss.item()} at step {self.step} of stage {self.stage}; the last checkpoint is kept"
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        chosen = [p for g in self.optimiser.param_groups for p in g["params"]]
        if not math.isfinite(nn.utils.clip_grad_norm_(chosen, CLIP_NORM).item()):
            raise TrainingError(f"a gradient is not finite at step {self.step} of stage {self.stage}")
        self.optimiser.step()
        self.model.level_predictors()
        self.average.update_parameters(self.model)
        self.step += 1
        return loss.item(), bpp.mean().item(), mse.mean().item()

    def _report_line(self, recent: list[tuple[float, float, float]], seconds: float, budget: float) -> None:
        loss, bpp, mse = (sum(column) / len(recent) for column in zip(*recent, strict=True))
        left = (budget - self.spent) * (seconds / len(recent) if self.options.steps else 1)
        psnr = 10 * math.log10(255**2 / max(mse, 1e-9))
        of = "" if PLAN[self.stage].decode else " (of the latents)"
        self.report(
            f"{self.stage} step {self.step}: {bpp:.3f} bpp, {psnr:.2f} dB{of}, loss {loss:.4f}, "
            f"{1000 * seconds / len(recent):.0f} ms/step, ETA {left / 60:.1f} min"
        )

    # -- validation and files ----------------------------------------------------------------------------------------

    def validate(self) -> None:
        """Estimated rate and PSNR of validation crops at six qualities; keeps the best model as best.safetensors."""
        if self.crops is None:
            return
        stage = dataclasses.replace(PLAN[self.stage], decode=True)
        views = self.crops.unflatten(0, (-1, 2) if stage.pairs else (-1, 1))
        loss, points = validation_curve(self.result, views, stage)
        curve = " ".join(f"{bpp:.4f}/{psnr:.2f}" for bpp, psnr in points)
        self.report(f"validation {self.stage} step {self.step}: loss {loss:.4f}, bpp/dB {curve}")
        if loss < self.best:
            self.best = loss
            save_weights(self.result, logistic_frequencies(), self.options.out / "best.safetensors")

    def save_weights(self) -> Path:
        """last.safetensors: the model with probability tables fitted to the symbols that it codes."""
        file = save_weights(self.model, logistic_frequencies(), self.options.out / "last.safetensors")
        self.report("fitting the probability tables")
        loaded = read_weights(file.read_bytes(), str(file), torch.device("cpu"))
        scenes = [(sampler.batch(TABLE_CROPS, 256) + 128).to(torch.uint8) for sampler in self.samplers.values()]
        histogram = np.sum([count_symbols(loaded, some) for some in scenes], axis=0)
        return save_weights(self.model, fit_frequencies(histogram), file)

    def save(self) -> None:
        """Write the whole state to last.ckpt."""
        state = {
            "config": self.model.config.to_dict(),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": {name: getattr(self, name) for name in PROGRESS},
            "random": {"torch": self.random.get_state(), "crops": self.crop_random.bit_generator.state},
        }
        write_checkpoint(state, self.options.out / "last.ckpt")

    def _restore(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint exactly where it was written."""
        try:
            self.model.load_state_dict(state["model"])
            for name in PROGRESS:
                setattr(self, name, state["progress"][name])
            self._set_arithmetic()
            self.optimiser = self._optimiser(PLAN[self.stage])
            self.optimiser.load_state_dict(state["optimiser"])
            self.average = averaged(self.model)
            self.average.load_state_dict(state["average"])
            self.random.set_state(state["random"]["torch"].cpu())
            self.crop_random.bit_generator.state = state["random"]["crops"]
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise TrainingError(f"{self.options.resume} does not hold a run that can be continued: {error}") from error


def train(options: TrainOptions, report: Callable[[str], None], progress: Progress | None = None) -> Path:
    """Train as `options` say, reporting one line at a time; returns the weights file written last."""
    trainer = Trainer(options, report, progress)
    if not compile_neurons():
        report("torch.compile does not work here; training goes on uncompiled, more slowly")
    return trainer.run()

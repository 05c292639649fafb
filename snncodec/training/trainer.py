"""Training: pictures in, checkpoints and weights out, in stages that share one budget of steps or minutes.

Stages (each can be run alone): `prior` learns the entropy model on the fixed linear transform; `decoder` the spiking
decoder on what that decodes; `joint` all of a single view's codec; `stereo` what only right views use: the fusion in
their entropy model and the look at the left view in their encoder and decoder; `stereo_joint` everything, on both views
of pairs. The last two run on the fixed-point grid that files are coded with.
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from snncodec.codec import pick_device
from snncodec.errors import InputError, TrainingError
from snncodec.io.files import check_output_folder
from snncodec.model.weights import read_weights, save_weights
from snncodec.spiking.neurons import compile_neurons
from snncodec.training.checkpoint import read_last_checkpoint, write_checkpoint
from snncodec.training.crops import CropSampler, StereoSampler, validation_crops
from snncodec.training.first_model import first_model
from snncodec.training.fit_tables import count_symbols, fit_frequencies, logistic_frequencies
from snncodec.training.interruption import delayed_interrupt
from snncodec.training.loss import validation_curve
from snncodec.training.options import STAGES, TrainOptions
from snncodec.training.pictures import Progress, load_folders
from snncodec.training.run import Run
from snncodec.training.stages import PLAN, Stage
from snncodec.training.workers import join_workers, leave_workers

WARM_UP, CLIP_NORM = 100, 1.0
REPORT_SECONDS, SAVE_SECONDS = 10, 180
TABLE_CROPS = 100
LAST = "last.ckpt"


class Trainer(Run):
    """A run with its data, which learns, reports, and writes files."""

    def __init__(self, options: TrainOptions, report: Callable[[str], None], progress: Progress | None = None) -> None:
        self.workers = join_workers(pick_device(options.device))
        self.options, self.report = options, report if self.workers.leads else _say_nothing
        report, self.device = self.report, self.workers.device
        torch.set_flush_denormal(True)  # vanishing gradients would cost a hundred times an ordinary multiplication
        torch.manual_seed(options.seed)
        self.random = torch.Generator().manual_seed(options.seed)
        self.crop_random = np.random.default_rng(options.seed)
        pictures, pairs = load_folders(options.data, report, progress, options.strict)
        self.sampler = CropSampler([(picture,) for picture in pictures], self.crop_random)
        self.samplers = {False: self.sampler}  # of single pictures, and of pairs if a stage needs them
        if any(PLAN[stage].pairs for stage in options.stages):
            self.samplers[True] = StereoSampler(pairs, self.sampler, self.crop_random)
        self.crops = validation_crops(options.val) if options.val else None
        self.checkpoint = read_last_checkpoint(options.resume, report) if options.resume else None
        self.model = first_model(options, self.checkpoint, self.sampler)
        self.model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
        self.model.train()
        parameters = sum(p.numel() for p in self.model.parameters())
        report(f"{len(pictures)} pictures, {len(pairs)} stereo pairs, {parameters:,} parameters, {self.device.type}")
        self.stage = ""
        self.done: list[str] = []
        self.spent, self.step, self.best = 0.0, 0, math.inf
        if self.checkpoint:
            self._restore(self.checkpoint)

    # -- stages ------------------------------------------------------------------------------------------------------

    def run(self) -> Path:
        """All stages that are not done; returns the file of the last weights."""
        left = [s for s in STAGES if s in self.options.stages and s not in self.done]
        if not left:
            self.report("nothing is left to train: these stages are done; --init starts a new run from weights")
        with delayed_interrupt(patient=self.workers.count > 1) as interrupted:
            self._run_stages(left, interrupted)
        return self.save_weights()

    def _run_stages(self, left: list[str], interrupted: Callable[[], bool]) -> None:
        shares = sum(PLAN[s].share for s in self.options.stages)
        for name in left:
            stage = PLAN[name]
            if self.stage != name:
                self._begin(name)
            self._run_stage(stage, self.options.budget * stage.share / shares, interrupted)
            self.done.append(name)
            self.model.load_state_dict(self.result.state_dict())
            self.validate()
            self.save()
            if interrupted():
                raise KeyboardInterrupt(f"stage {name} is done and saved; {self.how_to_resume}")

    def _run_stage(self, stage: Stage, budget: float, interrupted: Callable[[], bool]) -> None:
        reported, saved = time.monotonic(), time.monotonic()
        recent: list[tuple[float, float, float]] = []
        while self.spent < budget:
            recent.append(self._step_or_save(stage, budget, interrupted))
            if time.monotonic() - reported > REPORT_SECONDS or self.spent >= budget:
                self._report_line(recent, time.monotonic() - reported, budget)
                reported, recent = time.monotonic(), []
            if time.monotonic() - saved > SAVE_SECONDS:
                self.validate()
                self.save()
                saved = reported = time.monotonic()

    def _step_or_save(self, stage: Stage, budget: float, interrupted: Callable[[], bool]) -> tuple[float, float, float]:
        """One step; when it was interrupted, or another worker has ended, the state after the last one is saved."""
        step, random, started = self.step, self._random_state(), time.monotonic()
        try:
            figures = self._step(stage, self.spent / budget)
            spent = self.spent + (1 if self.options.steps else time.monotonic() - started)
            self.spent, stop = self.workers.agree(spent, interrupted())
        except RuntimeError as error:
            if self.workers.count == 1:
                raise
            if self.step == step:
                self._set_random_state(random)
            self.save()
            reason = str(error).partition("\n")[0]
            raise TrainingError(f"workers are gone, the state is saved; {self.how_to_resume} ({reason})") from error
        if stop:
            self.save()
            raise KeyboardInterrupt(f"the state after step {self.step} of {self.stage} is saved; {self.how_to_resume}")
        return figures

    @property
    def how_to_resume(self) -> str:
        return f"continue with --resume {self.options.out / LAST}"

    def _step(self, stage: Stage, fraction: float) -> tuple[float, float, float]:
        rate = stage.rate * min(1, (self.step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * fraction))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        views = self.samplers[stage.pairs].batch(stage.batch, self.options.crop or stage.crop)
        quality = torch.randint(1, 101, (stage.batch,), generator=self.random)
        views, quality = (self.workers.share(x).to(self.device) for x in (views, quality))
        loss, bpp, mse = self.loss(views, quality, stage)
        mean_loss, *figures = self.workers.mean(loss.item(), bpp.mean().item(), mse.mean().item())
        if not math.isfinite(mean_loss):
            raise TrainingError(
                f"the loss is {mean_loss} at step {self.step} of stage {self.stage}; the last checkpoint is kept"
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
        return mean_loss, figures[0], figures[1]

    def _report_line(self, recent: list[tuple[float, float, float]], seconds: float, budget: float) -> None:
        loss, bpp, mse = (sum(column) / len(recent) for column in zip(*recent, strict=True))
        left = (budget - self.spent) * (seconds / len(recent) if self.options.steps else 1)
        psnr = 10 * math.log10(255**2 / max(mse, 1e-9))
        of = "" if PLAN[self.stage].decode else " (of the latents)"
        self.report(
            f"{self.stage} step {self.step}: {bpp:.3f} bpp, {psnr:.2f} dB{of}, loss {loss:.4f}, "
            f"{1000 * seconds / len(recent):.0f} ms/step, ETA {max(0, left) / 60:.1f} min"
        )

    # -- validation and files ----------------------------------------------------------------------------------------

    def validate(self) -> None:
        """Estimated rate and PSNR of validation crops at six qualities; keeps the best model as best.safetensors."""
        if self.crops is None or not self.workers.leads:
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
        if not self.workers.leads:
            return self.options.out / "last.safetensors"
        file = save_weights(self.model, logistic_frequencies(), self.options.out / "last.safetensors")
        self.report("fitting the probability tables")
        loaded = read_weights(file.read_bytes(), str(file), torch.device("cpu"))
        scenes = [(sampler.batch(TABLE_CROPS, 256) + 128).to(torch.uint8) for sampler in self.samplers.values()]
        histogram = np.sum([count_symbols(loaded, some) for some in scenes], axis=0)
        return save_weights(self.model, fit_frequencies(histogram), file)

    def save(self) -> None:
        """Write the whole state to last.ckpt."""
        if not self.workers.leads:
            return
        write_checkpoint(self.state(), self.options.out / LAST)


def train(options: TrainOptions, report: Callable[[str], None], progress: Progress | None = None) -> Path:
    """Train as `options` say, reporting one line at a time; returns the weights file written last."""
    _check_writable(options.out)
    try:
        trainer = Trainer(options, report, progress)
        if not compile_neurons():
            trainer.report("torch.compile does not work here; training goes on uncompiled, more slowly")
        return trainer.run()
    finally:
        leave_workers()


def _check_writable(folder: Path) -> None:
    """`InputError` where no file can be written to a folder, which is made; hours later would be too late."""
    check_output_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"cannot write into {folder}: {error.strerror or error}") from error


def _say_nothing(_line: str) -> None:
    """What workers but the first report."""

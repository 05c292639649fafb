"""Normative. `ExactCodec`: the networks on their fixed-point grid, as files are coded with them.

Coding: pixels -> `analyse` -> latents -> `hyper_analysis` -> hyper-latents -> `run_context_model` (entropy_model.py)
with a `code` function -> `reconstruct`. All but `analyse` computes alike on every machine. It touches no bytes and
never learns.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from snncodec.constants import BLOCK
from snncodec.model.config import ModelConfig
from snncodec.model.entropy_model import EntropyModel
from snncodec.model.lapped_transform import OVERLAP, ExactLappedTransform, in_pixels, strips
from snncodec.model.latent_grid import dequantise
from snncodec.model.local_contrast import MEAN_RADIUS
from snncodec.model.prediction import PredictedView
from snncodec.model.quality import ExactOffsets
from snncodec.model.view_decoder import FULL_GAIN, ExactDecoder
from snncodec.model.view_encoder import LeftEncoder, RightEncoder
from snncodec.spiking.fixed_point import snap
from snncodec.spiking.proof import prove_network
from snncodec.stopwatch import timed


class ExactCodec(EntropyModel):
    """What `StereoCodec.exact` returns; `prepare` makes it ready."""

    transform: ExactLappedTransform
    left_encoder: LeftEncoder
    right_encoder: RightEncoder
    decoder: ExactDecoder
    decoder_offsets: ExactOffsets

    def __init__(self, config: ModelConfig, networks: dict[str, nn.Module], hyper_index: Tensor, steps: Tensor) -> None:
        super().__init__()
        self.config = config
        for name, network in networks.items():
            self.add_module(name, network)
        self.register_buffer("hyper_index", snap(hyper_index))
        self.register_buffer("steps", steps)

    def prepare(self, device: torch.device) -> ExactCodec:
        """Move to `device`, prove exactness and choose number formats; `WeightsError` where that is impossible."""
        self.to(device)
        self.transform.prove()
        entropy = (self.hyper_encoder, self.hyper_decoder, self.context_model, self.fusion)
        offsets = (self.hyper_offsets, self.prior_offsets, self.index_offsets)
        repeats = max(1, len(self.config.attended))  # of what attention adds to the membranes
        prove_network(nn.ModuleList([*entropy, *offsets]), "the entropy model", device, repeats)
        pixels = (self.decoder.network, self.decoder.conditioning, self.decoder_offsets)
        prove_network(nn.ModuleList(pixels), "the decoder", device)
        return self

    def turned(self, chroma_angle: int) -> ExactCodec:
        """This codec, its networks shared, on the transform whose chroma axes a file has turned."""
        twin = copy.copy(self)
        twin._modules = {**self._modules, "transform": self.transform.turned(chroma_angle)}
        return twin

    @timed("network")
    def analyse(self, pixels: Tensor, quality: int, predicted: PredictedView | None = None) -> Tensor:
        """Latents in steps [1, N2, H/16, W/16] of one view [1, 3, H, W] (float32, minus 128), given a prediction."""
        transform, step, at = self.transform.in_floats, self.steps[quality - 1].float().view(1), self._at(quality)
        if predicted is None:
            return self.left_encoder(transform, pixels, step, at).div_(step)
        return self.right_encoder(self.left_encoder, transform, pixels, step, at, predicted).div_(step)

    @timed("network")
    def synthesise(
        self, latents: Tensor, quality: int, predicted: PredictedView | None = None
    ) -> tuple[Tensor, Tensor]:
        """B y^, float64 [1, 3, 16 h, 16 w] (minus 128), and D(B y^), in steps, of latents in steps [1, N2, h, w].

        `predicted` has pixels minus 128.
        """
        step = self.steps[quality - 1].view(1)
        values = dequantise(latents, step)
        return self.decoder(self.transform, values, step, self.decoder_offsets(self._at(quality)), predicted)

    def reconstruct(
        self, latents: Tensor, quality: int, predicted: PredictedView | None = None, gain: int = FULL_GAIN
    ) -> Tensor:
        """Pixels, uint8 [1, 3, 16 h, 16 w], of latents as in `synthesise`; `gain` is that of D, in eighths."""
        linear, correction = self.synthesise(latents, quality, predicted)
        return self.as_pixels(linear, correction, quality, gain)

    def as_pixels(self, linear: Tensor, correction: Tensor, quality: int, gain: int = FULL_GAIN) -> Tensor:
        """Pixels, uint8, of what `synthesise` returns, a strip at a time; nothing rounds but the last step."""
        pixels, step = torch.empty_like(linear, dtype=torch.uint8), self.steps[quality - 1] * (gain / FULL_GAIN)
        for rows in map(in_pixels, strips(linear.shape[2] // BLOCK)):
            added = correction[:, :, rows].double().mul_(step)
            pixels[:, :, rows] = added.add_(linear[:, :, rows]).add_(128).round_().clamp_(0, 255)
        return pixels

    @property
    def margin(self) -> int:
        """Blocks around a tile that its pixels (or latents) depend on: lapped filters, local mean, 3x3 convolutions."""
        reach = (
            OVERLAP + MEAN_RADIUS + self.config.patch * (2 * max(self.config.blocks, self.config.encoder_blocks) + 3)
        )
        return 1 + -(-reach // BLOCK)

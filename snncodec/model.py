"""`StereoCodec`: the networks joined into one model, for training (`forward`) and for coding (the other methods).

Coding: pixels -> `analyse` -> hyper-latents and latents in steps -> `predict` with a `code` function -> values -> `reconstruct`.
Everything after `analyse` is exact once `prepare` has run. It does not touch bytes or files.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.config import QUALITIES, ModelConfig
from snncodec.exact import prove, quantise, snap, snap_parameters
from snncodec.prior import HYPER_STRIDE, TABLES, Code, ContextModel, HyperDecoder, HyperEncoder
from snncodec.transforms import LINEAR_BITS, Decoder, LeftEncoder, RightEncoder

COARSEST, FINEST = 144.0, 5.0  # quantisation steps at quality 1 and 100, geometric in between
STEP_BITS = 6  # steps and dequantised latents are multiples of 1/64
LATENT_MAX = 2.0**20
LOWEST_SCALE, SCALE_RATIO = 0.03, 0.117  # table i stands for a logistic of scale 0.03 exp(0.117 i) steps
DEAD_ZONE = 0.4  # rounding offset in training: |s| < 0.6 becomes 0
NODES = 9  # per-channel offsets are learned at 9 qualities and interpolated


class Output(NamedTuple):
    """What training needs of one batch."""

    bits: Tensor  # [N], of one view
    pixels: Tensor | None  # [N, 3, H, W] decoded, minus 128
    latent_error: Tensor  # [N] sum of squared errors of the latents in steps, with a gradient for the means only


class QualityOffsets(nn.Module):
    """Per-channel offsets of a network as a function of quality: [N] qualities 1..100 -> [N, channels]."""

    def __init__(self, channels: int, nodes: int = NODES) -> None:
        super().__init__()
        self.nodes = nn.Parameter(torch.zeros(nodes, channels))

    def forward(self, quality: Tensor) -> Tensor:
        if len(self.nodes) == QUALITIES:
            return self.nodes[quality - 1]
        position = (quality - 1) * (len(self.nodes) - 1) / (QUALITIES - 1)
        low = position.floor().clamp(max=len(self.nodes) - 2).long()
        return torch.lerp(self.nodes[low], self.nodes[low + 1], (position - low)[:, None].to(self.nodes.dtype))

    @torch.no_grad()
    def tabulate(self, rows: int) -> None:
        """Replace the nodes by `rows` values at evenly spread qualities (100 for coding, 9 for training)."""
        quality = torch.linspace(1, QUALITIES, rows, dtype=torch.float64).round().long()
        self.nodes = nn.Parameter(self(quality.to(self.nodes.device)).clone())


def quality_steps() -> Tensor:
    """Quantisation steps [100] in pixel units, multiples of 1/64; shipped with the weights."""
    exponents = torch.arange(QUALITIES, dtype=torch.float64) / (QUALITIES - 1)
    return snap(COARSEST * (FINEST / COARSEST) ** exponents, STEP_BITS)


def logistic_bits(symbols: Tensor, index: Tensor) -> Tensor:
    """Bits of (real-valued) symbols under a zero-mean logistic of the scale that the real table index names."""
    index = index + (index.clamp(0, TABLES - 1) - index).detach()
    precision = torch.exp(-SCALE_RATIO * index) / LOWEST_SCALE
    above, below = F.logsigmoid((0.5 + symbols) * precision), F.logsigmoid((0.5 - symbols) * precision)
    return -(above + below + torch.log(-torch.expm1(-precision))) / math.log(2)


def dead_zone_round(x: Tensor) -> Tensor:
    return x.sign() * (x.abs() + DEAD_ZONE).floor()


class StereoCodec(nn.Module):
    """Two encoders, hyperprior, context model and decoder; one set of weights for qualities 1..100."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.left_encoder, self.right_encoder = LeftEncoder(config), RightEncoder(config)
        self.right_encoder.analysis, self.right_encoder.network = self.left_encoder.analysis, self.left_encoder.network
        self.hyper_encoder, self.hyper_decoder = HyperEncoder(config), HyperDecoder(config)
        self.context_model = ContextModel(config)
        self.decoder = Decoder(config)
        self.encoder_offsets, self.decoder_offsets = QualityOffsets(config.M), QualityOffsets(config.M)
        self.hyper_offsets, self.prior_offsets = QualityOffsets(config.prior_width), QualityOffsets(config.prior_width)
        self.hyper_index = nn.Parameter(torch.full((config.hyper_channels,), 28.0))
        self.index_offsets = QualityOffsets(config.N2)
        self.register_buffer("steps", quality_steps())

    def forward(self, pixels: Tensor, quality: Tensor, *, encode: bool = True, decode: bool = True) -> Output:
        """Code pixels [N, 3, H, W] (minus 128, H and W multiples of 16) at qualities [N], differentiably.

        Without `encode` the spiking encoder E is left out, without `decode` no pixels are made; early stages train so.
        """
        count, step = len(pixels), self.steps[quality - 1].to(pixels.dtype)
        if encode:
            latents = self.left_encoder(pixels, step, self.encoder_offsets(quality))
        else:
            latents = self.left_encoder.analysis(pixels).detach()
        latents = latents / step.view(-1, 1, 1, 1)
        hyper = self.hyper_encoder(latents, self.hyper_offsets(quality))
        hyper = hyper + (hyper.round() - hyper).detach()
        bits = [logistic_bits(hyper, self.hyper_index.view(1, -1, 1, 1)).sum((1, 2, 3))]
        errors = []

        def code(channels: slice, targets: Tensor, mean: Tensor, index: Tensor) -> Tensor:
            residual = targets - mean
            rounded = dead_zone_round(residual.detach())
            symbols = residual + (rounded - residual).detach()
            bits.append(logistic_bits(symbols, index).view(count, -1).sum(1))
            errors.append((targets.detach() - mean - rounded).square().view(count, -1).sum(1))
            return symbols + mean

        values = self.predict(hyper, quality, latents, code) * step.view(-1, 1, 1, 1)
        decoded = self.decoder(values, step, self.decoder_offsets(quality)) if decode else None
        return Output(sum(bits), decoded, sum(errors))

    def predict(self, hyper: Tensor, quality: Tensor, targets: Tensor | None, code: Code, shape=None) -> Tensor:
        """Run the context model from rounded hyper-latents [N, Z, h', w']; latents in steps [N, N2, h, w]."""
        height, width = targets.shape[2:] if targets is not None else shape
        membrane = self.hyper_decoder(hyper)[:, :, :height, :width]
        offsets = self.prior_offsets(quality)[:, :, None, None]
        membrane = membrane + offsets.repeat(self.config.T, 1, 1, 1)
        return self.context_model(membrane, self.index_offsets(quality), targets, code)

    def prepare(self, device: torch.device) -> StereoCodec:
        """Make ready for coding on `device`: snap to the fixed-point grid, prove exactness, choose number formats."""
        quantise(self, False)
        for offsets in (self.encoder_offsets, self.decoder_offsets, self.hyper_offsets, self.prior_offsets, self.index_offsets):
            offsets.tabulate(QUALITIES)
        exact_parts = (self.hyper_decoder, self.context_model, self.decoder.network)
        for part in (*exact_parts, self.decoder_offsets, self.prior_offsets, self.index_offsets):
            snap_parameters(part)
        for kernel in self.decoder.synthesis.parameters():
            kernel.data = snap(kernel.data.double(), LINEAR_BITS)
        self.to(device).eval()
        entropy = nn.ModuleList([self.hyper_decoder, self.context_model, self.prior_offsets, self.index_offsets]).double()
        prove(entropy, "entropy model", device)  # always float64: latents are few, and reach far
        pixel_parts = nn.ModuleList([self.decoder.network, self.decoder_offsets])
        pixel_parts.to(prove(pixel_parts, "decoder", device))
        return self

    def analyse(self, pixels: Tensor, quality: int) -> tuple[Tensor, Tensor]:
        """Latents in steps [1, N2, h, w] and rounded hyper-latents of one view [1, 3, H, W] (float32, minus 128)."""
        at = torch.tensor([quality], device=pixels.device)
        step = self.steps[at - 1].to(pixels.dtype)
        latents = self.left_encoder(pixels, step, self.encoder_offsets(at)) / step
        return latents, self.hyper_encoder(latents, self.hyper_offsets(at)).round()

    def dequantise(self, values: Tensor, quality: int) -> Tensor:
        """Latents in steps -> latents in pixel units, on the 1/64 grid and bounded (float64)."""
        return snap(values * self.steps[quality - 1], STEP_BITS).clamp(-LATENT_MAX, LATENT_MAX)

    def reconstruct(self, latents: Tensor, quality: int) -> Tensor:
        """Latents in pixel units [N, N2, h, w] -> uint8 pixels [N, 3, 16 h, 16 w]."""
        at = torch.tensor([quality], device=latents.device)
        pixels = self.decoder(latents, self.steps[at - 1], self.decoder_offsets(at))
        return (pixels + 128).round().clamp(0, 255).to(torch.uint8)

"""`StereoCodec`: the networks joined into one model, for training (`forward`) and for coding (the other methods).

Coding: pixels -> `analyse` -> latents -> `summarise` -> hyper-latents -> `predict` with a `code` function ->
`reconstruct`. All but `analyse` is exact once `prepare` has run. It touches no bytes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.config import BLOCK, QUALITIES, ModelConfig
from snncodec.entropy import LOWEST_SCALE, SCALE_RATIO, TABLES
from snncodec.exact import prove, prove_chain, quantise, snap, snap_parameters
from snncodec.prior import HYPER_STRIDE, Code, ContextModel, HyperDecoder, HyperEncoder
from snncodec.rounding import cheapest
from snncodec.stereo import VALUE_BITS, VALUE_MAX, Fusion
from snncodec.transforms import LINEAR_BITS, MEAN_RADIUS, OVERLAP, PIXEL_BITS, Decoder, LeftEncoder, RightEncoder

COARSEST, FINEST = 192.0, 5.0  # quantisation steps at quality 1 and 100, geometric in between
STEP_BITS, STEP_MAX = 6, 1024  # steps and dequantised latents are multiples of 1/64
LATENT_MAX = 2.0**20
NODES = 9  # per-channel offsets are learned at 9 qualities and interpolated


Size = tuple[int, int] | torch.Size


class Output(NamedTuple):
    """What training needs of one batch."""

    bits: Tensor  # [N], of one view
    pixels: Tensor | None  # [N, 3, H, W] decoded, minus 128
    latent_error: Tensor  # [N] sum of squared errors of the latents in steps, with a gradient for the means only
    values: Tensor  # [N, N2, H/16, W/16] decoded latents in steps


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


class StereoCodec(nn.Module):
    """Two encoders, hyperprior, context model, fusion and decoder; one set of weights for qualities 1..100."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.left_encoder, self.right_encoder = LeftEncoder(config), RightEncoder(config)
        self.right_encoder.analysis, self.right_encoder.network = self.left_encoder.analysis, self.left_encoder.network
        self.hyper_encoder, self.hyper_decoder = HyperEncoder(config), HyperDecoder(config)
        self.context_model = ContextModel(config)
        self.fusion = Fusion(config)
        self.decoder = Decoder(config)
        self.encoder_offsets, self.decoder_offsets = QualityOffsets(config.M), QualityOffsets(config.M)
        self.hyper_offsets, self.prior_offsets = QualityOffsets(config.prior_width), QualityOffsets(config.prior_width)
        self.hyper_index = nn.Parameter(torch.full((config.hyper_channels,), 28.0))
        self.index_offsets = QualityOffsets(config.N2)
        self.register_buffer("steps", quality_steps())

    def forward(
        self,
        pixels: Tensor,
        quality: Tensor,
        *,
        encode: bool = True,
        decode: bool = True,
        warped: Tensor | None = None,
    ) -> Output:
        """Code pixels [N, 3, H, W] (minus 128, H and W multiples of 16) at qualities [N], differentiably.

        Without `encode` the spiking encoder E is left out, without `decode` no pixels are made; early stages train so.
        `warped` [N, 4, H, W], displaced left views (minus 128) and where they are matched, helps to code right views.
        """
        count, step = len(pixels), self.steps[quality - 1].to(pixels.dtype)
        if encode:
            encoder = self.left_encoder if warped is None else self.right_encoder
            latents = encoder(pixels, step, self.encoder_offsets(quality), warped)
        else:
            latents = self.left_encoder.analysis(pixels).detach()
        latents = latents / step.view(-1, 1, 1, 1)
        hyper = self.hyper_encoder(latents, self.hyper_offsets(quality))
        hyper = hyper + (hyper.round() - hyper).detach()
        spent, expected = logistic_bits(hyper, self.hyper_index.view(1, -1, 1, 1)), None
        if warped is not None:
            expected = self.expect(warped, quality)
            foreseen, known = self.foresee(expected, quality)
            hyper, spent = torch.where(known, foreseen, hyper), spent * ~known
        bits, errors = [spent.sum((1, 2, 3))], []

        def code(channels: slice, targets: Tensor, mean: Tensor, index: Tensor) -> Tensor:
            residual = targets - mean
            with torch.no_grad():
                rounded, _ = cheapest(residual, lambda symbols: logistic_bits(symbols, index))
            symbols = residual + (rounded - residual).detach()
            bits.append(logistic_bits(symbols, index).view(count, -1).sum(1))
            errors.append((targets.detach() - mean - rounded).square().view(count, -1).sum(1))
            return symbols + mean

        values, decoded = self.predict(hyper, quality, latents, code, latents.shape[2:], expected), None
        if decode:
            decoded = self.decoder(values * step.view(-1, 1, 1, 1), step, self.decoder_offsets(quality), warped)
        return Output(sum(bits), decoded, sum(errors), values)

    def predict(
        self,
        hyper: Tensor,
        quality: Tensor | int,
        targets: Tensor | None,
        code: Code,
        shape: Size,
        expected: Tensor | None = None,
        copied: Tensor | None = None,
    ) -> Tensor:
        """Run the entropy model from rounded hyper-latents [N, Z, h', w'] over a map of `shape` (h, w) blocks.

        `targets` [N, N2, h, w] are latents in steps, or None when decoding; returns what `code` made of them.
        `expected` [N, N2 + 1, h, w], which `expect` made of the displaced left view, couples a right view to it. Where
        `copied`, bool [N, h, w], the expected latents are taken as they are, and nothing is coded.
        """
        quality = self._at(quality)
        membrane = self.hyper_decoder(hyper)[:, :, : shape[0], : shape[1]]
        membrane = membrane + self.prior_offsets(quality)[:, :, None, None].repeat(self.config.T, 1, 1, 1)
        aid = None if expected is None else self.fusion.help(expected, self.context_model.passes, copied)
        return self.context_model(membrane, self.index_offsets(quality), targets, code, aid)

    @torch.no_grad()
    def expect(self, warped: Tensor, quality: Tensor | int) -> Tensor:
        """Latents in steps that a prediction [N, 4, 16 h, 16 w] (minus 128) leads to expect; exact in eval().

        Returns [N, N2 + 1, h, w]; the last channel tells which blocks are matched (1) or not (0).
        """
        kernels = self.decoder.synthesis
        pixels = warped.to(kernels.matrix.dtype)
        latents = kernels.adjoint(pixels[:, :3])
        steps = self.steps[self._at(quality) - 1].to(latents.dtype).view(-1, 1, 1, 1)
        latents = snap(latents / steps, VALUE_BITS).clamp(-VALUE_MAX, VALUE_MAX)
        return torch.cat([latents, pixels[:, 3:, ::BLOCK, ::BLOCK]], dim=1)

    @torch.no_grad()
    def foresee(self, expected: Tensor, quality: Tensor | int) -> tuple[Tensor, Tensor]:
        """Hyper-latents [N, Z, h', w'] of expected latents, and where those of the right view need no coding.

        The latter, bool [N, 1, h', w'], is where at least half of a cell's blocks are matched. Exact in eval().
        """
        height, width = expected.shape[2:]
        padding = (0, -width % HYPER_STRIDE, 0, -height % HYPER_STRIDE)
        share = F.avg_pool2d(F.pad(expected[:, -1:], padding, mode="replicate"), HYPER_STRIDE)
        return self.summarise(expected[:, :-1], quality), share >= 0.5

    def offsets(self) -> tuple[QualityOffsets, ...]:
        return (
            self.encoder_offsets,
            self.decoder_offsets,
            self.hyper_offsets,
            self.prior_offsets,
            self.index_offsets,
        )

    def _at(self, quality: Tensor | int) -> Tensor:
        return torch.tensor([quality], device=self.steps.device) if isinstance(quality, int) else quality

    def prepare(self, device: torch.device) -> StereoCodec:
        """Make ready for coding on `device`: snap to the fixed-point grid, prove exactness, choose number formats."""
        quantise(self, False)
        for offsets in self.offsets():
            offsets.tabulate(QUALITIES)
        self.requires_grad_(False).to(device).eval()
        kernels = self.decoder.synthesis.double()
        for kernel in kernels.parameters():
            kernel.copy_(snap(kernel, LINEAR_BITS))
        chain = (kernels.matrix, kernels.filter, kernels.filter)
        prove_chain(chain, LATENT_MAX, LINEAR_BITS + PIXEL_BITS, "the linear synthesis")
        prove_chain([m.T for m in reversed(chain)], 256.0, LINEAR_BITS + PIXEL_BITS, "the adjoint of the synthesis")
        hyper = (self.hyper_encoder, self.hyper_offsets, self.hyper_decoder)
        entropy = nn.ModuleList([*hyper, self.context_model, self.fusion, self.prior_offsets, self.index_offsets])
        pixels = nn.ModuleList([self.decoder.network, self.decoder.side, self.decoder_offsets])
        for part in (entropy, pixels):
            snap_parameters(part)
        self.hyper_index.copy_(snap(self.hyper_index))
        prove(entropy.double(), "the entropy model", device)  # float64 in any case: latents are few, and reach far
        pixels.to(prove(pixels, "the decoder", device))
        return self

    def analyse(self, pixels: Tensor, quality: int, warped: Tensor | None = None) -> Tensor:
        """Latents in steps [1, N2, H/16, W/16] of one view [1, 3, H, W] (float32, minus 128), given a prediction."""
        at = self._at(quality)
        step, encoder = self.steps[at - 1].to(pixels.dtype), self.left_encoder if warped is None else self.right_encoder
        return encoder(pixels, step, self.encoder_offsets(at), warped) / step

    def summarise(self, latents: Tensor, quality: Tensor | int) -> Tensor:
        """Rounded hyper-latents [N, Z, h/4, w/4] of latents in steps [N, N2, h, w]."""
        return self.hyper_encoder(latents, self.hyper_offsets(self._at(quality))).round()

    def dequantise(self, values: Tensor, quality: int) -> Tensor:
        """Latents in steps -> latents in pixel units, on the 1/64 grid and bounded (float64)."""
        return snap(values * self.steps[quality - 1], STEP_BITS).clamp(-LATENT_MAX, LATENT_MAX)

    def reconstruct(self, values: Tensor, quality: int, warped: Tensor | None = None) -> Tensor:
        """Latents in steps [N, N2, h, w], as coded, and a prediction (or None) -> uint8 pixels [N, 3, 16 h, 16 w]."""
        at, latents = self._at(quality), self.dequantise(values.double(), quality)
        warped = None if warped is None else warped.double()
        pixels = self.decoder(latents, self.steps[at - 1], self.decoder_offsets(at), warped)
        return (pixels + 128).round().clamp(0, 255).to(torch.uint8)

    @property
    def margin(self) -> int:
        """Blocks around a tile that its pixels (or latents) depend on: lapped filters, local mean, 3x3 convolutions."""
        reach = OVERLAP + MEAN_RADIUS + self.config.patch * (2 * self.config.blocks + 3)
        return 1 + -(-reach // BLOCK)

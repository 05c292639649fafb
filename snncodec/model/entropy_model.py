"""Normative. What the networks of the entropy model do together, alike in training and for files.

In: hyper-latents, and what a prediction tells; out: latents, as a `code` function makes them pass by pass.
`StereoCodec` runs it in ordinary floats, with gradients; `ExactCodec` in fixed point, alike on every machine.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.model.config import ModelConfig
from snncodec.model.context_model import CodePass, Conditioner, ContextModel, NullConditioner
from snncodec.model.fusion import Fusion
from snncodec.model.hyperprior import HYPER_STRIDE, HyperDecoder, HyperEncoder, hyper_shape, pad_to_hyper_cells
from snncodec.model.lapped_transform import LappedTransform
from snncodec.model.latent_grid import VALUE_BITS, VALUE_MAX
from snncodec.model.prediction import PredictedLatents, PredictedView
from snncodec.model.quality import ExactOffsets, QualityOffsets
from snncodec.model.view_decoder import Decoder, ExactDecoder
from snncodec.spiking.fixed_point import snap_
from snncodec.spiking.layers import repeat_over_time
from snncodec.stopwatch import timed

INFERRED_SHARE = 0.5  # of a cell's blocks that must be matched for its hyper-latents to be inferred, not coded


class EntropyModel(nn.Module):
    """Base of `StereoCodec` and `ExactCodec`, which hold the networks; a quality is one for all, or a tensor [N]."""

    config: ModelConfig
    transform: LappedTransform
    hyper_encoder: HyperEncoder
    hyper_decoder: HyperDecoder
    context_model: ContextModel
    fusion: Fusion
    decoder: Decoder | ExactDecoder
    hyper_offsets: QualityOffsets | ExactOffsets
    prior_offsets: QualityOffsets | ExactOffsets
    index_offsets: QualityOffsets | ExactOffsets
    hyper_index: Tensor  # [Z], the real table index of each hyper-latent channel
    steps: Tensor  # [100], of quantisation, in pixel units

    @timed("network")
    def hyper_analysis(self, latents: Tensor, quality: Tensor | int) -> Tensor:
        """Hyper-latents [N, Z, h/4, w/4], not rounded, of latents in steps [N, N2, h, w]."""
        return self.hyper_encoder(latents, self.hyper_offsets(self._at(quality)))

    @torch.no_grad()
    def project_prediction(self, predicted: PredictedView, quality: Tensor | int) -> PredictedLatents:
        """The latents in steps of a prediction with pixels minus 128."""
        latents = self.transform.analysis(predicted.pixels.to(self.transform.filter.dtype))
        steps = self.steps[self._at(quality) - 1].to(latents.dtype).view(-1, 1, 1, 1)
        values = snap_(latents.div_(steps), VALUE_BITS).clamp_(-VALUE_MAX, VALUE_MAX)
        return PredictedLatents(values.to(self.membrane_type), predicted.matched)

    @torch.no_grad()
    def infer_hyper(
        self, count: int, shape: tuple[int, int], quality: Tensor | int, predicted: PredictedLatents | None
    ) -> tuple[Tensor, Tensor]:
        """Hyper-latents [N, Z, h', w'] of N maps of `shape` (h, w) blocks as far as a prediction tells them.

        And, bool alike, which ones it does not tell and are coded: where less than half of a cell's blocks is matched.
        """
        if predicted is None:
            size = count, len(self.hyper_index), *hyper_shape(*shape)
            hyper = torch.zeros(size, dtype=self.membrane_type, device=self.steps.device)
            return hyper, torch.ones_like(hyper, dtype=torch.bool)
        hyper = self.hyper_analysis(predicted.values, quality).round()
        share = F.avg_pool2d(pad_to_hyper_cells(predicted.matched.to(hyper.dtype)), HYPER_STRIDE)
        return hyper, (share < INFERRED_SHARE).expand_as(hyper)

    @timed("network")
    def run_context_model(
        self,
        hyper: Tensor,
        quality: Tensor | int,
        shape: tuple[int, int],
        code: CodePass,
        targets: Tensor | None = None,
        predicted: PredictedLatents | None = None,
        skipped: Tensor | None = None,
        truncated: bool = False,
    ) -> Tensor:
        """Run all passes from rounded hyper-latents [N, Z, h', w'] over maps of `shape` (h, w) blocks.

        `targets` [N, N2, h, w] are latents in steps, or None when decoding; returns what `code` made of them. With
        `predicted` they are right views'; where `skipped`, bool [N, h, w], predicted latents are taken as they are.
        If `truncated`, the last group of all others is zero.
        """
        at = self._at(quality)
        membrane = self.hyper_decoder(hyper)[:, :, : shape[0], : shape[1]]
        membrane = membrane + repeat_over_time(self.prior_offsets(at)[:, :, None, None], self.config.T)
        conditioner: Conditioner = NullConditioner()
        if predicted is not None:
            conditioner = self.fusion.condition(predicted, skipped)
        return self.context_model(membrane, self.index_offsets(at), targets, code, conditioner, truncated)

    @property
    def membrane_type(self) -> torch.dtype:
        """The float type of membranes, and of latents on their way through the networks."""
        return self.context_model.membrane_type

    def _at(self, quality: Tensor | int) -> Tensor:
        return torch.tensor([quality], device=self.steps.device) if isinstance(quality, int) else quality

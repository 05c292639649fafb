"""Normative. `StereoCodec`: all networks as they are trained; `prepare` makes the `ExactCodec` that codes files.

One set of weights serves the qualities 1..100. What the networks do together is in entropy_model.py, in exact_codec.py
for files, and in training/simulated_coding.py for gradients.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from snncodec.model.config import ModelConfig
from snncodec.model.context_model import ContextModel
from snncodec.model.entropy_model import EntropyModel
from snncodec.model.exact_codec import ExactCodec
from snncodec.model.fusion import Fusion
from snncodec.model.hyperprior import HyperDecoder, HyperEncoder
from snncodec.model.lapped_transform import LappedTransform
from snncodec.model.quality import QualityOffsets, quality_steps
from snncodec.model.view_decoder import Decoder
from snncodec.model.view_encoder import LeftEncoder, RightEncoder
from snncodec.spiking.layers import exact_copy

ENCODER_BITS = 24  # the encoders are stored as float16, whose numbers this grid leaves as they are
ENCODER_PARTS = ("left_encoder", "right_encoder")


class StereoCodec(EntropyModel):
    """Two encoders, hyperprior, context model, fusion and decoder."""

    transform: LappedTransform
    decoder: Decoder
    hyper_offsets: QualityOffsets
    prior_offsets: QualityOffsets
    index_offsets: QualityOffsets

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.transform = LappedTransform.unlapped(config.N2)
        self.left_encoder, self.right_encoder = LeftEncoder(config), RightEncoder(config)
        self.hyper_encoder, self.hyper_decoder = HyperEncoder(config), HyperDecoder(config)
        self.context_model, self.fusion = ContextModel(config), Fusion(config)
        self.decoder = Decoder(config)
        self.decoder_offsets = QualityOffsets(config.M)
        self.hyper_offsets, self.prior_offsets = QualityOffsets(config.prior_width), QualityOffsets(config.prior_width)
        self.index_offsets = QualityOffsets(config.N2)
        self.hyper_index = nn.Parameter(torch.full((config.hyper_channels,), 28.0))
        self.register_buffer("steps", quality_steps())

    def level_predictors(self) -> None:
        """Keep what is flat expected to be flat; training does so after each step, and `exact` on the grid."""
        self.context_model.level_predictors(self.transform.means, evenly=True)

    @torch.no_grad()
    def exact(self) -> ExactCodec:
        """A copy for coding, on the fixed-point grid, not yet proved to be exact."""
        networks = {
            name: exact_copy(part, ENCODER_BITS).float() if name in ENCODER_PARTS else exact_copy(part)
            for name, part in self.named_children()
        } | {"transform": self.transform.exact()}
        cast(ContextModel, networks["context_model"]).level_predictors(self.transform.means, evenly=False)
        return ExactCodec(self.config, networks, self.hyper_index.double(), self.steps.double().clone())

    def prepare(self, device: torch.device) -> ExactCodec:
        """The codec of files on `device`; `WeightsError` unless it provably computes exactly."""
        return self.exact().prepare(device)

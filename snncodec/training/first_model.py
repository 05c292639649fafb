"""The model that a run starts with: that of a checkpoint, of weights, or a new one for its pictures."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from snncodec.errors import TrainingError, WeightsError
from snncodec.model.config import PRESETS, ModelConfig
from snncodec.model.shipped_weights import load_weights
from snncodec.model.stereo_codec import StereoCodec
from snncodec.model.weights import trainable
from snncodec.training.crops import CropSampler
from snncodec.training.initial_transform import start_transform
from snncodec.training.options import TrainOptions

START_CROPS = 1500


def first_model(options: TrainOptions, checkpoint: dict[str, Any] | None, sampler: CropSampler) -> StereoCodec:
    """The model, on the CPU; of a checkpoint its configuration only."""
    if checkpoint:
        try:
            config = ModelConfig.from_dict(checkpoint["config"])
            config.check_stored(sum(value.numel() for value in checkpoint["model"].values()))
            return StereoCodec(config)
        except (AttributeError, TypeError, ValueError, WeightsError) as error:
            raise TrainingError(f"{options.resume} describes no model of this version: {error}") from error
    if options.init:
        return trainable(load_weights(options.init, torch.device("cpu")))
    config = PRESETS[options.preset]
    if options.neuron:
        config = dataclasses.replace(config, neuron=options.neuron, T=1 if options.neuron == "relu" else config.T)
    model = StereoCodec(config)
    start_transform(model, sampler.batch(START_CROPS, 192, colour=False)[:, 0])
    return model

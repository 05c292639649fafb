"""Weights for golden files, made of integers from a frozen random generator: the same bytes on every machine.

They need no room in the repository, and have every shape that files can be coded with.
"""

import dataclasses

import numpy as np
import torch

from snncodec.constants import BLOCK
from snncodec.model.config import PRESETS
from snncodec.model.quality import QualityOffsets
from snncodec.model.stereo_codec import StereoCodec
from snncodec.model.weights import save_weights
from snncodec.spiking.layers import FixedPointConv2d
from snncodec.spiking.neurons import Spike

TINY = PRESETS["tiny"]
CONFIGS = {
    "base": PRESETS["base"],
    "sketch": PRESETS["sketch"],
    "ilif": TINY,
    "ilif_T2": dataclasses.replace(TINY, T=2, attended=(1,)),
    "lif_T4": dataclasses.replace(TINY, neuron="lif", T=4),
    "relu": dataclasses.replace(TINY, neuron="relu"),
}
UNIT = 4096  # of weights, offsets and thresholds
COSINE, SINE = 12 / 13, 5 / 13  # of the rotation across block borders


def golden_weights(name, file):
    """Write the weights of one of `CONFIGS` to `file`; returns it."""
    config, random = CONFIGS[name], np.random.RandomState(sum(map(ord, name)))  # frozen: its streams never change
    model = StereoCodec(config)
    with torch.no_grad():
        for layer in model.modules():
            fill(layer, random)
        model.hyper_index.copy_(integers(random, model.hyper_index.shape, 10 * UNIT) + 25)
        for coding_pass in model.context_model.passes:
            if coding_pass.predictor is not None:
                coding_pass.predictor.weight.mul_(1 / 8)
        for gate in model.fusion.gates:
            gate.disagreement_gain.copy_(integers(random, gate.disagreement_gain.shape, UNIT / 8))
        if config.attended:
            model.fusion.attention.gate.threshold.mul_(8)
        for network in filter(None, (model.left_encoder.network, model.decoder.network)):
            network.read_out.weight.mul_(1 / 16)  # a random correction should not drown the picture
            network.read_out.bias.mul_(1 / 16)
        set_transform(model)
    return save_weights(model, frequencies(), file)


def fill(layer, random):
    """Random numbers of a size that keeps membranes around their thresholds."""
    if isinstance(layer, FixedPointConv2d):
        reach = UNIT * 3 / (layer.weight[0].numel() * layer.input_max) ** 0.5
        layer.weight.copy_(integers(random, layer.weight.shape, reach))
        if layer.bias is not None:
            layer.bias.copy_(integers(random, layer.bias.shape, UNIT / 2))
    elif isinstance(layer, Spike):
        size = UNIT * (0.2 if layer.neuron.kind == "lif" else 0.5)  # its membranes see half the input
        layer.threshold.copy_(integers(random, layer.threshold.shape, size) + 2 * size / UNIT)
        layer.offset.copy_(integers(random, layer.offset.shape, UNIT / 2))
    elif isinstance(layer, QualityOffsets):
        layer.nodes.copy_(integers(random, layer.nodes.shape, UNIT / 2))


def integers(random, shape, reach):
    """Whole multiples of 1/4096 from -reach to reach, given in those units."""
    reach = max(1, round(reach))
    return torch.from_numpy(random.randint(-reach, reach + 1, tuple(shape)) / UNIT).float()


def set_transform(model):
    """Rotations with whole cosines and sines, lowest frequencies first, and table offsets for them."""
    transform, channels = model.transform, model.config.N2
    across = torch.eye(BLOCK) * COSINE + torch.eye(BLOCK).flip(0) * SINE * torch.sign(torch.arange(BLOCK) - 7.5)
    transform.filter.copy_(across)
    transform.colours.copy_(torch.tensor([[2, 2, 1], [-2, 1, 2], [1, -2, 2]]) / 3)
    frequencies = np.add.outer(np.arange(BLOCK), np.arange(BLOCK)).ravel()
    order = np.concatenate([frequencies, frequencies + 3.5, frequencies + 4.5]).argsort(kind="stable")
    transform.order.copy_(torch.from_numpy(order[:channels].astype(np.int32)))
    fall = torch.linspace(45, 5, channels)
    model.index_offsets.nodes.copy_((fall + torch.linspace(-10, 12, len(model.index_offsets.nodes))[:, None]).round())


def frequencies():
    """Tables of falling frequencies, the wider the larger their scale; symbols beyond them are escaped."""
    tables = np.zeros((192, 602), dtype=np.int32)
    for row, number in zip(tables, 3 * list(range(64)), strict=True):
        reach = min(600, 1 + number * number // 6)
        row[: reach + 1] = [max(2, 2**21 * 8 // (8 + number) // (1 + magnitude) ** 2) for magnitude in range(reach + 1)]
        row[-1] = 64
    return tables

"""The proof that an exact network cannot round, from its weights alone, and the float types that it leads to.

Every convolution gets the narrowest type that provably holds all of its partial sums: float32, whose integers are exact
below 2**24, or float64, below 2**53. Weights that fit neither are refused. Two exact sums in float32, each of a part of
the inputs, make the same number as one in float64 that is rounded to float32: their addition rounds once, as that does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from snncodec.errors import WeightsError
from snncodec.spiking.byte_convolution import bytes_are_fast
from snncodec.spiking.exact_neurons import MAX_THRESHOLD, MIN_THRESHOLD, ExactSpike
from snncodec.spiking.fixed_point import FRACTION_BITS, on_grid
from snncodec.spiking.layers import ExactConv2d, ResidualBlock

FLOAT_MODES = ("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE")  # may let oneDNN shorten float32
EXACT_FLOAT32, EXACT_FLOAT64 = 2.0**24, 2.0**53


def float32_is_exact(device: torch.device) -> bool:
    """Whether float32 kernels add without rounding on purpose.

    On CUDA cuDNN may choose Winograd or TF32 kernels for float32, whose sums round, and oneDNN may be told to.
    """
    return device.type == "cpu" and all(os.environ.get(name, "STRICT") == "STRICT" for name in FLOAT_MODES)


def narrowest_exact_type(largest: float, refinement: float, name: str, device: torch.device) -> torch.dtype:
    """The narrowest float type that holds sums up to `largest` on a grid of 2**-12 / `refinement` without rounding.

    `WeightsError` where there is none.
    """
    reach = largest * 2.0**FRACTION_BITS * refinement
    if not reach < EXACT_FLOAT64:
        raise WeightsError(f"{name} cannot be proved exact: its sums may reach {reach:.3g}, the limit is 2**53")
    return torch.float32 if reach < EXACT_FLOAT32 and float32_is_exact(device) else torch.float64


def prove_chain(matrices: Iterable[Tensor], largest: float, bits: int, name: str) -> None:
    """`WeightsError` unless inputs up to `largest` pass through these matrices, one after another, exactly in float64.

    `bits` are the fraction bits of an input and a weight together; between the matrices values are rounded again.
    """
    for matrix in matrices:
        largest = largest * float(matrix.double().abs().sum(1).max())
        if not largest * 2.0**bits < EXACT_FLOAT64:
            raise WeightsError(f"{name} cannot be proved exact: its sums may reach {largest:.3g}, which is too large")


def prove_network(network: nn.Module, name: str, device: torch.device, repeats: int = 1) -> torch.dtype:
    """Choose number formats for an exact network: of each convolution, and (returned) of the membranes between them.

    In one time step membranes are float32: what is done to them between convolutions is one IEEE operation after
    another, in an order that does not change, and rounds alike on every machine if it ever does. Over several time
    steps they may add up all layers' largest possible outputs, each as often as `repeats` says; `WeightsError` where
    even float64 cannot hold that.
    """
    layers = list(network.modules())
    spikes = [layer for layer in layers if isinstance(layer, ExactSpike)]
    refinement = max((spike.refinement * spike.neuron.time_steps for spike in spikes), default=1)
    membranes_round, total = bool(spikes) and all(spike.neuron.time_steps == 1 for spike in spikes), 0.0
    for layer in layers:
        if isinstance(layer, ExactConv2d):
            largest = layer.largest_output()
            kind = narrowest_exact_type(largest, refinement, name, device)
            if kind == torch.float64 and membranes_round and refinement == 1:
                kind = _split_if_exact(layer, device)
            _set_type(layer, kind)
            if layer.weight.dtype == torch.float32 and bytes_are_fast(device):
                layer.compute_in_bytes()
            total += largest
        elif isinstance(layer, ExactSpike):
            in_range = (layer.threshold >= MIN_THRESHOLD) & (layer.threshold <= MAX_THRESHOLD)
            if not in_range.all() or not on_grid(layer.threshold, FRACTION_BITS - 1):
                raise WeightsError(f"{name} has thresholds that are not multiples of 2**-11 from 1/16 to 1023")
            total += float(layer.offset.abs().max() + 4 * layer.threshold.abs().max())
        else:
            total += sum(float(number.abs().max()) for number in layer.buffers(recurse=False))
    kind = narrowest_exact_type(total * repeats, refinement, name, device)
    if membranes_round:
        kind = torch.float32
    for layer in layers:
        if not isinstance(layer, ExactConv2d):
            _set_type(layer, kind)
        if isinstance(layer, ResidualBlock):
            layer.pass_bytes()
    return kind


def _split_if_exact(layer: ExactConv2d, device: torch.device) -> torch.dtype:
    """Let a layer for float64 compute in float32, in two parts, if both are exact; the type that it is to have."""
    place, larger = layer.best_split()
    if layer.weight[0, 0].numel() == 1 or larger * 2.0**FRACTION_BITS >= EXACT_FLOAT32 or not float32_is_exact(device):
        return torch.float64
    layer.split = place
    return torch.float32


def _set_type(layer: nn.Module, kind: torch.dtype) -> None:
    """Convert the numbers of one layer, not those of the layers inside it."""
    for name, number in layer.named_buffers(recurse=False):
        setattr(layer, name, number.to(kind))

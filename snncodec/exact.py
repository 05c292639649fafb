"""Fixed-point layers: why the decoder computes the same numbers on every machine, and the proof at load time.

Weights, biases, thresholds and membranes are multiples of 2**-12 and inputs are small integers, so every partial sum
is an integer times 2**-12. Below 2**24 (float32) or 2**53 (float64) such sums carry no rounding error, and then neither
the order of additions, nor the thread count, nor the kernel can change them. The idea is that of Balle, Johnston and
Minnen, "Integer Networks for Data Compression with Latent-Variable Models", ICLR 2019; spike counts make it cheap.
It does not know the model.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.errors import WeightsError
from snncodec.neurons import MIN_THRESHOLD, Spike

FRACTION_BITS = 12
FLOAT_MODES = ("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE")  # may let oneDNN shorten float32
EXACT_FLOAT32, EXACT_FLOAT64 = 2.0**24, 2.0**53


def snap(x: Tensor, bits: int = FRACTION_BITS) -> Tensor:
    """The nearest multiple of 2**-bits; exact for any float whose magnitude times 2**bits is below 2**52 (float64)."""
    return torch.round(x * 2.0**bits) / 2.0**bits


def snap_through(x: Tensor, bits: int = FRACTION_BITS) -> Tensor:
    """`snap` with the gradient of the identity (straight-through), for quantisation-aware training."""
    return x + (snap(x, bits) - x).detach()


class ExactConv2d(nn.Conv2d):
    """A convolution on inputs that are integers of magnitude <= `input_max`; `quantised` trains on snapped weights."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, *, input_max: float, bias: bool = True, stride: int = 1
    ):
        super().__init__(inputs, outputs, kernel, stride=stride, padding=(kernel - stride + 1) // 2, bias=bias)
        self.input_max, self.quantised = input_max, False

    def forward(self, x: Tensor) -> Tensor:
        if not self.quantised:
            return super().forward(x)
        bias = None if self.bias is None else snap_through(self.bias)
        return self._conv_forward(x, snap_through(self.weight), bias)

    def linear(self, tokens: Tensor) -> Tensor:
        """The 1x1 convolution of tokens [P, inputs] -> [P, outputs]."""
        weight, bias = self.weight.flatten(1), self.bias
        if self.quantised:
            weight, bias = snap_through(weight), None if bias is None else snap_through(bias)
        return F.linear(tokens, weight, bias)


def quantise(network: nn.Module, on: bool = True) -> None:
    """Switch quantisation-aware training of all exact layers on or off."""
    for layer in network.modules():
        if isinstance(layer, ExactConv2d):
            layer.quantised = on


@torch.no_grad()
def snap_parameters(network: nn.Module) -> None:
    """Round every parameter of an exact network to its grid; thresholds to twice it, for exact halves."""
    for layer in network.modules():
        for parameter in layer.parameters(recurse=False):
            parameter.copy_(snap(parameter.double()))
        if isinstance(layer, Spike):
            layer.threshold.copy_(snap(layer.threshold.clamp_min(MIN_THRESHOLD), FRACTION_BITS - 1))


def bound(network: nn.Module) -> float:
    """An upper bound on every partial sum inside `network`: all layers' largest possible outputs added up."""
    total = 0.0
    for layer in network.modules():
        if isinstance(layer, ExactConv2d):
            reach = layer.weight.detach().double().abs().flatten(1).sum(1) * layer.input_max
            total += float((reach + (0 if layer.bias is None else layer.bias.detach().double().abs())).max())
        elif isinstance(layer, Spike):
            total += float(layer.offset.detach().abs().max() + 4 * layer.threshold.detach().abs().max())
        else:
            total += sum(float(p.detach().abs().max()) for p in layer.parameters(recurse=False))
    return total


def prove(network: nn.Module, name: str, device: torch.device) -> torch.dtype:
    """The narrowest float type in which `network` provably computes exactly; `WeightsError` when there is none.

    On CUDA float64 is used throughout: cuDNN may choose Winograd or TF32 kernels for float32, whose sums round.
    """
    finer = max((layer.finer for layer in network.modules() if isinstance(layer, Spike)), default=1)
    steps = max((layer.steps for layer in network.modules() if isinstance(layer, Spike)), default=1)
    reach = bound(network) * 2.0**FRACTION_BITS * finer * steps  # a membrane may add up its input over all steps
    if not reach < EXACT_FLOAT64:
        raise WeightsError(f"{name} cannot be proved exact: its sums may reach {reach:.3g}, the limit is 2**53")
    reduced = any(os.environ.get(name, "STRICT") != "STRICT" for name in FLOAT_MODES)
    return torch.float32 if reach < EXACT_FLOAT32 and device.type == "cpu" and not reduced else torch.float64


def prove_chain(matrices: Iterable[Tensor], largest: float, bits: int, name: str) -> None:
    """`WeightsError` unless inputs up to `largest` pass through these matrices, one after another, exactly in float64.

    `bits` are the fraction bits of an input and a weight together; between the matrices values are rounded again.
    """
    for matrix in matrices:
        largest = largest * float(matrix.double().abs().sum(1).max())
        if not largest * 2.0**bits < EXACT_FLOAT64:
            raise WeightsError(f"{name} cannot be proved exact: its sums may reach {largest:.3g}, which is too large")


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """No gradients and no kernels that round on purpose (Winograd, FFT, reduced-precision matrix units)."""
    kernels = (torch.backends.mkldnn.conv, torch.backends.mkldnn.matmul)
    before = [kind.fp32_precision for kind in kernels]
    for kind in kernels:
        kind.fp32_precision = "ieee"
    try:
        with (
            torch.inference_mode(),
            torch.backends.nnpack.flags(enabled=False),
            torch.backends.cudnn.flags(enabled=False),
            torch.autocast("cpu", enabled=False),
            torch.autocast("cuda", enabled=False),
        ):
            yield
    finally:
        for kind, precision in zip(kernels, before, strict=True):
            kind.fp32_precision = precision

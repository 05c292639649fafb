"""Normative. Fixed-point convolutions, the residual block, and how a trained network becomes its exact counterpart.

A layer that files depend on has an `exact` method that returns what codes with it; `exact_copy` applies it to all of a
network. Trained networks compute in ordinary floats, exact ones on the fixed-point grid (see fixed_point.py).
"""

from __future__ import annotations

import copy
from typing import Literal, Protocol, cast, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snncodec.spiking.byte_convolution import ByteConvolution, fits_bytes
from snncodec.spiking.config import NeuronConfig
from snncodec.spiking.exact_neurons import MAX_COUNT, ExactSpike
from snncodec.spiking.fixed_point import FRACTION_BITS, snap, snap_through
from snncodec.spiking.neurons import Spike

LEAST_CHANNELS = 16  # of inputs that make bytes worth their packing


@runtime_checkable
class Exactable(Protocol):
    """A trained layer that is replaced as a whole by what codes with it."""

    def exact(self, bits: int) -> nn.Module:
        """The counterpart, whose numbers are multiples of 2**-bits."""
        ...


class FixedPointConv2d(nn.Conv2d):
    """A convolution on inputs that are integers of magnitude <= `input_max`; `quantised` trains on snapped weights."""

    padding: tuple[int, ...]

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        *,
        input_max: float,
        bias: bool = True,
        stride: int = 1,
        padding_mode: Literal["zeros", "replicate"] = "zeros",
        magnitudes: bool = False,
    ) -> None:
        """With `magnitudes`, the second half of the inputs are the magnitudes of the first."""
        padding = (kernel - stride + 1) // 2
        super().__init__(inputs, outputs, kernel, stride, padding, bias=bias, padding_mode=padding_mode)
        self.input_max, self.magnitudes, self.quantised = input_max, magnitudes, False

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

    @torch.no_grad()
    def exact(self, bits: int = FRACTION_BITS) -> ExactConv2d:
        """The convolution that files are coded with; its weights are multiples of 2**-bits."""
        bias = None if self.bias is None else snap(self.bias.double(), bits)
        border = self.padding if self.padding_mode == "replicate" else (0, 0)
        padding = (0, 0) if self.padding_mode == "replicate" else self.padding
        weight = snap(self.weight.double(), bits)
        return ExactConv2d(weight, bias, self.stride, padding, border, self.input_max, self.magnitudes)


class ExactConv2d(nn.Module):
    """A convolution with fixed-point weights; computes in the type of its weights, answers in that of its input.

    Maps are padded by zeros (`padding`), or continued by their borders (`border`).
    """

    weight: Tensor
    bias: Tensor | None
    in_bytes: ByteConvolution | None = None  # does the same for whole numbers from 0 on, faster
    split: int | None = None  # inputs before and from here on are summed apart, each exactly, and then added

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        border: tuple[int, ...],
        input_max: float,
        magnitudes: bool = False,
    ) -> None:
        super().__init__()
        self.stride, self.padding, self.border = stride, padding, border
        self.input_max, self.magnitudes = input_max, magnitudes
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        numbers, kind = x, x.dtype
        if self.in_bytes is not None and self.magnitudes:
            numbers = positive_and_negative(x[:, : x.shape[1] // 2])
        numbers = numbers.to(self.weight.dtype if self.in_bytes is None else torch.uint8)
        if any(self.border):
            rows, columns = self.border
            numbers = F.pad(numbers, (columns, columns, rows, rows), mode="replicate")
        if self.in_bytes is not None:
            return self.in_bytes(numbers).to(kind if kind.is_floating_point else torch.float32)
        if self.split is None:
            return F.conv2d(numbers, self.weight, self.bias, self.stride, self.padding).to(kind)
        first, second = slice(self.split), slice(self.split, None)
        sums = F.conv2d(numbers[:, first], self.weight[:, first], self.bias, self.stride, self.padding)
        sums += F.conv2d(numbers[:, second], self.weight[:, second], None, self.stride, self.padding)
        return sums.to(kind)

    def compute_in_bytes(self) -> None:
        """From now on, if that is possible and likely to be faster: inputs are small whole numbers, weights are small.

        Numbers v with their magnitudes become two numbers from 0 on, max(v, 0) and max(-v, 0). Of maps of one or two
        columns, oneDNN's kernels for AMX (3.12) make garbage where the stride is 2, so that is left to floats.
        """
        weight, whole = self.weight, self.magnitudes or self.input_max == MAX_COUNT
        if self.magnitudes:
            signed, magnitude = weight.chunk(2, dim=1)
            weight = torch.cat([magnitude + signed, magnitude - signed], dim=1)
        if (
            whole
            and self.stride == (1, 1)
            and weight[0].numel() > weight.shape[1] >= LEAST_CHANNELS
            and fits_bytes(weight, self.bias, self.input_max)
        ):
            self.in_bytes = ByteConvolution(weight, self.bias, self.stride, self.padding)

    def linear(self, tokens: Tensor) -> Tensor:
        """The 1x1 convolution of tokens [P, inputs] -> [P, outputs]."""
        return F.linear(tokens.to(self.weight.dtype), self.weight.flatten(1), self.bias).to(tokens.dtype)

    def largest_output(self) -> float:
        """The largest magnitude that any partial sum can have."""
        bias = 0.0 if self.bias is None else self.bias.double().abs()
        return float((self.weight.abs().sum((1, 2, 3), dtype=torch.float64) * self.input_max + bias).max())

    def best_split(self) -> tuple[int, float]:
        """Where two sums apart, of inputs before and from there on, stay smallest, and how large they can be."""
        reaches = self._reaches()
        larger = torch.maximum(reaches[:, :-1], reaches[:, -1:] - reaches[:, :-1]).amax(0)
        place = int(larger.argmin())
        return place, float(larger[place])

    def _reaches(self) -> Tensor:
        """How large the sums over the first 0, 1, ... inputs can be, bias included: float64 [outputs, inputs + 1]."""
        sums = (self.weight.abs().sum((2, 3), dtype=torch.float64) * self.input_max).cumsum(1)
        bias = torch.zeros_like(sums[:, 0]) if self.bias is None else self.bias.double().abs()
        return torch.cat([bias[:, None], sums + bias[:, None]], dim=1)


class ResidualBlock(nn.Module):
    """A residual block with a membrane shortcut: m + Conv(Spike(Conv(Spike(m)))) (MS-ResNet, Hu et al. 2021).

    Maps are continued by their borders, so that what is flat stays flat.
    """

    def __init__(self, channels: int, neuron: NeuronConfig, kernel: int = 3) -> None:
        super().__init__()
        self.spike1, self.spike2 = Spike(channels, neuron), Spike(channels, neuron)
        peak = self.spike1.max_output
        self.conv1 = FixedPointConv2d(channels, channels, kernel, input_max=peak, padding_mode="replicate")
        self.conv2 = FixedPointConv2d(channels, channels, kernel, input_max=peak, padding_mode="replicate")
        nn.init.normal_(self.conv2.weight, std=0.01)

    def forward(self, membrane: Tensor) -> Tensor:
        return integrate(membrane, self.conv2(self.spike2(self.conv1(self.spike1(membrane)))))

    def pass_bytes(self) -> None:
        """Let exact neurons of one time step hand bytes to the convolutions that compute in them."""
        for spike, conv in ((self.spike1, self.conv1), (self.spike2, self.conv2)):
            neuron = cast(ExactSpike, spike)
            neuron.in_bytes = neuron.fires_once and cast(ExactConv2d, conv).in_bytes is not None


def positive_and_negative(x: Tensor) -> Tensor:
    """Numbers [N, C, H, W] as [N, 2 C, H, W]: those above zero, and the magnitudes of those below."""
    return torch.cat([x, -x], dim=1).clamp_(min=0)


def integrate(membrane: Tensor, current: Tensor) -> Tensor:
    """membrane + current, in the place of the latter where types allow; it has to be a fresh output of a layer."""
    return current.add_(membrane) if current.dtype == membrane.dtype else membrane + current


def repeat_over_time(x: Tensor, time_steps: int) -> Tensor:
    """Repeat a constant input [N, ...] over time: [T * N, ...], time first (T = 1 copies nothing)."""
    return x if time_steps == 1 else x.repeat(time_steps, *[1] * (x.dim() - 1))


def mean_over_time(x: Tensor, time_steps: int) -> Tensor:
    """[T * N, ...] -> [N, ...]; exact for power-of-two T."""
    return x if time_steps == 1 else x.unflatten(0, (time_steps, len(x) // time_steps)).sum(0) / time_steps


def set_on_grid(network: nn.Module, on: bool = True) -> None:
    """Switch quantisation-aware training of all fixed-point layers on or off."""
    for layer in network.modules():
        if isinstance(layer, FixedPointConv2d):
            layer.quantised = on


@torch.no_grad()
def exact_copy(network: nn.Module, bits: int = FRACTION_BITS) -> nn.Module:
    """A copy of a trained network for coding: every layer that has an `exact` counterpart is replaced by it.

    All numbers become multiples of 2**-bits, in float64; nothing of the copy learns.
    """
    if isinstance(network, Exactable):
        return network.exact(bits)
    twin = copy.copy(network)  # keeps the plain attributes; what torch keeps in a module is made anew
    nn.Module.__init__(twin)
    for name, part in network.named_children():
        twin.add_module(name, exact_copy(part, bits))
    for name, numbers in (*network.named_parameters(recurse=False), *network.named_buffers(recurse=False)):
        twin.register_buffer(name, snap(numbers.double(), bits))
    return twin

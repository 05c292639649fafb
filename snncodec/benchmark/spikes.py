"""Files are decoded under watch; what every spiking neuron and every convolution of the decoder did comes out.

Real decoding of real files is counted, tile margins included. The linear transform, prediction and range coder, which
have no neurons, are not. What the counts cost is in energy.py; nothing is printed here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from snncodec.benchmark.synapses import operations, outputs_of, over_time, weight_bits
from snncodec.errors import InputError
from snncodec.model.exact_codec import ExactCodec
from snncodec.spiking.config import NeuronConfig
from snncodec.spiking.exact_neurons import MAX_COUNT, ExactSpike
from snncodec.spiking.layers import ExactConv2d

# What the decoder runs, by the names in the tables. The hyper encoder infers hyper-latents from a prediction.
NETWORKS = {
    "hyper decoder": "hyper_decoder",
    "hyper encoder": "hyper_encoder",
    "context model": "context_model",
    "fusion": "fusion",
    "decoder": "decoder.network",
    "conditioning": "decoder.conditioning",
}
WORDS = {"passes": "pass", "gates": "gate", "blocks": "block", "block1": "block 1", "read_out": "read-out"}


def check_neuron(neuron: NeuronConfig) -> None:
    """InputError for a network that has no spikes to count."""
    if neuron.kind == "relu":
        raise InputError("these weights have relu neurons, which fire no spikes; leave --spikes out, or use others")


def most_spikes(neuron: NeuronConfig) -> int:
    """How often a neuron can fire in all of its time steps."""
    return (MAX_COUNT if neuron.kind == "ilif" else 1) * neuron.time_steps


def quantised_bits(neuron: NeuronConfig) -> int:
    """Bits of a number that says how often a neuron fires."""
    return math.ceil(math.log2(most_spikes(neuron) + 1))


@dataclass
class NeuronLayer:
    """What one layer of neurons did; a neuron is a channel at a place, and counts are over all T time steps."""

    name: str
    neuron: NeuronConfig
    histogram: list[int]  # neurons that fired 0, 1, ... times

    @property
    def neurons(self) -> int:
        return sum(self.histogram)

    @property
    def spikes(self) -> int:
        return sum(count * neurons for count, neurons in enumerate(self.histogram))

    @property
    def rate(self) -> float:
        """Mean count per neuron and time step."""
        return self.spikes / max(1, self.neurons) / self.neuron.time_steps

    @property
    def silent(self) -> float:
        """The share of neurons that never fired."""
        return self.histogram[0] / max(1, self.neurons)

    @property
    def binary_steps(self) -> int:
        """Steps of spike-driven hardware, in each of which a neuron fires once at most."""
        return self.neurons * (len(self.histogram) - 1)

    def add(self, spikes: Tensor) -> None:
        """Count an output [T * N, C, ...]."""
        counts = over_time(spikes, self.neuron.time_steps)
        found = torch.bincount(counts.flatten().long(), minlength=len(self.histogram)).tolist()
        self.histogram = [a + b for a, b in zip(self.histogram, found, strict=True)]


@dataclass
class Convolution:
    """What one convolution did. An operation is one weight that meets one input; padding by zeros is not counted."""

    name: str
    weight_bits: int
    input_bits: int  # that every input would have in a quantised network
    source: str | None = (
        None  # the layer of neurons whose spikes come in; None for real numbers, and products of spikes
    )
    connections: int = 0  # operations if every input took part, once for all time steps
    nonzero: int = 0  # of those, the ones whose input is not zero
    accumulates: int = 0  # one for every spike and every weight that it meets
    biases: int = 0  # one for every output, once for all time steps
    time_steps: int = 1  # in each of which it is done anew


@dataclass
class Network:
    """The layers of a network, in the order in which they first ran."""

    neurons: dict[str, NeuronLayer] = field(default_factory=dict)
    convolutions: dict[str, Convolution] = field(default_factory=dict)


def decoder_networks(codec: ExactCodec) -> dict[str, nn.Module]:
    """The networks that the decoder runs, by the names in the tables."""
    return {title: codec.get_submodule(path) for title, path in NETWORKS.items()}


class Watch:
    """Counts in networks, prepared for coding, while `counting`; in one thread."""

    def __init__(self, networks: Mapping[str, nn.Module], neuron: NeuronConfig) -> None:
        """InputError for neurons that do not spike."""
        check_neuron(neuron)
        self.neuron, self._modules = neuron, networks
        self.networks = {title: Network() for title in networks}
        self._fired: WeakIdKeyDictionary = WeakIdKeyDictionary()  # tensor -> the layer that fired it

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Inside, everything that the networks compute is counted."""
        with ExitStack() as stack:
            for title, network in self._modules.items():
                for name, layer in network.named_modules():
                    if isinstance(layer, ExactSpike | ExactConv2d):
                        self._attach(self.networks[title], readable(name), layer, stack)
            yield

    def _attach(self, network: Network, name: str, layer: nn.Module, stack: ExitStack) -> None:
        if isinstance(layer, ExactSpike):
            hook = layer.register_forward_hook(lambda _, given, spikes: self._count_spikes(network, name, spikes))
            stack.callback(hook.remove)
        elif isinstance(layer, ExactConv2d):
            count: Callable[[Tensor], None] = lambda x: self._count_work(network, name, layer, x)  # noqa: E731
            stack.callback(layer.register_forward_pre_hook(lambda _, given: count(given[0])).remove)
            stack.enter_context(counted_linear(layer, count))

    def _count_spikes(self, network: Network, name: str, spikes: Tensor) -> None:
        empty = NeuronLayer(name, self.neuron, [0] * (most_spikes(self.neuron) + 1))
        network.neurons.setdefault(name, empty).add(spikes)
        self._fired[spikes] = name

    def _count_work(self, network: Network, name: str, layer: ExactConv2d, x: Tensor) -> None:
        source = self._fired.get(x)
        steps = 1 if source is None else self.neuron.time_steps
        work = network.convolutions.get(name)
        if work is None:
            work = Convolution(name, weight_bits(layer), input_bits(layer, self.neuron if source else None), source)
            work.time_steps = steps
            network.convolutions[name] = work
        taken = over_time(x, steps)
        work.nonzero += operations(layer, (taken != 0).sum(1, keepdim=True))
        work.connections += operations(layer, torch.full_like(taken[:, :1], x.shape[1], dtype=torch.float32))
        work.biases += 0 if layer.bias is None else outputs_of(layer, taken)
        if source is not None:
            work.accumulates += operations(layer, taken.sum(1, keepdim=True))


@contextmanager
def counted_linear(layer: ExactConv2d, count: Callable[[Tensor], None]) -> Iterator[None]:
    """Inside, `count` is told what `layer.linear`, which no hook of torch sees, is called with."""
    linear = layer.linear

    def counted(tokens: Tensor) -> Tensor:
        count(tokens)
        return linear(tokens)

    layer.linear = counted  # type: ignore[method-assign]  # of this layer, until the end of the watch
    try:
        yield
    finally:
        del layer.linear


def input_bits(layer: ExactConv2d, neuron: NeuronConfig | None) -> int:
    """Bits that hold every input: spike counts of neurons, or whole numbers and a sign where no neurons fire."""
    if neuron is None:
        return math.ceil(math.log2(layer.input_max + 1)) + 1
    return quantised_bits(neuron)


def readable(path: str) -> str:
    """A module's path in words: "passes.0.read_out" -> "pass 1 read-out"."""
    words = []
    for part in path.split("."):
        if part.isdecimal():
            part = str(int(part) + 1)
        words.append(WORDS.get(part) or re.sub(r"(?<=[a-z])(?=\d)", " ", part).replace("_", " "))
    return " ".join(words)


def describe(network: Network) -> dict[str, Any]:
    """Plain values of a network's layers, that JSON can hold."""
    neurons = [
        {"layer": layer.name, "neurons": layer.neurons, "spikes": layer.spikes, "rate": layer.rate}
        | {"silent": layer.silent, "histogram": layer.histogram}
        for layer in network.neurons.values()
    ]
    work = [
        {"layer": made.name} | {key: value for key, value in vars(made).items() if key != "name"}
        for made in network.convolutions.values()
    ]
    return {"neurons": neurons, "convolutions": work}

"""The decoder's spiking network goes in; a graph of NIR (neuroir.org) for maps of one size comes out.

The graph is D of the left view, x^ = B y^ + step * D(B y^), at one quality, in one time step from rest. An integer
neuron becomes four `IF` nodes with thresholds (k - 1/2) V, k = 1..4, whose spikes add up to its count. Residual sums
are edges: what comes into a node adds up. Convolutions whose maps are continued by their borders become one with zeros
outside, and one for each side and corner, which sees that part of the map alone (a `Scale` by 0 and 1).

All numbers are those of the codec, exactly: multiples of 2**-12, and thresholds of 2**-13. Voltages lie on the coarser
grid, so none meets its threshold, and it does not matter whether a simulator compares by > or >=. Spikes are the
codec's, bit for bit, where membranes are proved to stay below 2**12, so that float32 holds all of the grid.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator
from types import ModuleType
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from snncodec.constants import QUALITIES
from snncodec.errors import InputError
from snncodec.model.exact_codec import ExactCodec
from snncodec.spiking.config import NeuronConfig
from snncodec.spiking.exact_neurons import MAX_COUNT, ExactSpike
from snncodec.spiking.fixed_point import FRACTION_BITS
from snncodec.spiking.layers import ExactConv2d, ResidualBlock
from snncodec.spiking.proof import EXACT_FLOAT32

OUTSIDE = (
    "before it, the linear synthesis B and the local contrast (pixels less a local mean, divided by the step, rounded)",
    "after it, 3 patch^2 channels that become pixels (pixel_shuffle), times step and the gain of D, plus B y^",
    "for right views, the conditioning on the prediction from the left one",
    "hyperprior, context model and fusion, which see companded latents, pass by pass",
)
CENTRE = (0, 0)


def load_nir() -> ModuleType:
    """The package nir, which only an export needs; InputError where it is missing."""
    try:
        return importlib.import_module("nir")
    except ImportError as error:
        raise InputError(f"an export needs the package nir ({error}); run pip install 'snncodec[nir]'") from error


def check_neuron(neuron: NeuronConfig) -> None:
    """InputError for neurons that NIR has no words for."""
    if neuron.kind == "ilif" and neuron.time_steps == 1:
        return
    many = "how a leak is cut into time steps is each simulator's own choice, and so are the spikes"
    reason = "they are no neurons, and round to sixteenths" if neuron.kind == "relu" else many
    raise InputError(
        f"NIR cannot say what {neuron.kind} neurons with T = {neuron.time_steps} do: {reason}; "
        "export weights with ilif neurons and T = 1"
    )


def to_bytes(graph: Any) -> bytes:
    """The file of a graph."""
    file = io.BytesIO()
    load_nir().write(file, graph)
    return file.getvalue()


def decoder_graph(codec: ExactCodec, quality: int, height: int, width: int) -> Any:
    """The `nir.NIRGraph` of D: contrasts [3, height, width] in sixteenths of a step -> [3 patch^2, h, w], in steps.

    One time step of length 1 takes it from rest. InputError for another neuron than ilif with T = 1, and for sizes that
    are no multiples of the patch.
    """
    nir, patch = load_nir(), codec.config.patch
    check_neuron(codec.config.spiking)
    if not 1 <= quality <= QUALITIES:
        raise InputError(f"the quality must be from 1 to {QUALITIES}, not {quality}")
    if min(height, width) < 1 or height % patch or width % patch:
        raise InputError(f"a graph of {width}x{height} pixels: both sides must be multiples of {patch}")
    return _Builder(nir, codec, quality, height, width).graph()


def membranes_are_exact(codec: ExactCodec) -> bool:
    """Whether no membrane can get so large that the codec's float32 rounds it, which a simulator may do otherwise."""
    network = codec.decoder.network
    last = [cast(ExactConv2d, block.conv2) for block in cast(Iterator[ResidualBlock], network.blocks)]
    largest = sum(layer.largest_output() for layer in (cast(ExactConv2d, network.stem), *last))
    return largest + float(codec.decoder_offsets.values.abs().max()) < EXACT_FLOAT32 / 2**FRACTION_BITS


class _Builder:
    """Nodes and edges so far; the membrane is the sum of the nodes named in `membrane`."""

    def __init__(self, nir: ModuleType, codec: ExactCodec, quality: int, height: int, width: int) -> None:
        self.nir, self.network = nir, codec.decoder.network
        self.offsets = codec.decoder_offsets(torch.tensor([quality], device=codec.steps.device))
        self.patch, self.quality, self.size = codec.config.patch, quality, (height, width)
        self.map = height // self.patch, width // self.patch
        self.nodes: dict[str, Any] = {"input": nir.Input({"input": np.array([3, height, width])})}
        self.edges: list[tuple[str, str]] = []
        self.membrane: list[str] = []
        self.type = np.float32 if all(map(_fits_float32, self._numbers())) else np.float64

    def graph(self) -> Any:
        """The whole network."""
        self.membrane = self._stem()
        for number, block in enumerate(cast(Iterator[ResidualBlock], self.network.blocks), 1):
            counts = self._spikes(f"block_{number}_spike_1", cast(ExactSpike, block.spike1), self.membrane)
            inner = self._convolution(f"block_{number}_conv_1", cast(ExactConv2d, block.conv1), counts)
            counts = self._spikes(f"block_{number}_spike_2", cast(ExactSpike, block.spike2), inner)
            self.membrane = self.membrane + self._convolution(
                f"block_{number}_conv_2", cast(ExactConv2d, block.conv2), counts
            )
        self._read_out(self._spikes("spike", cast(ExactSpike, self.network.spike), self.membrane))
        about = {"dt": 1.0, "time_steps": 1, "quality": self.quality, "patch": self.patch, "program": "snncodec"}
        return self.nir.NIRGraph(self.nodes, self.edges, metadata=about)

    def _add(self, name: str, node: Any, sources: list[str]) -> str:
        self.nodes[name] = node
        self.edges += [(source, name) for source in sources]
        return name

    def _conv_node(self, weight: Tensor, bias: Tensor, size: tuple[int, int], stride: int = 1, padding: int = 0) -> Any:
        geometry = (stride, stride), (padding, padding), (1, 1), 1
        return self.nir.Conv2d(size, self._numpy(weight), *geometry, self._numpy(bias))

    def _stem(self) -> list[str]:
        """The convolution of patches, as one of pixels with a stride; the offsets of the quality are in its bias."""
        layer = cast(ExactConv2d, self.network.stem)
        weight = layer.weight.double().flatten(1).unflatten(1, (3, self.patch, self.patch))
        bias = bias_of(layer) + self.offsets[0].double()
        return [self._add("stem", self._conv_node(weight, bias, self.size, self.patch), ["input"])]

    def _spikes(self, name: str, layer: ExactSpike, membrane: list[str]) -> list[str]:
        """Four nodes, which together fire as often as an integer neuron does."""
        names = []
        for level, threshold in enumerate(thresholds(layer), 1):
            shape = len(threshold), *self.map
            one, zero = np.ones((1, 1, 1), self.type), np.zeros((1, 1, 1), self.type)
            parts = one, self._numpy(threshold)[:, None, None], zero
            node = self.nir.IF(*(np.broadcast_to(part, shape) for part in parts))  # views, which take no memory
            names.append(self._add(f"{name}_level_{level}", node, membrane))
        return names

    def _convolution(self, name: str, layer: ExactConv2d, counts: list[str]) -> list[str]:
        """A convolution of a map that is continued by its border; the nodes whose sum it is."""
        if layer.weight.shape[2:] != (3, 3) or tuple(layer.border) != (1, 1) or tuple(layer.stride) != (1, 1):
            raise InputError(f"NIR cannot say {name}: only 3x3 windows with a border of one can be exported")
        weight, bias, names = layer.weight.double(), bias_of(layer), []
        for side, part in border_parts(weight).items():
            source = counts
            if side != CENTRE:
                mask = np.zeros(self.map, self.type)
                mask[tuple(map(_edge, side))] = 1
                seen = self.nir.Scale(np.broadcast_to(mask, (weight.shape[1], *self.map)))
                source = [self._add(f"{name}_at{_words(side)}_seen", seen, counts)]
            given = bias if side == CENTRE else torch.zeros_like(bias)
            at = "" if side == CENTRE else f"_at{_words(side)}"
            names.append(self._add(name + at, self._conv_node(part, given, self.map, 1, 1), source))
        return names

    def _read_out(self, counts: list[str]) -> None:
        """The last convolution; what D answers to a contrast of zero is taken away in its bias."""
        layer = cast(ExactConv2d, self.network.read_out)
        with torch.no_grad():
            answer = self.network.answer_to_zero(self.offsets)[0, :, 0, 0].double()
        node = self._conv_node(layer.weight.double(), bias_of(layer) - answer, self.map)
        self._add("read_out", node, counts)
        self._add("output", self.nir.Output({"output": np.array([len(answer), *self.map])}), ["read_out"])

    def _numpy(self, numbers: Tensor) -> np.ndarray:
        return numbers.cpu().numpy().astype(self.type)

    def _numbers(self) -> Iterator[Tensor]:
        """All numbers of the network that a node will hold, or that one is a sum of."""
        for layer in self.network.modules():
            if isinstance(layer, ExactConv2d):
                yield from (layer.weight.double(), bias_of(layer))
            elif isinstance(layer, ExactSpike):
                yield from thresholds(layer)


def bias_of(layer: ExactConv2d) -> Tensor:
    """The biases of a convolution, float64; zeros where it has none."""
    return (
        torch.zeros_like(layer.weight[:, 0, 0, 0], dtype=torch.float64) if layer.bias is None else layer.bias.double()
    )


def thresholds(layer: ExactSpike) -> list[Tensor]:
    """Of the four binary neurons of an integer one, float64 [C] each: what a membrane has to exceed.

    A count of k begins at (k - 1/2) V - offset. Halves are rounded to even counts, so k = 2 and 4 begin there, and 1
    and 3 one unit of the grid later; thresholds lie between the last voltage that is too low and the first that is not.
    """
    half = 2.0 ** -(FRACTION_BITS + 1)
    bounds = ((level - 0.5) * layer.threshold.double() - layer.offset.double() for level in range(1, MAX_COUNT + 1))
    return [bound + (half if level % 2 else -half) for level, bound in enumerate(bounds, 1)]


def border_parts(weight: Tensor) -> dict[tuple[int, int], Tensor]:
    """Windows of 3x3 by the side of the map that they are for: (-1, 0) is the upper one, (1, 1) the lower right corner.

    With zeros outside, the whole window sees the map, and each other one the cells of its side alone: for the cells
    outside that they are continued to, it has their weights where it meets those cells themselves.
    """
    parts = {CENTRE: weight}
    for side in ((row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)):
        if side != CENTRE:
            part = weight
            for dim, place in zip((2, 3), side, strict=True):
                if place:
                    moved = torch.zeros_like(part)
                    moved.select(dim, 1).copy_(part.select(dim, 1 + place))
                    part = moved
            parts[side] = part
    return parts


def _edge(place: int) -> slice:
    """The cells of one side of a map; all of them where it is no side."""
    return {-1: slice(0, 1), 0: slice(None), 1: slice(-1, None)}[place]


def _words(side: tuple[int, int]) -> str:
    rows, columns = {-1: "_top", 0: "", 1: "_bottom"}, {-1: "_left", 0: "", 1: "_right"}
    return rows[side[0]] + columns[side[1]]


def _fits_float32(numbers: Tensor) -> bool:
    return bool((numbers.float().double() == numbers).all())

"""Promises of snncodec.export.nir_graph: whoever runs the graph gets the codec's own spikes, bit for bit."""

import graphlib
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import CPU, planes

from snncodec.errors import InputError
from snncodec.export.nir_graph import border_parts, decoder_graph, membranes_are_exact, thresholds, to_bytes
from snncodec.model.local_contrast import INPUT_MAX, exact_contrast
from snncodec.model.shipped_weights import load_weights
from snncodec.spiking.config import NeuronConfig
from snncodec.spiking.exact_neurons import ExactSpike, counts_of

nir = pytest.importorskip("nir")
QUALITY = 40


@pytest.fixture(scope="module")
def codec(loaded):
    return loaded.codec


def contrasts(height, width, largest=60):
    """Random inputs of the graph, a third of them zero; small ones keep membranes around their thresholds."""
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randint(-largest, largest + 1, (1, 3, height, width), generator=generator).float()
    return numbers * (torch.rand(numbers.shape, generator=generator) < 2 / 3)


def reread(graph, tmp_path):
    """The graph that was written to a file."""
    (tmp_path / "graph.nir").write_bytes(to_bytes(graph))
    return nir.read(tmp_path / "graph.nir")


def run(graph, x):
    """What every node answers to the first time step; what comes into a node adds up."""
    sources = {name: [a for a, b in graph.edges if b == name] for name in graph.nodes}
    out = {}
    for name in graph.nodes and graphlib.TopologicalSorter(sources).static_order():
        node, given = graph.nodes[name], sum(out[source] for source in sources[name])
        match type(node):
            case nir.Input:
                out[name] = x.double()
            case nir.Output:
                out[name] = given
            case nir.Scale:
                out[name] = given * torch.tensor(np.array(node.scale)).double()
            case nir.IF:
                resistance, threshold = (torch.tensor(np.array(part)).double() for part in (node.r, node.v_threshold))
                out[name] = (resistance * given > threshold).double()
            case nir.Conv2d:
                weight, bias = torch.tensor(node.weight).double(), torch.tensor(node.bias).double()
                stride, padding = (tuple(map(int, part)) for part in (node.stride, node.padding))
                out[name] = F.conv2d(given, weight, bias, stride, padding)
            case other:
                pytest.fail(f"a node {other} that no one was told of")
    return out


def own(codec, x, quality=QUALITY):
    """What the codec computes: the counts of every layer of neurons, by name, and D."""
    counts, hooks = {}, []
    for name, layer in codec.decoder.network.named_modules():
        if isinstance(layer, ExactSpike):
            keep = lambda _, given, spikes, name=name: counts.setdefault(name, spikes.double())  # noqa: E731
            hooks.append(layer.register_forward_hook(keep))
    offsets = codec.decoder_offsets(torch.tensor([quality]))
    with torch.inference_mode():
        answer = codec.decoder.network(x.to(offsets.dtype), offsets)
        for hook in hooks:
            hook.remove()
        return counts, (answer - codec.decoder.network.answer_to_zero(offsets)).double()


def counts_in(out, layer):
    """The count of a layer of neurons such as blocks.0.spike1, of what nodes answered."""
    words = layer.split(".")
    stem = f"block_{int(words[1]) + 1}_spike_{words[2][-1]}" if len(words) > 1 else layer
    return sum(out[f"{stem}_level_{level}"] for level in (1, 2, 3, 4))


@pytest.mark.parametrize("largest", [60, INPUT_MAX])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 16), (8, 64), (48, 32), (40, 72)])
def test_the_graph_fires_as_the_codec_does(codec, tmp_path, height, width, largest):
    x = contrasts(height, width, largest)
    out = run(reread(decoder_graph(codec, QUALITY, height, width), tmp_path), x)
    counts, answer = own(codec, x)
    assert len(counts) == 3 and all(torch.equal(counts_in(out, name), spikes) for name, spikes in counts.items())
    assert torch.equal(out["output"], answer) and answer.abs().max() > 0
    assert height < 48 or all(set(spikes.unique().tolist()) == {0, 1, 2, 3, 4} for spikes in counts.values())


@pytest.mark.parametrize("quality", [1, 100])
def test_a_graph_is_that_of_its_quality(codec, quality):
    x = contrasts(32, 32)
    answers = [run(decoder_graph(codec, q, 32, 32), x)["output"] for q in (quality, QUALITY)]
    assert torch.equal(answers[0], own(codec, x, quality)[1])
    assert not torch.equal(*answers)


def test_the_shipped_decoder_fires_alike_on_a_picture(crop, tmp_path):
    codec = load_weights("base", CPU).codec
    pixels = planes(crop[0])[None, :, :96, :112].double() - 128
    x = exact_contrast(pixels, codec.steps[QUALITY - 1].view(1, 1, 1, 1))
    out = run(reread(decoder_graph(codec, QUALITY, 96, 112), tmp_path), x)
    counts, answer = own(codec, x)
    assert len(counts) == 5 and all(torch.equal(counts_in(out, name), spikes) for name, spikes in counts.items())
    assert torch.equal(out["output"], answer)


def test_nirtorch_reads_the_same_network(codec, tmp_path):
    nirtorch = pytest.importorskip("nirtorch")

    class Fire(torch.nn.Module):
        def __init__(self, node):
            super().__init__()
            self.threshold = torch.nn.Parameter(torch.from_numpy(node.v_threshold))

        def forward(self, current, state=None):
            return (current >= self.threshold).to(current), state  # spikingjelly's way to compare

    class Scale(torch.nn.Module):
        def __init__(self, node):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.from_numpy(node.scale))

        def forward(self, x):
            return x * self.scale

    graph, x = reread(decoder_graph(codec, QUALITY, 48, 32), tmp_path), contrasts(48, 32)
    network = nirtorch.nir_to_torch(graph, {nir.IF: Fire, nir.Scale: Scale})  # convolutions and sums are nirtorch's
    with torch.inference_mode():
        answer, _ = network(x)
    assert torch.equal(answer.double(), own(codec, x)[1])


def test_no_comparison_is_ever_equal_and_counts_are_those_of_the_neuron():
    generator = torch.Generator().manual_seed(3)
    threshold = torch.randint(2**7, 2**14, (500,), generator=generator).double() / 2**11
    offset = torch.randint(-(2**13), 2**13, (500,), generator=generator).double() / 2**12
    bounds = thresholds(ExactSpike(offset, threshold, NeuronConfig()))
    for level in (1, 2, 3, 4):
        for units in range(-3, 4):  # of the grid, around the voltage where a count begins
            membrane = (level - 0.5) * threshold - offset + units / 2**12
            fired = sum((membrane > bound).double() for bound in bounds)
            assert torch.equal(fired, counts_of(membrane + offset, threshold))
            assert torch.equal(fired, sum((membrane >= bound).double() for bound in bounds))


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 2), (5, 3)])
def test_parts_for_the_borders_add_up_to_a_map_that_is_continued(shape):
    weight, x = torch.randn(2, 3, 3, 3).double(), torch.randn(1, 3, *shape).double()
    total = torch.zeros(1, 2, *shape).double()
    for (row, column), part in border_parts(weight).items():
        mask = torch.ones(shape).double()
        if row:
            mask[torch.arange(shape[0]) != (0 if row < 0 else shape[0] - 1)] = 0
        if column:
            mask[:, torch.arange(shape[1]) != (0 if column < 0 else shape[1] - 1)] = 0
        total += F.conv2d(x * mask, part, padding=1)
    assert torch.allclose(total, F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), weight), rtol=0, atol=1e-12)


def test_numbers_are_stored_as_they_are(codec, tmp_path):
    graph = reread(decoder_graph(codec, QUALITY, 32, 32), tmp_path)
    layer, block = codec.decoder.network.spike, codec.decoder.network.blocks[0]
    assert np.array_equal(graph.nodes["block_1_conv_1"].weight, block.conv1.weight.numpy())
    for level, bound in enumerate(thresholds(layer), 1):
        stored = graph.nodes[f"spike_level_{level}"].v_threshold
        assert stored.dtype == np.float32 and np.array_equal(stored[:, 1, 2].astype(np.float64), bound.numpy())
    assert int(graph.metadata["quality"]) == QUALITY


def test_numbers_that_float32_cannot_hold_make_the_graph_float64(codec, monkeypatch):
    layer = codec.decoder.network.spike
    threshold = layer.threshold.clone()
    threshold[0] = 1023 - 2.0**-11
    monkeypatch.setitem(layer._buffers, "threshold", threshold)
    node = decoder_graph(codec, QUALITY, 8, 8).nodes["spike_level_4"]
    assert node.v_threshold.dtype == np.float64
    assert node.v_threshold[0, 0, 0] == 3.5 * (1023 - 2.0**-11) - float(layer.offset[0]) - 2.0**-13


def test_the_shipped_decoder_is_proved_to_fire_alike_and_large_weights_are_not(codec, monkeypatch):
    assert membranes_are_exact(load_weights("base", CPU).codec)
    layer = codec.decoder.network.stem
    monkeypatch.setitem(layer._buffers, "bias", torch.full_like(layer.bias, 4096))
    assert not membranes_are_exact(codec)


@pytest.mark.parametrize("name", ["ilif in two steps", "lif", "relu"])
def test_other_neurons_are_refused_by_name(weights_files, name):
    other = load_weights(weights_files[name], CPU).codec
    with pytest.raises(InputError, match=f"NIR cannot say what {name.split()[0]} neurons"):
        decoder_graph(other, QUALITY, 16, 16)


@pytest.mark.parametrize(("quality", "height", "width"), [(0, 16, 16), (101, 16, 16), (50, 12, 16), (50, 16, 0)])
def test_impossible_qualities_and_sizes_are_refused(codec, quality, height, width):
    with pytest.raises(InputError, match=r"quality|multiples of 8"):
        decoder_graph(codec, quality, height, width)


def test_without_the_package_the_error_says_what_to_install(codec, monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(InputError, match=r"pip install 'snncodec\[nir\]'"):
        decoder_graph(codec, QUALITY, 16, 16)

"""Promises of snncodec.benchmark.spikes: every spike and every weight that it meets is counted, exactly."""

import pytest
import torch
from conftest import CPU
from torch import nn

from snncodec.benchmark.spikes import Watch, decoder_networks, most_spikes, readable
from snncodec.codec import Codec
from snncodec.errors import InputError
from snncodec.model.shipped_weights import load_weights
from snncodec.spiking.config import NeuronConfig
from snncodec.spiking.exact_neurons import ExactSpike
from snncodec.spiking.layers import FixedPointConv2d, ResidualBlock, exact_copy
from snncodec.spiking.neurons import Spike
from snncodec.spiking.proof import prove_network

ILIF = NeuronConfig()


class Layers(nn.Sequential):
    """A layer of neurons with a threshold of 1, and a convolution."""

    def __init__(self, inputs, outputs, kernel, neuron=ILIF, **options):
        peak = most_spikes(neuron) / neuron.time_steps
        super().__init__(Spike(inputs, neuron), FixedPointConv2d(inputs, outputs, kernel, input_max=peak, **options))


def watched(network, x, neuron=ILIF):
    """What was counted while a network, made exact, ran once."""
    exact = exact_copy(network)
    exact.to(x.dtype)
    watch = Watch({"net": exact}, neuron)
    with watch.counting(), torch.no_grad():
        exact(x)
    (layer,), (work,) = watch.networks["net"].neurons.values(), watch.networks["net"].convolutions.values()
    return layer, work


def one_neuron(count, row, column):
    x = torch.zeros(1, 2, 4, 5)
    x[0, 1, row, column] = count
    return x


@pytest.mark.parametrize(("place", "taps"), [((0, 0), 4), ((0, 2), 6), ((2, 2), 9)])
def test_a_spike_meets_the_weights_of_the_places_that_it_reaches(place, taps):
    layer, work = watched(Layers(2, 3, 3), one_neuron(4, *place))
    assert layer.histogram == [39, 0, 0, 0, 1]
    assert (work.accumulates, work.nonzero) == (4 * taps * 3, taps * 3)
    assert work.biases == 3 * 4 * 5
    assert work.connections == 2 * 3 * (9 * 6 + 6 * 10 + 4 * 4)  # 6 places inside, 10 at an edge, 4 corners


def test_where_borders_continue_a_map_a_spike_there_counts_again():
    _, corner = watched(Layers(2, 3, 3, padding_mode="replicate"), one_neuron(2, 0, 0))
    assert (corner.accumulates, corner.nonzero) == (2 * 3 * 9, 3 * 9)  # as often as in the middle, or more
    assert corner.connections == 2 * 3 * 9 * 4 * 5


def test_a_stride_leaves_out_places():
    _, work = watched(Layers(2, 3, 2, stride=2), one_neuron(3, 1, 1))
    assert (work.accumulates, work.nonzero, work.biases) == (3 * 3, 3, 3 * 2 * 2)
    assert work.connections == 2 * 3 * 4 * 2 * 2


@pytest.mark.parametrize("kernel", [1, 3])
def test_counts_are_those_of_spikingjelly_on_four_binary_steps(kernel):
    from spikingjelly.activation_based.op_counter import DispatchCounterMode, MACCounter, SynOpCounter

    torch.manual_seed(0)
    counts = torch.randint(0, 5, (2, 6, 7, 5)).float()
    steps = torch.cat([(counts >= step).float() for step in (1, 2, 3, 4)])
    conv = nn.Conv2d(6, 4, kernel, padding=kernel // 2, bias=False)
    spiking, dense = SynOpCounter(), MACCounter()
    with torch.no_grad():
        with DispatchCounterMode([spiking]):
            conv(steps)
        with DispatchCounterMode([dense]):
            nn.Conv2d(6, 4, kernel, bias=False)(counts + 0.5)
    _, work = watched(Layers(6, 4, kernel), counts)
    assert work.accumulates == spiking.get_total()
    _, unpadded = watched(Layers(6, 4, 1), counts[:, :, : 7 - kernel + 1, : 5 - kernel + 1])
    assert unpadded.connections * kernel**2 == dense.get_total()


def test_bits_are_those_of_the_widest_weight_and_of_a_count():
    network = Layers(2, 3, 1)
    nn.init.constant_(network[1].weight, -5 / 4096)
    _, work = watched(network, one_neuron(1, 0, 0))
    assert (work.weight_bits, work.input_bits, work.source) == (4, 3, "1")


def test_spikes_of_several_time_steps_are_those_of_one_neuron():
    lif = NeuronConfig("lif", 4)
    x = torch.full((4, 2, 1, 1), 0.0)
    x[:, 1] = 100  # fires in every step
    layer, work = watched(Layers(2, 3, 1, lif), x, lif)
    assert (layer.histogram, layer.rate, layer.silent) == ([1, 0, 0, 0, 1], 0.5, 0.5)
    assert (work.accumulates, work.nonzero, work.connections) == (4 * 3, 3, 6)


def test_bytes_count_as_floats_do():
    torch.manual_seed(1)
    x, found = torch.randn(1, 32, 9, 10) * 2, []
    for prepared in (True, False):
        torch.manual_seed(2)
        block = exact_copy(ResidualBlock(32, ILIF))
        if prepared:
            prove_network(block, "the block", CPU)
        watch = Watch({"net": block}, ILIF)
        with watch.counting():
            block(x if prepared else x.double())
        network = watch.networks["net"]
        found.append(
            ([vars(part) for part in network.neurons.values()], list(map(vars, network.convolutions.values())))
        )
    assert found[0] == found[1]
    assert [work["source"] for work in found[0][1]] == ["spike 1", "spike 2"]


def test_numbers_that_no_neuron_fired_are_no_spikes():
    network = exact_copy(FixedPointConv2d(2, 3, input_max=100)).float()
    watch = Watch({"net": nn.Sequential(network)}, ILIF)
    with watch.counting():
        network(one_neuron(7, 1, 1))
    (work,) = watch.networks["net"].convolutions.values()
    assert (work.source, work.accumulates, work.nonzero, work.input_bits) == (None, 0, 3, 8)


@pytest.fixture(params=["ilif", "ilif in two steps", "lif"])
def codec(request, weights_files):
    return Codec(weights_files[request.param], "cpu")


def test_a_file_decodes_to_the_same_pixels_and_every_neuron_is_seen(codec, crop):
    file, exact = codec.encode(*crop, quality=40), codec.loaded.codec
    plain = codec.decode(file)
    watch = Watch(decoder_networks(exact), exact.config.spiking)
    with watch.counting():
        decoded = codec.decode(file)
    assert (decoded.left == plain.left).all() and (decoded.right == plain.right).all()
    for title, network in decoder_networks(exact).items():
        layers = {readable(name) for name, part in network.named_modules() if isinstance(part, ExactSpike)}
        assert set(watch.networks[title].neurons) == layers
        assert any(layer.spikes for layer in watch.networks[title].neurons.values())
    before = [work.nonzero for work in watch.networks["context model"].convolutions.values()]
    codec.decode(file)  # no longer watched
    assert before == [work.nonzero for work in watch.networks["context model"].convolutions.values()]


def test_the_decoder_network_sees_every_pixel_of_a_small_pair_once(codec, crop):
    exact = codec.loaded.codec
    file = codec.encode(*crop, quality=40, independent=True)
    watch = Watch(decoder_networks(exact), exact.config.spiking)
    with watch.counting():
        codec.decode(file)
    config = exact.config
    places = 2 * (96 * 128 // config.patch**2 + 1)  # of two views of whole blocks, and the answer to zero
    assert {layer.neurons for layer in watch.networks["decoder"].neurons.values()} == {config.M * places}
    assert not watch.networks["fusion"].neurons and not watch.networks["conditioning"].neurons


def test_the_relu_twin_is_refused(weights_files):
    exact = load_weights(weights_files["relu"], CPU).codec
    with pytest.raises(InputError, match="relu"):
        Watch(decoder_networks(exact), exact.config.spiking)


def test_paths_become_words():
    assert readable("passes.0.read_out") == "pass 1 read-out"
    assert readable("blocks.1.spike2") == "block 2 spike 2"
    assert readable("gates.13.prediction_error_context.conv") == "gate 14 prediction error context conv"

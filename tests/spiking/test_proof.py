"""Promises of spiking/proof.py: where exactness is proved, no number format, kernel, thread or batch counts."""

import pytest
import torch
from conftest import CONFIGS, CPU
from hypothesis import given, strategies
from torch import nn

from snncodec.errors import WeightsError
from snncodec.model.pixel_networks import PixelNetwork
from snncodec.model.shipped_weights import load_weights
from snncodec.model.stereo_codec import StereoCodec
from snncodec.model.weights import trainable
from snncodec.spiking import proof
from snncodec.spiking.arithmetic import exact_arithmetic
from snncodec.spiking.config import NeuronConfig
from snncodec.spiking.exact_neurons import ExactSpike
from snncodec.spiking.fixed_point import FRACTION_BITS
from snncodec.spiking.layers import ExactConv2d, FixedPointConv2d, exact_copy
from snncodec.spiking.neurons import Spike
from snncodec.spiking.proof import EXACT_FLOAT32, EXACT_FLOAT64, prove_chain, prove_network

UNIT = 2.0**-FRACTION_BITS


@pytest.fixture(params=CONFIGS)
def trained(request, weights_files):
    """The decoder's spiking network of random weights."""
    return trainable(load_weights(weights_files[request.param], CPU)).decoder.network


@torch.no_grad()
def small(network):
    """The exact copy of a trained network, of weights so small that float32 is enough for every kind of neuron."""
    for layer in network.modules():
        if isinstance(layer, FixedPointConv2d):
            layer.weight.mul_(2.0**-6)
        elif isinstance(layer, Spike):
            layer.threshold.mul_(2.0**-4)
    return exact_copy(network)


def contrast(batch=2, dtype=torch.float64):
    return torch.randint(-511, 512, (batch, 3, 48, 80), generator=torch.Generator().manual_seed(1)).to(dtype)


def run(network, batch=2, dtype=torch.float64):
    with exact_arithmetic():
        return network.to(dtype)(contrast(batch, dtype), torch.zeros(batch, 8, dtype=dtype)).double()


def test_float32_equals_float64_bit_for_bit_where_it_is_proved(trained):
    network = small(trained)
    assert prove_network(network, "it", CPU) == torch.float32
    assert all(number.dtype == torch.float32 for number in network.buffers())
    exact = run(network)
    assert exact.count_nonzero() > 0
    assert torch.equal(run(network, dtype=torch.float32), exact)


def test_layers_of_different_types_compute_what_float64_alone_computes(trained):
    network = exact_copy(trained)
    with exact_arithmetic():
        expected = network(contrast(), torch.zeros(2, 8, dtype=torch.float64))
        prove_network(network, "it", CPU)
        kinds = {layer.weight.dtype for layer in network.modules() if isinstance(layer, ExactConv2d)}
        assert torch.float32 in kinds
        assert torch.equal(network(contrast(), torch.zeros(2, 8, dtype=torch.float64)), expected)


@pytest.mark.filterwarnings("ignore:TF32")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_kernels_threads_and_batches_change_nothing(trained, dtype, threads):
    network = small(trained)
    threads(1)
    expected = run(network, dtype=dtype)
    threads(2)
    assert torch.equal(run(network, dtype=dtype), expected)
    with torch.backends.mkldnn.flags(enabled=False):
        assert torch.equal(run(network, dtype=dtype), expected)
    network = network.to(memory_format=torch.channels_last)
    assert torch.equal(run(network, dtype=dtype), expected)
    with exact_arithmetic():
        single = network(contrast(dtype=dtype)[1:], torch.zeros(1, 8, dtype=dtype)).double()
    assert torch.equal(single, expected[1:])


def test_weights_off_the_grid_are_what_makes_float32_differ(trained):
    network = exact_copy(trained)
    for layer in network.modules():
        if isinstance(layer, ExactConv2d):
            layer.weight.mul_(1.1)
    assert not torch.equal(run(network), run(network, dtype=torch.float32))


def layer(weight, input_max=4.0, bias=0.0):
    """One 1 x 1 convolution of one channel; its sums reach |weight| * input_max + |bias|."""
    weights = torch.full((1, 1, 1, 1), weight, dtype=torch.float64), torch.full((1,), bias, dtype=torch.float64)
    return ExactConv2d(*weights, (1, 1), (0, 0), (0, 0), input_max)


@pytest.mark.parametrize(("limit", "below"), [(EXACT_FLOAT32, torch.float32), (EXACT_FLOAT64, torch.float64)])
def test_the_limits_of_the_number_formats_are_kept_to_the_last_unit(limit, below):
    edge = limit * UNIT / 4
    assert prove_network(layer(edge - UNIT), "it", CPU) == below
    if limit == EXACT_FLOAT32:
        assert prove_network(layer(edge), "it", CPU) == torch.float64
    else:
        with pytest.raises(WeightsError, match="cannot be proved exact"):
            prove_network(layer(edge), "it", CPU)


def test_a_sum_too_large_for_float32_is_computed_in_two_parts_that_are_not():
    torch.manual_seed(0)
    network = nn.Sequential(FixedPointConv2d(12, 5, 3, input_max=40), Spike(5, NeuronConfig("ilif")))
    with torch.no_grad():
        network[0].weight.uniform_(-2.4, 2.4)  # sums reach 5,200; 4,096 are exact in float32
    exact, counts = exact_copy(network), torch.randint(-40, 41, (2, 12, 9, 9)).float()
    expected = exact[0](counts.double()).float()
    prove_network(exact, "it", CPU)
    assert exact[0].split and exact[0].weight.dtype == torch.float32
    with exact_arithmetic():
        assert torch.equal(exact[0](counts), expected)


def test_a_bias_counts_to_the_last_unit():
    edge = EXACT_FLOAT32 * UNIT
    assert prove_network(layer(-(edge - 4) / 4, bias=4 - UNIT), "it", CPU) == torch.float32
    assert prove_network(layer(-(edge - 4) / 4, bias=-4.0), "it", CPU) == torch.float64


def test_every_layer_gets_the_narrowest_type_and_membranes_of_one_time_step_32_bits():
    edge = EXACT_FLOAT32 * UNIT / 4
    network = nn.ModuleList(
        [layer(edge * 0.6), layer(edge * 0.7), layer(edge), Spike(3, CONFIGS["ilif"].spiking).exact()]
    )
    assert prove_network(network, "it", CPU) == torch.float32
    assert [part.weight.dtype for part in network[:3]] == [torch.float32, torch.float32, torch.float64]
    assert network[3].offset.dtype == network[3].threshold.dtype == torch.float32
    alone = nn.ModuleList([network[0], Spike(3, CONFIGS["ilif"].spiking).exact()])
    assert prove_network(alone, "it", CPU) == torch.float32 and alone[1].threshold.dtype == torch.float32


def test_layers_that_fit_alone_are_refused_where_their_sum_does_not():
    edge = EXACT_FLOAT64 * UNIT / 4
    prove_network(layer(edge * 0.5 - 1), "it", CPU)
    with pytest.raises(WeightsError, match="cannot be proved exact"):
        prove_network(nn.ModuleList([layer(edge * 0.5), layer(edge * 0.5)]), "it", CPU)


def test_numbers_of_neurons_count_too_over_several_time_steps():
    spike = Spike(3, CONFIGS["ilif in two steps"].spiking).exact()
    spike.offset[1] = 2.0**12
    assert prove_network(spike, "it", CPU) == torch.float64


def test_thresholds_beyond_the_range_are_refused():
    spike = Spike(3, CONFIGS["ilif"].spiking).exact()
    spike.threshold[1] = 1024.0
    with pytest.raises(WeightsError, match="from 1/16 to 1023"):
        prove_network(spike, "it", CPU)


@pytest.mark.parametrize(
    ("name", "finer"), [("ilif", 1), ("ilif in two steps", 2 * 2), ("lif", 2**4 * 4), ("relu", 16**2)]
)
def test_leaks_time_steps_and_finer_outputs_take_their_bits(name, finer):
    edge = EXACT_FLOAT32 * UNIT / 4 / finer
    spike = Spike(3, CONFIGS[name].spiking).exact()
    for weight, kind in ((edge - UNIT, torch.float32), (edge, torch.float64)):
        network = nn.ModuleList([layer(weight), spike])
        prove_network(network, "it", CPU)
        assert network[0].weight.dtype == kind


def test_float32_is_never_chosen_on_a_gpu():
    convolution = layer(0.5)
    assert prove_network(convolution, "it", torch.device("cuda")) == convolution.weight.dtype == torch.float64


@pytest.mark.parametrize("name", proof.FLOAT_MODES)
def test_float32_is_not_chosen_where_onednn_may_shorten_it(name, monkeypatch):
    monkeypatch.setenv(name, "BF16")
    assert prove_network(layer(0.5), "it", CPU) == torch.float64
    monkeypatch.setenv(name, "STRICT")
    assert prove_network(layer(0.5), "it", CPU) == torch.float32


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e30])
@pytest.mark.parametrize(
    "part", ["decoder.network.stem", "context_model.passes.0.mix", "fusion.start", "hyper_encoder.down1"]
)
def test_a_model_that_is_not_provably_exact_is_refused(part, bad):
    model = StereoCodec(CONFIGS["ilif"])
    model.get_submodule(part).weight.data[0, 0] = bad
    with pytest.raises(WeightsError):
        model.prepare(CPU)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e30, 2.0**20])
def test_linear_kernels_that_are_not_provably_exact_are_refused(bad):
    model = StereoCodec(CONFIGS["ilif"])
    model.transform.colours[0, 0] = bad
    with pytest.raises(WeightsError):
        model.prepare(CPU)


def test_a_chain_of_matrices_is_proved_to_the_last_unit():
    edge = torch.full((1, 1), 2.0**15, dtype=torch.float64)
    prove_chain([edge, edge - 1], 2.0**23 - 1, 0, "it")
    prove_chain([edge, edge - 1], 2.0**23, 0, "it")
    with pytest.raises(WeightsError, match="it cannot be proved exact"):
        prove_chain([edge, edge], 2.0**23, 0, "it")
    with pytest.raises(WeightsError, match="it cannot be proved exact"):
        prove_chain([edge, edge - 1], 2.0**22, 2, "it")


@given(strategies.integers(0, 2**31), strategies.sampled_from(sorted(CONFIGS)))
def test_the_bound_holds_for_every_value_inside_a_network(seed, name):
    torch.manual_seed(seed)
    network = PixelNetwork(CONFIGS[name], 1, 5, 1)
    for parameter in network.parameters():
        parameter.data.uniform_(-3, 3)
    exact, bounds, inside, sums = exact_copy(network), [], [], []
    with pytest.MonkeyPatch.context() as patch:  # records how far values are assumed to reach
        patch.setattr(proof, "narrowest_exact_type", lambda largest, *_: bounds.append(largest) or torch.float64)
        prove_network(exact, "it", CPU)
    for part in exact.modules():
        part.register_forward_hook(lambda part, given, out: inside.extend([given[0].clone(), out.clone()]))
        if isinstance(part, ExactConv2d):
            part.register_forward_hook(lambda part, given, out: sums.append((out.clone(), part.largest_output())))
    with exact_arithmetic():
        sign = torch.randint(0, 2, (1, 3, 16, 16)) * 2.0 - 1
        exact(511 * sign.double(), torch.zeros(1, CONFIGS[name].M, dtype=torch.float64))
    assert 0 < max(float(value.abs().max()) for value in inside[2:]) <= bounds[-1]
    assert all(float(out.abs().max()) <= largest for out, largest in sums) and len(sums) == len(bounds) - 1
    assert any(isinstance(part, ExactSpike) for part in exact.modules())

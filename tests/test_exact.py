"""Promises of exact.py: on the fixed-point grid no number format, kernel, thread or batch can change a result."""

import copy

import pytest
import torch
from conftest import CONFIGS, CPU
from hypothesis import given, strategies
from snncodec.exact import (
    EXACT_FLOAT32,
    EXACT_FLOAT64,
    FRACTION_BITS,
    ExactConv2d,
    bound,
    exact_arithmetic,
    prove,
    quantise,
    snap,
    snap_parameters,
    snap_through,
)
from snncodec.neurons import Spike
from snncodec.transforms import PixelNetwork
from snncodec.weights import load_weights
from torch import nn

from snncodec.errors import WeightsError
from snncodec.model import StereoCodec


@pytest.fixture(params=["ilif", "ilif in two steps", "lif", "relu"])
def network(request, weights_files):
    """The decoder's spiking network of random weights, in float64."""
    model = load_weights(weights_files[request.param], CPU).model
    return copy.deepcopy(model.decoder.network).double()


def contrast(batch=2, dtype=torch.float64):
    return torch.randint(-511, 512, (batch, 3, 48, 80), generator=torch.Generator().manual_seed(1)).to(dtype)


def run(network, batch=2, dtype=torch.float64):
    with exact_arithmetic():
        return network.to(dtype)(contrast(batch, dtype), torch.zeros(batch, 8, dtype=dtype)).double()


def small(network):
    """Weights so small that float32 is provably enough for every kind of neuron."""
    for layer in network.modules():
        if isinstance(layer, ExactConv2d):
            layer.weight.mul_(2.0**-6)
        elif isinstance(layer, Spike):
            layer.threshold.mul_(2.0**-4)
    snap_parameters(network)
    return network


def test_float32_equals_float64_bit_for_bit_where_it_is_proved(network):
    small(network)
    assert prove(network, "it", CPU) == torch.float32
    exact = run(network)
    assert exact.count_nonzero() > 0
    assert torch.equal(run(network, dtype=torch.float32), exact)


@pytest.mark.filterwarnings("ignore:TF32")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_kernels_threads_and_batches_change_nothing(network, dtype, threads):
    small(network)
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


def test_weights_off_the_grid_are_what_makes_float32_differ(network):
    for layer in network.modules():
        if isinstance(layer, ExactConv2d):
            layer.weight.mul_(1.1)
    assert not torch.equal(run(network), run(network, dtype=torch.float32))


def layer(weight, input_max=4.0):
    """One 1 x 1 convolution of one channel; the sums reach |weight| * input_max."""
    made = ExactConv2d(1, 1, input_max=input_max, bias=False).double()
    nn.init.constant_(made.weight, weight)
    return nn.ModuleList([made])


@pytest.mark.parametrize(("limit", "below"), [(EXACT_FLOAT32, torch.float32), (EXACT_FLOAT64, torch.float64)])
def test_the_limits_of_the_number_formats_are_kept_to_the_last_unit(limit, below):
    edge = limit / 2**FRACTION_BITS / 4
    assert prove(layer(edge - 2.0**-FRACTION_BITS), "it", CPU) == below
    if limit == EXACT_FLOAT32:
        assert prove(layer(edge), "it", CPU) == torch.float64
    else:
        with pytest.raises(WeightsError, match="cannot be proved exact"):
            prove(layer(edge), "it", CPU)


def test_float32_is_never_chosen_on_a_gpu():
    assert prove(layer(0.5), "it", torch.device("cuda")) == torch.float64


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
    model.decoder.synthesis.matrix.data[0, 0] = bad
    with pytest.raises(WeightsError):
        model.prepare(CPU)


@given(strategies.integers(0, 2**31), strategies.sampled_from(sorted(CONFIGS)))
def test_the_bound_holds_for_every_value_inside_a_network(seed, name):
    torch.manual_seed(seed)
    network = PixelNetwork(CONFIGS[name], 5, 1).eval().double()
    for parameter in network.parameters():
        parameter.data.uniform_(-3, 3)
    seen = []
    for module in network.modules():
        module.register_forward_hook(lambda module, inputs, out: seen.extend([inputs[0], out]))
    with torch.inference_mode():
        sign = torch.randint(0, 2, (1, 3, 16, 16)) * 2.0 - 1
        offsets = torch.zeros(1, CONFIGS[name].M, dtype=torch.float64)
        network(511 * sign.double(), offsets)
    inside = max(float(value.abs().max()) for value in seen[2:])
    assert 0 < inside <= bound(network)


def test_snapping_is_to_the_nearest_multiple_and_lets_gradients_through():
    x = torch.tensor([0.3, -1.0, 7e-5, 2.0**-13 * 3], dtype=torch.float64, requires_grad=True)
    snapped = snap_through(x)
    snapped.sum().backward()
    assert torch.equal(snapped * 2**12, (snapped * 2**12).round()) and (snapped - x).abs().max() <= 2.0**-13
    assert torch.equal(x.grad, torch.ones(4, dtype=torch.float64)) and torch.equal(snapped, snap(x))


def test_half_of_a_snapped_threshold_is_still_on_the_grid():
    spike = Spike(4, CONFIGS["ilif"])
    spike.threshold.data = torch.tensor([0.0, 0.1, 1.23457, -5.0])
    snap_parameters(spike)
    halves = spike.threshold.detach() / 2 * 2**FRACTION_BITS
    assert torch.equal(halves, halves.round()) and spike.threshold.min() == 1 / 16


def test_training_on_the_grid_computes_what_the_snapped_layer_computes():
    torch.manual_seed(0)
    trained = ExactConv2d(6, 7, 1, input_max=4)
    snapped = copy.deepcopy(trained)
    quantise(trained)
    snap_parameters(snapped)
    x = torch.randint(0, 5, (2, 6, 3, 3)).float()
    assert torch.equal(trained(x), snapped(x)) and not torch.equal(trained.weight, snapped.weight)
    tokens = x.permute(0, 2, 3, 1).flatten(0, 2)
    assert torch.equal(trained.linear(tokens), snapped.linear(tokens))


def test_exact_arithmetic_puts_global_settings_back():
    products = torch.backends.mkldnn.matmul
    before = products.fp32_precision
    products.fp32_precision = "bf16"
    try:
        with exact_arithmetic():
            assert products.fp32_precision == "ieee" and not torch.is_grad_enabled()
        assert products.fp32_precision == "bf16" and torch.is_grad_enabled()
    finally:
        products.fp32_precision = before

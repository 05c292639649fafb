"""Promises of neurons.py: the neurons are spikingjelly's, spike for spike, and remember nothing between calls."""

import dataclasses

import pytest
import torch
from conftest import CONFIGS, CPU, TINY, synthetic_pair
from snncodec.neurons import MAX_COUNT, RELU_MAX, RELU_STEPS, Spike, ilif_counts, mean_over_time, spread
from snncodec.weights import load_weights
from spikingjelly.activation_based import layer, neuron, surrogate

from snncodec import codec, neurons, views

TAUS = (2.0, 4.0)
SHAPE = (4 * 3, 5, 6, 7)  # four time steps of a batch of three


def node(kind, steps, tau):
    """spikingjelly's own neuron."""
    if kind == "ilif":
        return neuron.ILIFNode(tau=tau, step_mode="m")
    return neuron.LIFNode(tau=tau, surrogate_function=surrogate.ATan(), step_mode="m")


def spike_layer(kind, steps=1, tau=2.0, channels=5):
    return Spike(channels, dataclasses.replace(TINY, neuron=kind, T=steps, tau=tau))


def drives(seed=0, low=-2.0, high=6.0):
    torch.manual_seed(seed)
    return torch.empty(SHAPE).uniform_(low, high)


@pytest.fixture(params=["eager", pytest.param("compiled", marks=pytest.mark.slow)])
def counts_function(request, monkeypatch):
    if request.param == "eager":
        return ilif_counts
    monkeypatch.setattr(neurons, "fire_ilif", ilif_counts)
    if not neurons.compile_neurons():
        pytest.skip("torch.compile does not work here")
    return neurons.fire_ilif


@pytest.mark.parametrize("tau", TAUS)
@pytest.mark.parametrize("steps", [1, 4])
def test_integer_counts_and_gradients_are_those_of_spikingjelly(counts_function, steps, tau):
    x, y = drives().requires_grad_(), drives().requires_grad_()
    zeros, ones = torch.zeros(1, 5, 1, 1), torch.ones(1, 5, 1, 1)
    ours = counts_function(x, zeros, ones, steps, tau)
    theirs = node("ilif", steps, tau)(y.unflatten(0, (steps, -1))).flatten(0, 1)
    weights = torch.randn(SHAPE)
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    assert torch.equal(ours.detach().round(), theirs.detach())
    assert torch.allclose(x.grad, y.grad, atol=1e-6)
    assert 0 < theirs.mean() < MAX_COUNT and x.grad.abs().sum() > 0


def test_the_gradient_window_is_closed_like_spikingjellys():
    edge = torch.tensor([[-1.0, -1e-6, 0.0, 0.5, 3.9, 4.0, 4.0001, 9.0]])
    x, y = edge.clone().requires_grad_(), edge.clone().requires_grad_()
    ilif_counts(x, torch.zeros(1), torch.ones(1), 1, 2.0).sum().backward()
    node("ilif", 1, 2.0)(y[None]).sum().backward()
    assert torch.equal(x.grad, y.grad)


def test_counts_expanded_to_binary_spikes_give_the_same_convolution():
    torch.manual_seed(0)
    counts = spike_layer("ilif").eval()(drives())
    convolution = torch.nn.Conv2d(5, 8, 3, padding=1, bias=False)
    convolution.weight.data = (convolution.weight.data * 2**12).round() / 2**12
    expand, add_up = layer.SpikeCountToBinary(MAX_COUNT).eval(), layer.TemporalBinSum(MAX_COUNT).eval()
    slots = expand(counts[None])
    assert slots.shape[0] == MAX_COUNT and set(slots.unique().tolist()) == {0.0, 1.0}
    events = convolution(slots.flatten(0, 1)).unflatten(0, (MAX_COUNT, -1))
    assert torch.equal(add_up(events)[0], convolution(counts))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("tau", TAUS)
def test_lif_spikes_are_spikingjellys(tau, training):
    x = (drives() * 16).round() / 16  # on dyadic inputs spikingjelly's float arithmetic is exact, too
    spikes = spike_layer("lif", 4, tau).train(training)(x)
    assert torch.equal(spikes, node("lif", 4, tau)(x.unflatten(0, (4, -1))).flatten(0, 1))
    assert 0.05 < spikes.mean() < 0.95


@pytest.mark.parametrize("sixteenths", range(1, 16))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_lif_spikes_are_those_of_integer_arithmetic_for_every_leak(sixteenths, dtype):
    spike = spike_layer("lif", 4, 16 / sixteenths, channels=9).eval()
    fires_at = sixteenths * torch.arange(1, 10)  # in sixteenths: what integers 1 to 9 reach in one step
    spike.threshold.data = fires_at / 16
    current = torch.randint(-3, 12, (4, 50, 9), generator=torch.Generator().manual_seed(1))
    voltage, expected = torch.zeros(50, 9, dtype=torch.int64), []
    for step in range(4):  # voltages in units of 16**-(step + 1), so that the leak is a whole number
        voltage = 16 * voltage + sixteenths * (current[step] * 16**step - voltage)
        spikes = voltage >= fires_at * 16**step
        voltage = voltage * ~spikes
        expected.append(spikes)
    assert torch.equal(spike.to(dtype)(current.flatten(0, 1).to(dtype)), torch.cat(expected).to(dtype))


def test_lif_gradients_are_spikingjellys():
    x, y = drives().requires_grad_(), drives().requires_grad_()
    spike_layer("lif", 4).train()(x).square().sum().backward()
    node("lif", 4, 2.0)(y.unflatten(0, (4, -1))).square().sum().backward()
    assert torch.equal(x.grad, y.grad) and x.grad.abs().sum() > 0


@pytest.mark.parametrize("tau", TAUS)
@pytest.mark.parametrize("steps", [1, 4])
def test_integer_spikes_are_the_same_in_training_and_coding(steps, tau):
    x = ((drives() * 32).floor() + 0.5) / 32  # between the ties at 0.5 and 2.5, see below
    spike = spike_layer("ilif", steps, tau)
    spike.threshold.data = torch.tensor([0.25, 0.5, 1.0, 2.0, 4.0])
    assert torch.equal(spike.train()(x).detach().round(), spike.eval()(x))


def test_membranes_halfway_between_two_counts_fire_the_same_in_training_and_coding():
    spike, ties = spike_layer("ilif", channels=1), torch.tensor([[0.5], [1.5], [2.5], [3.5]])
    assert torch.equal(spike.train()(ties).detach(), spike.eval()(ties))


@pytest.mark.parametrize("name", CONFIGS)
def test_two_pictures_in_either_order_give_the_same_bytes(name, weights_files):
    loaded = load_weights(weights_files[name], CPU)
    first, second = synthetic_pair(40, 50, seed=1)[0], synthetic_pair(40, 50, seed=2)[0]
    a, b = views.encode_view(loaded, first, 50)[0], views.encode_view(loaded, second, 50)[0]
    assert (views.encode_view(loaded, second, 50)[0], views.encode_view(loaded, first, 50)[0]) == (b, a)
    assert a != b


def test_training_calls_do_not_remember_the_last_input():
    spike = spike_layer("lif", 4).train()
    once = spike(drives(1))
    spike(drives(2))
    assert torch.equal(spike(drives(1)), once)


@pytest.mark.parametrize("kind", ["ilif", "lif", "relu"])
def test_the_state_holds_no_membrane(kind):
    spike = spike_layer(kind, 1 if kind == "relu" else 4)
    spike(drives())
    assert set(spike.state_dict()) == {"offset", "threshold"}


@pytest.mark.parametrize("training", [True, False])
def test_the_relu_twin_stays_on_its_grid(training):
    out = spike_layer("relu").train(training)(drives(high=20.0)) * RELU_STEPS
    assert torch.equal(out, out.round()) and out.min() == 0 and out.max() == RELU_MAX * RELU_STEPS


def test_time_is_folded_into_the_batch_time_first():
    x = torch.arange(6.0).view(3, 2)
    assert torch.equal(spread(x, 4).view(4, 3, 2)[2], x)
    assert torch.equal(mean_over_time(spread(x, 4), 4), x)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_test_weights_make_nearly_every_layer_fire_and_rest(name, weights_files, crop):
    loaded, rates = load_weights(weights_files[name], CPU), []
    layers = [m for m in loaded.model.modules() if isinstance(m, Spike)]
    hooks = [m.register_forward_hook(lambda m, i, out: rates.append((out > 0).double().mean())) for m in layers]
    try:
        codec.decode(codec.encode(*crop, 50, weights=weights_files[name]), weights=weights_files[name])
    finally:
        for hook in hooks:
            hook.remove()
    rates = torch.stack(rates)
    assert ((rates > 0.01) & (rates < 0.99)).double().mean() > 0.9

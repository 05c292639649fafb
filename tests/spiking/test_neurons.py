"""Promises of spiking/neurons.py: neurons are spikingjelly's, spike for spike, and remember nothing between calls."""

from functools import partial

import pytest
import torch
from conftest import CONFIGS, synthetic_pair
from spikingjelly.activation_based import layer, neuron, surrogate

from snncodec.codec import Codec
from snncodec.spiking import neurons
from snncodec.spiking.config import NeuronConfig
from snncodec.spiking.exact_neurons import MAX_COUNT, RELU_LEVELS, RELU_MAX, ExactSpike
from snncodec.spiking.neurons import Spike, ilif_counts

TAUS = (2.0, 4.0)
SHAPE = (4 * 3, 5, 6, 7)  # four time steps of a batch of three


def node(kind, tau):
    """spikingjelly's own neuron."""
    if kind == "ilif":
        return neuron.ILIFNode(tau=tau, step_mode="m")
    return neuron.LIFNode(tau=tau, surrogate_function=surrogate.ATan(), step_mode="m")


def spike_layer(kind, time_steps=1, tau=2.0, channels=5):
    return Spike(channels, NeuronConfig(kind, time_steps, tau))


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
@pytest.mark.parametrize("time_steps", [1, 4])
def test_integer_counts_and_gradients_are_those_of_spikingjelly(counts_function, time_steps, tau):
    x, y = drives().requires_grad_(), drives().requires_grad_()
    zeros, ones = torch.zeros(1, 5, 1, 1), torch.ones(1, 5, 1, 1)
    ours = counts_function(x, zeros, ones, time_steps, tau)
    theirs = node("ilif", tau)(y.unflatten(0, (time_steps, -1))).flatten(0, 1)
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
    node("ilif", 2.0)(y[None]).sum().backward()
    assert torch.equal(x.grad, y.grad)


def test_counts_expanded_to_binary_spikes_give_the_same_convolution():
    torch.manual_seed(0)
    counts = spike_layer("ilif").exact().float()(drives())
    convolution = torch.nn.Conv2d(5, 8, 3, padding=1, bias=False)
    convolution.weight.data = (convolution.weight.data * 2**12).round() / 2**12
    expand, add_up = layer.SpikeCountToBinary(MAX_COUNT).eval(), layer.TemporalBinSum(MAX_COUNT).eval()
    slots = expand(counts[None])
    assert slots.shape[0] == MAX_COUNT and set(slots.unique().tolist()) == {0.0, 1.0}
    events = convolution(slots.flatten(0, 1)).unflatten(0, (MAX_COUNT, -1))
    assert torch.equal(add_up(events)[0], convolution(counts))


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("tau", TAUS)
def test_lif_spikes_are_spikingjellys(tau, exact):
    x = (drives() * 16).round() / 16  # on dyadic inputs spikingjelly's float arithmetic is exact, too
    spike = spike_layer("lif", 4, tau)
    spikes = (spike.exact().float() if exact else spike)(x)
    assert torch.equal(spikes, node("lif", tau)(x.unflatten(0, (4, -1))).flatten(0, 1))
    assert 0.05 < spikes.mean() < 0.95


def test_lif_gradients_are_spikingjellys():
    x, y = drives().requires_grad_(), drives().requires_grad_()
    spike_layer("lif", 4)(x).square().sum().backward()
    node("lif", 2.0)(y.unflatten(0, (4, -1))).square().sum().backward()
    assert torch.equal(x.grad, y.grad) and x.grad.abs().sum() > 0


@pytest.mark.parametrize("name", CONFIGS)
def test_two_pictures_in_either_order_give_the_same_bytes(name, weights_files):
    encode = partial(Codec(weights_files[name], "cpu").encode, independent=True)
    first, second = synthetic_pair(40, 50, seed=1), synthetic_pair(40, 50, seed=2)
    a, b = encode(*first), encode(*second)
    assert (encode(*second), encode(*first)) == (b, a)
    assert a != b


@pytest.mark.parametrize(("kind", "time_steps"), [("ilif", 4), ("lif", 4), ("relu", 1)])
def test_calls_do_not_remember_the_last_input(kind, time_steps):
    spike = spike_layer(kind, time_steps)
    for fire in (spike, spike.exact().float()):
        once = fire(drives(1))
        fire(drives(2))
        assert torch.equal(fire(drives(1)), once)


@pytest.mark.parametrize(("kind", "time_steps"), [("ilif", 4), ("lif", 4), ("relu", 1)])
def test_the_state_holds_no_membrane(kind, time_steps):
    spike = spike_layer(kind, time_steps)
    for fire in (spike, spike.exact().float()):
        fire(drives())
        assert set(fire.state_dict()) == {"offset", "threshold"}


@pytest.mark.parametrize("exact", [False, True])
def test_the_relu_twin_stays_on_its_grid(exact):
    spike = spike_layer("relu")
    out = (spike.exact().float() if exact else spike)(drives(high=20.0)) * RELU_LEVELS
    assert torch.equal(out, out.round()) and out.min() == 0 and out.max() == RELU_MAX * RELU_LEVELS


@pytest.mark.parametrize("name", CONFIGS)
def test_the_test_weights_make_nearly_every_layer_fire_and_rest(name, weights_files, crop):
    codec, rates = Codec(weights_files[name], "cpu"), []
    layers = [m for m in codec.loaded.codec.modules() if isinstance(m, ExactSpike)]
    hooks = [m.register_forward_hook(lambda m, i, out: rates.append((out > 0).double().mean())) for m in layers]
    try:
        codec.decode(codec.encode(*crop))
    finally:
        for hook in hooks:
            hook.remove()
    rates = torch.stack(rates)
    assert ((rates > 0.01) & (rates < 0.99)).double().mean() > 0.9

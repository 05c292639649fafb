"""Promises of spiking/exact_neurons.py: spikes and counts are those of integer arithmetic, and those of training."""

import pytest
import torch
from conftest import CONFIGS

from snncodec.spiking.config import NeuronConfig
from snncodec.spiking.exact_neurons import MIN_THRESHOLD, RELU_LEVELS, RELU_MAX, ExactSpike
from snncodec.spiking.fixed_point import FRACTION_BITS
from snncodec.spiking.neurons import Spike

UNITS = 2**FRACTION_BITS
TIES = (0.5, 1.5, 2.5, 3.5)  # voltages in thresholds that lie halfway between two counts; they go to the even one
DTYPES = [torch.float32, torch.float64]
NEURONS = {name: config.spiking for name, config in CONFIGS.items()}
SPIKING = {
    **{name: neuron for name, neuron in NEURONS.items() if neuron.kind != "relu"},
    "ilif in four steps": NeuronConfig("ilif", 4, 4.0),
    "ilif with a slow leak": NeuronConfig("ilif", 2, 16 / 3),
    "lif with a fast leak": NeuronConfig("lif", 2, 16 / 15),
}


def counts_by_comparison(voltage, threshold):
    """Counts 0..4 of voltages, without a division or a rounding."""
    ties = [tie * threshold for tie in TIES]
    return sum(compared.to(voltage.dtype) for compared in (
        voltage > ties[0], voltage >= ties[1], voltage > ties[2], voltage >= ties[3],
    ))  # fmt: skip


def neuron_layer(neuron, offset, threshold):
    """A `Spike` with these numbers."""
    spike = Spike(len(threshold), neuron)
    spike.offset.data, spike.threshold.data = offset.float(), threshold.float()
    return spike


def integer_run(neuron, threshold, batch=400, seed=0):
    """Currents [T * batch, C] in units that bring voltages to within a unit of where a spike more is fired, and spikes.

    `threshold`, int64 [C], is in units, too. All in integers: in time step t voltages are multiples of unit**-t.
    """
    generator = torch.Generator().manual_seed(seed)
    unit = next(unit for unit in (2, 4, 8, 16) if (unit / neuron.tau).is_integer())
    leak, lif, fine = round(unit / neuron.tau), neuron.kind == "lif", 1
    voltage, currents, out = torch.zeros(batch, len(threshold), dtype=torch.int64), [], []
    for time_step in range(neuron.time_steps):
        rest = voltage * (unit - leak if time_step or lif else 1)
        fine *= unit if time_step or lif else 1
        weight = fine // unit * leak if lif else fine  # of the current
        level = 2 if lif else 1 + 2 * torch.randint(0, 4, voltage.shape, generator=generator)
        jitter = torch.randint(-1, 2, voltage.shape, generator=generator)
        current = (level * threshold // 2 * fine - rest).div(weight, rounding_mode="floor") + jitter
        voltage = rest + weight * current
        spikes = (voltage >= threshold * fine).long() if lif else counts_by_comparison(voltage, threshold * fine)
        voltage = voltage * (1 - spikes) if lif else voltage - spikes * threshold * fine
        currents.append(current)
        out.append(spikes)
    return torch.cat(currents), torch.cat(out)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tie", TIES)
def test_counts_are_those_of_comparisons_next_to_every_tie_of_every_threshold(tie, dtype):
    beside = torch.arange(-2, 3)[:, None] / UNITS  # counts grow with the voltage: these places decide all others
    for threshold in (torch.arange(MIN_THRESHOLD * UNITS // 2, 2**10 * UNITS // 2) * 2 / UNITS).split(2**18):
        voltage, threshold = (tie * threshold + beside).to(dtype), threshold.to(dtype)
        exact = ExactSpike(torch.zeros(1, dtype=dtype), threshold, NeuronConfig("ilif", 1))
        assert torch.equal(exact(voltage), counts_by_comparison(voltage, threshold))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threshold", [1 / 16, 131 / 2048, 0.5, 1.0, 1.5, 2047 / 2048, 7 + 11 / 2048])
def test_counts_are_those_of_comparisons_for_every_voltage(threshold, dtype):
    voltage = torch.arange(-threshold * UNITS, 5 * threshold * UNITS, dtype=dtype)[:, None] / UNITS
    spike = neuron_layer(NeuronConfig("ilif", 1), torch.zeros(1), torch.tensor([threshold])).to(dtype)
    expected = counts_by_comparison(voltage, threshold)
    assert torch.equal(spike.exact().to(dtype)(voltage), expected)
    assert torch.equal(spike(voltage).detach(), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SPIKING)
def test_spikes_are_those_of_integer_arithmetic_whatever_the_thresholds(name, dtype):
    threshold = 2 * torch.randint(128, 4097, (500,), generator=torch.Generator().manual_seed(1))
    currents, expected = integer_run(SPIKING[name], threshold)
    spike = neuron_layer(SPIKING[name], torch.zeros(500), threshold / UNITS)
    assert torch.equal(spike.exact().to(dtype)(currents.to(dtype) / UNITS), expected.to(dtype))
    assert len(expected.unique()) == (2 if SPIKING[name].kind == "lif" else 5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in SPIKING if (16 / SPIKING[name].tau) in (2, 4, 8)])
def test_a_neuron_fires_the_same_in_training_and_coding(name, dtype):
    # Training divides by the threshold first, which is exact for powers of two, and then adds in ordinary floats.
    threshold = 2 ** torch.arange(8, 15)
    offset = torch.randint(-9999, 9999, (7,), generator=torch.Generator().manual_seed(1))
    currents, expected = integer_run(SPIKING[name], threshold)
    spike = neuron_layer(SPIKING[name], offset / UNITS, threshold / UNITS).to(dtype)
    membrane = (currents - offset).to(dtype) / UNITS
    assert torch.equal(spike(membrane).detach(), expected.to(dtype))
    assert torch.equal(spike.exact().to(dtype)(membrane), expected.to(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_relu_twin_fires_the_same_in_training_and_coding_and_as_integers_do(dtype):
    membrane, level = torch.arange(-3 * UNITS, 20 * UNITS), UNITS // RELU_LEVELS
    clipped = membrane.add(77).clamp(0, RELU_MAX * UNITS)
    levels, rest = clipped // level, clipped % level
    expected = levels + (2 * rest > level).long() + ((2 * rest == level) & (levels % 2 == 1)).long()
    spike = neuron_layer(NEURONS["relu"], torch.tensor([77 / UNITS]), torch.ones(1)).to(dtype)
    for fire in (spike, spike.exact().to(dtype)):
        assert torch.equal(fire(membrane[:, None].to(dtype) / UNITS).detach()[:, 0] * RELU_LEVELS, expected.to(dtype))


@pytest.mark.parametrize("sixteenths", range(1, 16))
@pytest.mark.parametrize("dtype", DTYPES)
def test_lif_spikes_are_those_of_integer_arithmetic_for_every_leak(sixteenths, dtype):
    fires_at = sixteenths * torch.arange(1, 10)  # in sixteenths: what integers 1 to 9 reach in one step
    spike = neuron_layer(NeuronConfig("lif", 4, 16 / sixteenths), torch.zeros(9), fires_at / 16)
    current = torch.randint(-3, 12, (4, 50, 9), generator=torch.Generator().manual_seed(1))
    voltage, expected = torch.zeros(50, 9, dtype=torch.int64), []
    for time_step in range(4):  # voltages in units of 16**-(time_step + 1), so that the leak is a whole number
        voltage = 16 * voltage + sixteenths * (current[time_step] * 16**time_step - voltage)
        spikes = voltage >= fires_at * 16**time_step
        voltage = voltage * ~spikes
        expected.append(spikes)
    assert torch.equal(spike.exact().to(dtype)(current.flatten(0, 1).to(dtype)), torch.cat(expected).to(dtype))


@pytest.mark.parametrize("tau", [2.0, 4.0])
@pytest.mark.parametrize("time_steps", [1, 4])
def test_integer_spikes_are_the_same_in_training_and_coding(time_steps, tau):
    torch.manual_seed(0)
    x = (torch.empty(12, 5, 6, 7).uniform_(-2, 6).mul(32).floor() + 0.5) / 32
    thresholds = torch.tensor([0.25, 0.5, 1.0, 2.0, 4.0])
    spike = neuron_layer(NeuronConfig("ilif", time_steps, tau), torch.zeros(5), thresholds)
    assert torch.equal(spike(x).detach().round(), spike.exact().float()(x))


def test_membranes_halfway_between_two_counts_go_to_the_even_one():
    spike, ties = Spike(1, NeuronConfig()), torch.tensor([TIES]).T
    for fire in (spike, spike.exact().float()):
        assert fire(ties).detach().flatten().tolist() == [0, 2, 2, 4]


def test_half_of_a_snapped_threshold_is_still_on_the_grid():
    spike = neuron_layer(NEURONS["ilif"], torch.zeros(4), torch.tensor([0.0, 0.1, 1.23457, -5.0]))
    exact = spike.exact()
    halves = exact.threshold / 2 * UNITS
    assert torch.equal(halves, halves.round()) and exact.threshold.min() == MIN_THRESHOLD

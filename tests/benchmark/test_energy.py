"""Promises of snncodec.benchmark.energy: formulas and constants are those that are named."""

import pytest

from snncodec.benchmark import energy
from snncodec.benchmark.energy import costs
from snncodec.benchmark.spikes import Convolution, Network, NeuronLayer
from snncodec.spiking.config import NeuronConfig


@pytest.fixture
def network():
    """20 neurons that fire 30 times, whose spikes come to one convolution; another one takes real numbers."""
    layer = NeuronLayer("spike", NeuronConfig(), [5, 5, 5, 5, 0])
    spiking = Convolution("conv", weight_bits=10, input_bits=3, source="spike", connections=400, nonzero=150)
    spiking.accumulates, spiking.biases = 300, 40
    real = Convolution("stem", weight_bits=8, input_bits=10, connections=100, nonzero=50, biases=20)
    return Network({"spike": layer}, {"conv": spiking, "stem": real})


def test_energy_is_that_of_accumulates_and_multiply_accumulates(network):
    found = costs([network], pixels=10)
    assert (found["accumulates"], found["macs"]) == (30, 5)
    assert found["pj"] == pytest.approx(0.9 * 30 + 4.6 * 5)
    assert found["twin_pj"] == pytest.approx(4.6 * 20) and found["twin_pj_dense"] == pytest.approx(4.6 * 50)


def test_memory_is_read_for_every_operation_and_output_and_membranes_are_written_too(network):
    found = costs([network], pixels=1)
    assert found["accesses"] == (300 + 50) + (40 + 20) + 2 * 4 * 20  # weights, biases, membranes in four binary steps
    assert found["twin_accesses"] == 200 + 60 and found["twin_accesses_dense"] == 500 + 60
    assert found["pj_memory"] - found["pj"] == pytest.approx(24.96 * 4 * found["accesses"])


def test_bit_operations_are_products_of_bits(network):
    found = costs([network], pixels=1)
    assert found["bits"] == 10 * 300 + 8 * 10 * 50
    assert found["quantised_bits"] == 10 * 3 * 150 + 8 * 10 * 50
    assert found["quantised_bits_dense"] == 10 * 3 * 400 + 8 * 10 * 100


def test_networks_add_up(network):
    assert costs([network, network], pixels=2) == costs([network], pixels=1)


def test_constants_are_those_of_spikingjelly():
    from spikingjelly.activation_based.op_counter import SimpleEnergyCostConfig

    theirs = SimpleEnergyCostConfig.fp32()
    assert theirs.e_mac_pj == energy.E_MAC
    assert theirs.e_ac_pj == energy.E_AC
    assert theirs.e_memory_pj_per_byte == energy.E_BYTE

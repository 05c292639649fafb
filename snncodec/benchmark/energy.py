"""What the operations of spiking networks would cost in hardware, beside two readings of the same networks: estimates.

Operations that spikes.py counted come in; operations, memory accesses, energy and bit operations per pixel go out.

- spiking: an accumulate for every spike and every weight it meets; a multiply-accumulate where real numbers come in
  that are not zero.
- relu twin: the same network whose counts are read as real numbers, with a multiply-accumulate for every input that is
  not zero, or for every connection.
- quantised: the same network whose counts are read as numbers of 3 bits (0..4), for either.

energy = E_AC * accumulates + E_MAC * multiply-accumulates, and with memory + E_BYTE * 4 bytes * accesses. Accesses are
those of spikingjelly's op_counter: a weight for each operation, a bias for each output, and the membrane of each
neuron, read and written in each binary step; the twin has no membranes. Activations on their way are in neither.
Bit operations are bits of the weight times bits of the input, one for a spike. Additions are not counted there.
"""

from __future__ import annotations

from collections.abc import Iterable

from snncodec.benchmark.spikes import Network

E_MAC, E_AC = 4.6, 0.9  # pJ of a float32 multiply-accumulate, an add: 45 nm, Horowitz, ISSCC 2014
E_BYTE = 24.96  # pJ of a byte to or from memory: 3.12 pJ a bit, as in STEP (2025) and spikingjelly's op_counter
WORD = 4  # bytes of a weight, bias or membrane
CONSTANTS = {"mac_pj": E_MAC, "accumulate_pj": E_AC, "memory_pj_per_byte": E_BYTE, "bytes_per_access": WORD}


def costs(networks: Iterable[Network], pixels: int) -> dict[str, float]:
    """Of some networks together, per pixel."""
    networks = list(networks)
    work = [made for network in networks for made in network.convolutions.values()]
    spiking = [made for made in work if made.source is not None]
    real = [made for made in work if made.source is None]
    biases, biases_in_steps = sum(made.biases for made in work), sum(made.biases * made.time_steps for made in work)
    membranes = 2 * sum(layer.binary_steps for network in networks for layer in network.neurons.values())
    accumulates, macs = sum(made.accumulates for made in spiking), sum(made.nonzero for made in real)
    nonzero, dense = sum(made.nonzero for made in work), sum(made.connections for made in work)
    total: dict[str, float] = {"accumulates": accumulates, "macs": macs}
    total["accesses"] = accumulates + macs + biases_in_steps + membranes
    total["pj"] = E_AC * accumulates + E_MAC * macs
    total["twin_macs"], total["twin_macs_dense"] = nonzero, dense
    total["twin_accesses"], total["twin_accesses_dense"] = nonzero + biases, dense + biases
    total["twin_pj"], total["twin_pj_dense"] = E_MAC * nonzero, E_MAC * dense
    for name, bytes_moved in (
        ("pj", "accesses"),
        ("twin_pj", "twin_accesses"),
        ("twin_pj_dense", "twin_accesses_dense"),
    ):
        total[f"{name}_memory"] = total[name] + E_BYTE * WORD * total[bytes_moved]
    real_bits = sum(made.weight_bits * made.input_bits * made.nonzero for made in real)
    total["bits"] = real_bits + sum(made.weight_bits * made.accumulates for made in spiking)
    total["quantised_bits"] = sum(made.weight_bits * made.input_bits * made.nonzero for made in work)
    total["quantised_bits_dense"] = sum(made.weight_bits * made.input_bits * made.connections for made in work)
    return {name: value / pixels for name, value in total.items()}

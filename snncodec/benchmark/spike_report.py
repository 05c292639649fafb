"""What `count_spikes` returns comes in; tables on a console go out, and what may not be read into them.

Nothing is counted here. Tables leave out their last columns where the console is narrow.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console

from snncodec.benchmark.report import Columns, fitted

OPERATIONS: Columns = {
    "network": ("network", ""),
    "accum.": ("accumulates", ",.0f"),
    "MAC": ("macs", ",.0f"),
    "twin MAC": ("twin_macs", ",.0f"),
    "twin, dense": ("twin_macs_dense", ",.0f"),
    "accesses": ("accesses", ",.0f"),
    "twin's": ("twin_accesses", ",.0f"),
    "twin's, dense": ("twin_accesses_dense", ",.0f"),
}
ENERGY: Columns = {
    "network": ("network", ""),
    "spikes": ("pj", ",.2f"),
    "twin": ("twin_pj", ",.2f"),
    "twin, dense": ("twin_pj_dense", ",.2f"),
    "spikes + memory": ("pj_memory", ",.0f"),
    "twin + memory": ("twin_pj_memory", ",.0f"),
    "dense + memory": ("twin_pj_dense_memory", ",.0f"),
}
BITS: Columns = {
    "network": ("network", ""),
    "spikes": ("bits", ",.0f"),
    "quantised": ("quantised_bits", ",.0f"),
    "dense": ("quantised_bits_dense", ",.0f"),
}
REAL: Columns = {
    "layer": ("layer", ""),
    "MAC/px": ("macs", ",.2f"),
    "not zero": ("nonzero", ".1%"),
}


def print_spikes(spikes: dict[str, Any], console: Console) -> None:
    """Print a table of neurons per network, one of layers that no spikes reach, costs of all, and how to read them."""
    for title, network in spikes["networks"].items():
        if network["neurons"]:
            console.print(_neurons(title, network, spikes, console))
    console.print(_real_inputs(spikes, console))
    totals = [{"network": title} | network["per_pixel"] for title, network in spikes["networks"].items()]
    totals.append({"network": "all"} | spikes["per_pixel"])
    nano = [{key: value / 1000 if "pj" in key else value for key, value in record.items()} for record in totals]
    console.print(fitted("Operations and memory accesses per pixel", OPERATIONS, totals, console))
    console.print(fitted("Estimated energy per pixel, nJ", ENERGY, nano, console))
    console.print(fitted("Bit operations per pixel", BITS, totals, console))
    for line in notes(spikes):
        console.print(line, style="dim", markup=False, highlight=False)


def notes(spikes: dict[str, Any]) -> list[str]:
    """How to read the tables, in sentences."""
    costs, bits = spikes["constants"], spikes["quantised_bits"]
    lines = [
        f"Spikes were counted while {spikes['pairs']} of {spikes['of_pairs']} pairs were decoded at quality "
        f"{spikes['quality']} (the middle one); figures are means over all of their pixels, of both views.",
        "This is a simulation: on CPUs and GPUs nothing is saved. The energies are estimates for hardware that nobody "
        "has measured, and leave out the linear transform, the prediction, the range coder and the routing of spikes.",
    ]
    if spikes["neuron"] == "ilif" and spikes["time_steps"] == 1:
        lines.append(
            "With T = 1 a neuron is a quantiser of five levels (0 to 4), which spike-driven hardware runs as four "
            "binary steps. A network quantised to 3 bits computes the same."
        )
    elif spikes["time_steps"] > 1:
        lines.append(
            f"The twin and the quantised network would do once what spikes take T = {spikes['time_steps']} time steps "
            "for; with the leak and the reset between them, they would not compute quite the same."
        )
    return [
        *lines,
        "rate: mean count per neuron and time step. silent: the share of neurons, channels times places, that did not "
        "fire. Columns 0, 1, ...: the share that fired so often. accum./px: additions that its spikes cause.",
        "twin: the same network, its counts read as real numbers, with a multiply-accumulate (MAC) for every input "
        "that is not zero; dense: for every connection. Real-valued inputs that are zero cost spikes and twin nothing.",
        f"energy = {costs['accumulate_pj']} pJ x accumulates + {costs['mac_pj']} pJ x MAC (45 nm, float32, Horowitz "
        f"2014); + memory: {costs['memory_pj_per_byte']} pJ x {costs['bytes_per_access']} bytes x accesses (3.12 pJ a "
        "bit, as in STEP and spikingjelly's op_counter).",
        "accesses: a weight for each operation, a bias for each output, and each membrane, read and written in each "
        "binary step; no caches.",
        f"quantised: the same network with {bits}-bit activations. A bit operation is a bit of a weight times a bit of "
        "an input (1 of a spike); additions are not among them: spikes cause accum., the quantised network twin MAC.",
    ]


def _neurons(title: str, network: dict[str, Any], spikes: dict[str, Any], console: Console) -> Any:
    columns: Columns = {"layer": ("layer", ""), "rate": ("rate", ".3f"), "silent": ("silent", ".1%")}
    columns["accum./px"] = ("accumulates", ",.1f")
    columns |= {str(count): (str(count), ".1%") for count in range(len(network["neurons"][0]["histogram"]))}
    records = []
    for layer in network["neurons"]:
        fed = [made for made in network["convolutions"] if made["source"] == layer["layer"]]
        shares = {str(count): number / max(1, layer["neurons"]) for count, number in enumerate(layer["histogram"])}
        accumulates = sum(made["accumulates"] for made in fed) / spikes["pixels"]
        records.append(layer | shares | {"accumulates": accumulates})
    return fitted(f"Spikes of the {title}", columns, records, console)


def _real_inputs(spikes: dict[str, Any], console: Console) -> Any:
    """Layers with real-valued inputs."""
    records = [
        {"layer": f"{title}: {made['layer']}", "macs": made["nonzero"] / spikes["pixels"]}
        | {"nonzero": made["nonzero"] / made["connections"] if made["connections"] else None}
        for title, network in spikes["networks"].items()
        for made in network["convolutions"]
        if made["source"] is None
    ]
    return fitted("Layers with real-valued inputs", REAL, records, console)

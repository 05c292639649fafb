"""How a neuron computes: spiking neurons, fixed-point layers, and the proof that they are exact."""

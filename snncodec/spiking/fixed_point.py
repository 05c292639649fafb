"""Normative. Fixed-point numbers in floats, and why the decoder computes alike on every machine.

Weights, biases, thresholds and membranes are multiples of 2**-12 and inputs are small integers, so every partial sum
is an integer times 2**-12. Below 2**24 (float32) or 2**53 (float64) such sums carry no rounding error, and then neither
the order of additions, nor the thread count, nor the kernel can change them. The idea is that of Balle, Johnston and
Minnen, "Integer Networks for Data Compression with Latent-Variable Models", ICLR 2019; spike counts make it cheap.
That the sums of given weights stay below is proved in proof.py.
"""

from __future__ import annotations

from torch import Tensor

FRACTION_BITS = 12


def snap(x: Tensor, bits: int = FRACTION_BITS) -> Tensor:
    """The nearest multiple of 2**-bits; exact for any float whose magnitude times 2**bits is below 2**52 (float64)."""
    return (x * 2.0**bits).round_().mul_(2.0**-bits)


def snap_(x: Tensor, bits: int = FRACTION_BITS) -> Tensor:
    """`snap`, in place."""
    return x.mul_(2.0**bits).round_().mul_(2.0**-bits)


def on_grid(x: Tensor, bits: int = FRACTION_BITS) -> bool:
    """Whether all numbers are multiples of 2**-bits."""
    return bool((x == snap(x, bits)).all())


def snap_through(x: Tensor, bits: int = FRACTION_BITS) -> Tensor:
    """`snap` with the gradient of the identity (straight-through), for quantisation-aware training."""
    snapped = snap(x.detach(), bits)
    return x + (snapped - x.detach()) if x.requires_grad else snapped

"""Promises of model/lapped_transform.py: what is linear is invertible, and files are decoded by what was trained."""

import math

import pytest
import torch
from conftest import CONFIGS, CPU, TINY
from hypothesis import given, settings, strategies

from snncodec.constants import BLOCK, CHROMA_ANGLES
from snncodec.errors import WeightsError
from snncodec.model.lapped_transform import (
    COEFFICIENTS,
    LATENT_MAX,
    LINEAR_BITS,
    OVERLAP,
    PIXEL_BITS,
    ExactLappedTransform,
    LappedTransform,
    chroma_turn,
    dct_matrix,
)
from snncodec.model.quality import STEP_BITS
from snncodec.model.shipped_weights import load_weights
from snncodec.model.weights import trainable
from snncodec.spiking.arithmetic import exact_arithmetic
from snncodec.training.initial_transform import lapped_filter

SIZES = strategies.integers(1, 5).map(lambda blocks: blocks * BLOCK)


@pytest.fixture(scope="module")
def complete():
    """A transform with all 768 channels, in some order, and some rotation of colours."""
    transform = LappedTransform.unlapped(3 * COEFFICIENTS).double()
    generator = torch.Generator().manual_seed(0)
    transform.filter.copy_(lapped_filter(iterations=30))
    transform.colours.copy_(torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64)).Q)
    transform.order = torch.randperm(3 * COEFFICIENTS, generator=generator).int()
    return transform


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 50


def test_the_stored_dct_is_the_dct_rounded_and_all_but_orthonormal():
    points = torch.arange(BLOCK, dtype=torch.float64)
    angles = math.pi / BLOCK * points[:, None] * (points + 0.5)
    expected = torch.cos(angles) * (2 / BLOCK) ** 0.5
    expected[0] /= 2**0.5
    assert torch.equal(dct_matrix(), (expected * 2**LINEAR_BITS).round() / 2**LINEAR_BITS)
    assert torch.allclose(dct_matrix() @ dct_matrix().T, torch.eye(BLOCK, dtype=torch.float64), atol=2e-4)


@settings(max_examples=15)
@given(SIZES, SIZES, strategies.integers(0, 99))
@pytest.mark.parametrize("exact", [False, True])
def test_analysis_then_synthesis_is_the_identity(complete, exact, height, width, seed):
    transform, pixels = complete.exact() if exact else complete, noise(2, 3, height, width, seed=seed).round()
    latents = transform.analysis(pixels)
    assert latents.shape == (2, 768, height // BLOCK, width // BLOCK)
    assert torch.allclose(transform.synthesis(latents), pixels, atol=0.1)
    assert torch.allclose(latents.square().sum(), pixels.square().sum(), rtol=2e-3)


def test_angles_are_half_a_turn_in_32_steps_around_zero():
    for angle in range(CHROMA_ANGLES):
        radians = math.pi / 32 * (angle if angle < 8 else angle - 16)
        assert chroma_turn(angle) == (
            round(math.cos(radians) * 2**14) / 2**14,
            round(math.sin(radians) * 2**14) / 2**14,
        )


@pytest.mark.parametrize("angle", range(CHROMA_ANGLES))
def test_a_turned_transform_mixes_the_chroma_axes_and_is_still_the_inverse_of_itself(complete, angle):
    exact, pixels = complete.exact(), noise(1, 3, 32, 48).round()
    turned, (cosine, sine) = exact.turned(angle), chroma_turn(angle)
    turned.prove()
    luma, first, second = exact.colours
    expected = torch.stack([luma, cosine * first + sine * second, cosine * second - sine * first])
    assert torch.allclose(turned.colours, expected, atol=2**-LINEAR_BITS)
    assert torch.equal(turned.colours * 2**LINEAR_BITS, (turned.colours * 2**LINEAR_BITS).round())
    assert torch.allclose(turned.synthesis(turned.analysis(pixels)), pixels, atol=0.1)


@pytest.mark.parametrize("exact", [False, True])
def test_the_analysis_is_the_transposed_synthesis(complete, exact):
    transform = complete.exact() if exact else complete
    latents, pixels = noise(1, 768, 2, 3).round(), noise(1, 3, 32, 48, seed=1).round()
    one, other = (transform.synthesis(latents) * pixels).sum(), (latents * transform.analysis(pixels)).sum()
    assert torch.allclose(one, other, rtol=0, atol=1e-4 * float(latents.norm() * pixels.norm()))


def test_each_channel_is_one_frequency_of_one_colour(complete):
    number = 300
    colour, down, across = (int(x) for x in torch.unravel_index(complete.order[number], (3, BLOCK, BLOCK)))
    latents = torch.zeros(1, 768, 1, 1, dtype=torch.float64)
    latents[0, number] = 100
    wave = torch.outer(dct_matrix()[down], dct_matrix()[across])
    expected = 100 * complete.colours[colour][:, None, None] * wave
    assert torch.allclose(complete.synthesis(latents)[0], expected, atol=1e-9)


def test_filters_reach_half_a_block_over_borders_and_leave_the_image_border_alone(complete):
    pixels = noise(1, 3, 48, 64)
    changed = (complete._lap(pixels.clone(), complete.filter) - pixels).abs().amax((0, 1)) > 1e-9
    inner = slice(OVERLAP, -OVERLAP)
    assert changed[inner].all() and changed[:, inner].all()
    for rows in (slice(None, OVERLAP), slice(-OVERLAP, None)):
        for columns in (slice(None, OVERLAP), slice(-OVERLAP, None)):
            assert not changed[rows, columns].any()


def test_a_single_block_has_no_border_to_filter(complete):
    pixels = noise(1, 3, BLOCK, BLOCK)
    assert torch.equal(complete._lap(pixels.clone(), complete.filter), pixels)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_transform_that_codes_is_the_one_that_was_trained_with(name, weights_files):
    trained = trainable(load_weights(weights_files[name], CPU)).transform.double()
    latents = (noise(1, TINY.N2, 3, 4) * 64).round() / 64
    decoded = trained.exact().synthesis(latents)
    assert torch.allclose(decoded, trained.synthesis(latents), atol=0.02)
    assert torch.equal(decoded * 256, (decoded * 256).round())


def test_both_directions_are_exact(loaded, threads):
    transform = loaded.codec.transform
    latents = (noise(2, TINY.N2, 4, 5) * 2**15).round().clamp(-(2**26), 2**26) / 64
    pixels = torch.randint(-128, 128, (2, 3, 64, 80), generator=torch.Generator().manual_seed(1)).double()
    for function, numbers in ((transform.synthesis, latents), (transform.analysis, pixels)):
        with exact_arithmetic():
            threads(1)
            expected = function(numbers)
            threads(2)
            assert torch.equal(function(numbers), expected)
            assert torch.equal(function(numbers[1:]), expected[1:])


def rounded(matrix, x, dim):
    """matrix @ x along a dimension of int64 numbers in units of 1/256, rounded to them, halves to even numbers."""
    product = torch.tensordot((matrix * 2**LINEAR_BITS).long(), x, ([1], [dim])).movedim(0, dim)
    return (product.double() / 2**LINEAR_BITS).round().long()


@pytest.mark.parametrize("largest", [False, True])
def test_pixels_are_those_of_integer_arithmetic(loaded, largest):
    transform, shape = loaded.codec.transform, (1, TINY.N2, 1, 1)
    latents = noise(*shape).sign() * LATENT_MAX if largest else (noise(*shape) * 2**STEP_BITS).round() / 2**STEP_BITS
    with exact_arithmetic():
        pixels = transform.synthesis(latents)  # one block: nothing to filter
    blocks = torch.zeros(3 * COEFFICIENTS, dtype=torch.int64)
    blocks[transform.order.long()] = (latents.flatten() * 2**PIXEL_BITS).long()
    expected = rounded(dct_matrix().T, blocks.view(3, BLOCK, BLOCK), 2)
    expected = rounded(dct_matrix().T, expected, 1)
    expected = rounded(transform.colours.T, expected, 0)
    assert torch.equal(pixels[0] * 2**PIXEL_BITS, expected.double())


def test_filtered_pixels_are_those_of_integer_arithmetic(loaded):
    transform, pixels = loaded.codec.transform, (noise(1, 3, 32, 16) * 256).round()
    with exact_arithmetic():
        filtered = transform._lap(pixels.clone(), transform.filter)
    inner = rounded(transform.filter, pixels[:, :, OVERLAP:-OVERLAP].long(), 2)
    assert torch.equal(filtered[:, :, OVERLAP:-OVERLAP], inner.double())


@pytest.mark.parametrize("order", [[0, 1, 1], [0, 1, -1], [0, 1, 768]])
def test_an_order_that_does_not_name_each_channel_once_is_refused(order):
    transform = ExactLappedTransform(torch.eye(16).double(), torch.eye(3).double(), torch.tensor(order).int())
    with pytest.raises(WeightsError, match="each of its channels once"):
        transform.prove()

"""Promises of model/lapped_transform.py: what is linear is invertible, and files are decoded by what was trained."""

import copy

import pytest
import torch
from conftest import CONFIGS, CPU, TINY
from hypothesis import given, settings, strategies

from snncodec.constants import BLOCK
from snncodec.model.config import ModelConfig
from snncodec.model.lapped_transform import (
    LATENT_MAX,
    LINEAR_BITS,
    OVERLAP,
    PIXEL_BITS,
    Analysis,
    Synthesis,
    lap,
    lap_rows,
)
from snncodec.model.quality import STEP_BITS
from snncodec.model.shipped_weights import load_weights
from snncodec.model.weights import trainable
from snncodec.spiking.arithmetic import exact_arithmetic
from snncodec.training.initial_transform import lapped_filter

SIZES = strategies.integers(1, 5).map(lambda blocks: blocks * BLOCK)
COMPLETE = ModelConfig(M=8, prior_width=16)


@pytest.fixture(scope="module")
def complete():
    """A complete, orthogonal A and its B."""
    across = lapped_filter(iterations=30)
    basis = torch.linalg.qr(torch.randn(768, 768, generator=torch.Generator().manual_seed(0))).Q
    analysis, synthesis = Analysis(COMPLETE), Synthesis(COMPLETE)
    with torch.no_grad():
        for kernel, value in zip(analysis.parameters(), (across, basis.T), strict=True):
            kernel.copy_(value)
        for kernel, value in zip(synthesis.parameters(), (basis, across.T), strict=True):
            kernel.copy_(value)
    return analysis.double(), synthesis.double()


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 50


@settings(max_examples=15)
@given(SIZES, SIZES, strategies.integers(0, 99))
def test_analysis_then_synthesis_is_the_identity(complete, height, width, seed):
    analysis, synthesis = complete
    pixels = noise(2, 3, height, width, seed=seed)
    latents = analysis(pixels)
    assert latents.shape == (2, 768, height // BLOCK, width // BLOCK)
    assert torch.allclose(synthesis(latents), pixels, atol=1e-3)
    assert torch.allclose(latents.square().sum(), pixels.square().sum())


@pytest.mark.parametrize("exact", [False, True])
def test_the_adjoint_is_that_of_the_synthesis(complete, exact):
    synthesis = complete[1].exact() if exact else complete[1]
    latents, pixels = noise(1, 768, 2, 3).round(), noise(1, 3, 32, 48, seed=1).round()
    one, other = (synthesis(latents) * pixels).sum(), (latents * synthesis.adjoint(pixels)).sum()
    assert torch.allclose(one, other, rtol=0, atol=1e-4 * float(latents.norm() * pixels.norm()))


def test_filters_reach_half_a_block_over_borders_and_leave_the_image_border_alone():
    across, pixels = lapped_filter(iterations=30).double(), noise(1, 3, 48, 64)
    changed = (lap(pixels, across) - pixels).abs().amax((0, 1)) > 1e-9
    inner = slice(OVERLAP, -OVERLAP)
    assert changed[inner].all() and changed[:, inner].all()
    for rows in (slice(None, OVERLAP), slice(-OVERLAP, None)):
        for columns in (slice(None, OVERLAP), slice(-OVERLAP, None)):
            assert not changed[rows, columns].any()


def test_a_single_block_has_no_border_to_filter():
    pixels = noise(1, 3, BLOCK, BLOCK)
    assert torch.equal(lap(pixels, lapped_filter(iterations=2).double()), pixels)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_synthesis_that_decodes_is_the_one_that_was_trained(name, weights_files):
    trained = trainable(load_weights(weights_files[name], CPU)).decoder.synthesis.double()
    latents = (noise(1, TINY.N2, 3, 4) * 64).round() / 64
    decoded = trained.exact()(latents)
    assert torch.allclose(decoded, trained(latents), atol=0.02)
    assert torch.equal(decoded * 256, (decoded * 256).round())


def test_the_synthesis_that_decodes_is_exact(loaded, threads):
    latents = (noise(2, TINY.N2, 4, 5) * 2**15).round().clamp(-(2**26), 2**26) / 64
    with exact_arithmetic():
        threads(1)
        expected = loaded.codec.decoder.synthesis(latents)
        threads(2)
        assert torch.equal(loaded.codec.decoder.synthesis(latents), expected)
        assert torch.equal(loaded.codec.decoder.synthesis(latents[1:]), expected[1:])
        order = torch.randperm(TINY.N2, generator=torch.Generator().manual_seed(2))
        shuffled = copy.deepcopy(loaded.codec.decoder.synthesis)
        shuffled.matrix = shuffled.matrix[:, order]
        assert torch.equal(shuffled(latents[:, order]), expected)


def test_the_adjoint_that_predicts_latents_is_exact(loaded, threads):
    pixels = torch.randint(-128, 128, (2, 3, 64, 80), generator=torch.Generator().manual_seed(1)).double()
    with exact_arithmetic():
        threads(1)
        expected = loaded.codec.decoder.synthesis.adjoint(pixels)
        threads(2)
        assert torch.equal(loaded.codec.decoder.synthesis.adjoint(pixels), expected)
        assert torch.equal(loaded.codec.decoder.synthesis.adjoint(pixels[1:]), expected[1:])
        flipped = copy.deepcopy(loaded.codec.decoder.synthesis)
        flipped.matrix = flipped.matrix.view(3, BLOCK**2, -1).flip(0).flatten(0, 1)
        assert torch.equal(flipped.adjoint(pixels.flip(1)), expected)


def integer_lap(pixels, kernel):
    """The filter across block borders on pixels int64 in units of 1/256, rounded after each direction."""
    for _ in range(2):
        filtered = lap_rows(pixels, kernel)
        filtered[:, :, :OVERLAP] <<= LINEAR_BITS
        filtered[:, :, -OVERLAP:] <<= LINEAR_BITS
        pixels = (filtered.double() / 2**LINEAR_BITS).round().long().transpose(2, 3)
    return pixels


def test_pixels_are_those_of_integer_arithmetic(loaded):
    synthesis = loaded.codec.decoder.synthesis
    matrix, kernel = (synthesis.matrix * 2**LINEAR_BITS).long(), (synthesis.filter * 2**LINEAR_BITS).long()
    latents = (noise(1, TINY.N2, 3, 4) * 2**STEP_BITS).long()
    with exact_arithmetic():
        pixels = synthesis(latents.double() / 2**STEP_BITS)
    blocks = torch.einsum("ij,njhw->nihw", matrix, latents)
    blocks = (blocks.double() / 2 ** (LINEAR_BITS + STEP_BITS - PIXEL_BITS)).round().long()
    expected = integer_lap(torch.nn.functional.pixel_shuffle(blocks, BLOCK), kernel)
    assert torch.equal(pixels * 2**PIXEL_BITS, expected.double())


def test_the_largest_latents_give_the_pixels_of_integer_arithmetic(loaded):
    synthesis = loaded.codec.decoder.synthesis
    kernels = (synthesis.matrix * 2**LINEAR_BITS).long()
    for row in (0, 100, 767):
        signs = kernels[row].sign()
        with exact_arithmetic():
            pixels = synthesis((LATENT_MAX * signs.double()).view(1, -1, 1, 1))  # one block: nothing to filter
        sums = (kernels * signs).sum(1) * int(LATENT_MAX)
        expected = (sums.double() / 2 ** (LINEAR_BITS - PIXEL_BITS)).round() / 2**PIXEL_BITS
        assert torch.equal(torch.nn.functional.pixel_unshuffle(pixels, BLOCK).flatten(), expected)

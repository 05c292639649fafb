"""Promises of disparity.py, field.py and stereo.py: what moved is found, coded without loss and moved alike."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import CONFIGS, CPU, TINY, random_model
from hypothesis import given, settings, strategies

from snncodec import codec, stereo
from snncodec.container import Tag, unpack
from snncodec.disparity import contrast, displacements, estimate, sample, smooth
from snncodec.entropy import Tables, make_frequencies
from snncodec.errors import FormatError
from snncodec.exact import exact_arithmetic
from snncodec.field import FIELD_MAX, decode_field, encode_field, passes
from snncodec.stereo import TAPS, warp

TABLES = Tables(make_frequencies())


def textured(height, width, seed=0):
    """A picture with detail at several scales, uint8 [H, W, 3]."""
    random, total = np.random.default_rng(seed), 0
    for cell in (3, 8, 24):
        noise = torch.from_numpy(random.normal(0, 12 * cell**0.5, (1, 3, height // cell + 2, width // cell + 2)))
        total = total + torch.nn.functional.interpolate(noise, size=(height, width), mode="bicubic")[0]
    return (total + 128).clamp(0, 255).byte().permute(1, 2, 0).numpy()


def moved(columns, rows=0, height=96, width=160, seed=0):
    """Two views of one texture; what is at x on the right is at x + columns on the left, and `rows` lower."""
    wide = textured(height + 8, width + 200, seed)
    return wide[4 : 4 + height, 100 : 100 + width], wide[4 + rows : 4 + rows + height, 100 + columns :][:, :width]


def inner(field):
    """The blocks that are seen in both views."""
    return field[:, 1:-1, 2:-2]


@pytest.mark.parametrize("columns", [-20, -3, 0, 1, 14, 33])
@pytest.mark.parametrize("rows", [-2, 0, 1])
def test_a_shift_is_found(columns, rows):
    field = displacements(*moved(columns, rows), step=30.0)
    assert np.median(field[0]) == 4 * columns and np.median(field[1]) == 4 * rows
    assert (inner(field) == np.array([4 * columns, 4 * rows]).reshape(2, 1, 1)).mean() > 0.8


def test_another_exposure_does_not_hide_a_shift():
    left, right = moved(9)
    field = displacements(left, (right * 0.8 + 20).astype(np.uint8), step=30.0)
    assert (inner(field)[0] == 36).mean() > 0.8


def test_a_coarser_step_asks_for_a_smoother_field():
    left, right = moved(9)
    noise = np.random.default_rng(1).normal(0, 50, right.shape)
    noisy = (right + noise).clip(0, 255).astype(np.uint8)
    sizes = [len(encode_field(TABLES, displacements(left, noisy, step))) for step in (5.0, 190.0)]
    assert sizes[1] < sizes[0]


def test_unrelated_and_flat_views_have_no_field_worth_coding():
    assert estimate(textured(96, 160, 1), textured(96, 160, 2), 30.0) is None
    grey = np.full((40, 60, 3), 99, dtype=np.uint8)
    assert estimate(grey, grey, 30.0) is None
    assert estimate(*moved(7), 30.0) is not None


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (40, 2), (17, 33), (700, 1000)])
def test_views_of_any_size_are_searched(shape):
    field = displacements(textured(*shape), textured(*shape, seed=1), 30.0)
    assert field.shape == (2, -(-shape[0] // 16), -(-shape[1] // 16)) and field.dtype == np.int64


def test_paths_prefer_what_neighbours_agree_on():
    costs = torch.ones(5, 6, 7)
    costs[2] = 0
    costs[:, 3, 3], costs[4, 3, 3] = 1, 0.5  # one block sees something else, but hardly better
    assert (smooth(costs).argmin(0) == 2).all()


sides = strategies.integers(1, 20)


@settings(max_examples=60)
@given(sides, sides, strategies.integers(0, 99), strategies.sampled_from([0, 1, 3, 40, FIELD_MAX]))
def test_any_field_comes_back(height, width, seed, largest):
    field = np.random.default_rng(seed).integers(-largest, largest + 1, (2, height, width))
    assert np.array_equal(decode_field(TABLES, encode_field(TABLES, field), (height, width)), field)


@given(sides, sides)
def test_every_block_is_visited_once_after_its_neighbours(height, width):
    known = np.zeros((height, width), dtype=bool)
    known[0, 0] = True
    for (rows, columns), reach, diagonal in passes(height, width):
        assert not known[rows, columns].any()
        if diagonal:
            assert known[rows - reach, columns - reach].all()
        known[rows, columns] = True
    assert known.all()


def test_a_smooth_field_is_cheap():
    assert len(encode_field(TABLES, np.full((2, 40, 60), 57))) < 60
    ramp = np.broadcast_to(np.arange(60), (2, 40, 60))
    assert 8 * len(encode_field(TABLES, ramp)) < 4 * ramp[0].size


def test_displacements_out_of_range_and_foreign_bytes_are_refused():
    with pytest.raises(FormatError, match="larger than"):
        decode_field(TABLES, encode_field(TABLES, np.full((2, 3, 3), FIELD_MAX + 1)), (3, 3))
    random = np.random.default_rng(0)
    for _ in range(50):
        try:
            field = decode_field(TABLES, random.bytes(4 * random.integers(30)), (9, 11))
        except FormatError:
            continue
        assert np.abs(field).max() <= FIELD_MAX


def tensor(view):
    return torch.from_numpy(np.ascontiguousarray(view)).permute(2, 0, 1)


def test_no_displacement_changes_no_pixel():
    view = tensor(textured(48, 64))
    assert torch.equal(warp(view, torch.zeros(2, 3, 4, dtype=torch.int64)), view)


@pytest.mark.parametrize(("columns", "rows"), [(5, 0), (-7, 2), (0, -3), (1000, 0), (-1000, -1000)])
def test_whole_pixels_are_copied_and_borders_repeated(columns, rows):
    view = textured(48, 64)
    y, x = (np.clip(np.arange(48) + rows, 0, 47), np.clip(np.arange(64) + columns, 0, 63))
    field = torch.tensor([4 * columns, 4 * rows]).view(2, 1, 1).expand(2, 3, 4)
    assert torch.equal(warp(tensor(view), field), tensor(view[y][:, x]))


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize("component", [0, 1])
def test_parts_of_a_pixel_are_interpolated_by_catmull_rom(quarters, component):
    t = quarters / 4
    weights = [-0.5 * t**3 + t**2 - 0.5 * t, 1.5 * t**3 - 2.5 * t**2 + 1, -1.5 * t**3 + 2 * t**2 + 0.5 * t]
    weights.append(1 - sum(weights))
    assert sum(TAPS[quarters]) == 128 and np.allclose(np.array(TAPS[quarters]) / 128, weights, atol=1 / 256)
    view = textured(48, 64)
    padded = np.pad(view.astype(float), ((2, 2), (2, 2), (0, 0)), mode="edge")
    padded = padded if component == 0 else padded.transpose(1, 0, 2)
    length = view.shape[1 - component]
    expected = sum(w * padded[2:-2, 1 + i : 1 + i + length] for i, w in enumerate(weights))
    field = torch.zeros(2, 3, 4, dtype=torch.int64)
    field[component] = quarters
    found = warp(tensor(view), field).permute(1, 2, 0).numpy()
    found = found if component == 0 else found.transpose(1, 0, 2)
    assert np.abs(found - expected.clip(0, 255)).max() <= 2


def test_rows_at_once_and_threads_do_not_change_a_warp(monkeypatch, threads):
    view = tensor(textured(160, 96))
    field = torch.from_numpy(np.random.default_rng(0).integers(-90, 90, (2, 10, 6)))
    expected = warp(view, field)
    for rows, number in ((1, 1), (3, 2), (100, 3)):
        monkeypatch.setattr(stereo, "ROWS_AT_ONCE", rows)
        threads(number)
        assert torch.equal(warp(view, field), expected)


def test_the_encoder_measures_with_the_warp_that_the_decoder_makes():
    left, right = moved(6)
    field = displacements(left, right, 30.0)
    bilinear = sample(contrast(left), torch.from_numpy(field).float())
    warped = warp(tensor(left), torch.from_numpy(field)).permute(1, 2, 0).numpy()
    assert (bilinear - contrast(warped)).abs().median() < 1


def passes_of(model, targets, predicted):
    """Means and indexes of all passes."""
    seen = []

    def code(channels, wanted, mean, index):
        seen.append((mean.clone(), index.clone()))
        return (wanted - mean).round() + mean

    with exact_arithmetic():
        hyper = torch.zeros(1, TINY.hyper_channels, 2, 2, dtype=torch.float64)
        model.predict(hyper, 50, targets, code, targets.shape[2:], predicted)
    return seen


def latents(seed):
    scale = torch.logspace(1, -1, TINY.N2, dtype=torch.float64).view(1, -1, 1, 1)
    return (torch.randn(1, TINY.N2, 6, 7, generator=torch.Generator().manual_seed(seed)) * scale * 64).round() / 64


def test_a_believed_prediction_is_the_mean_and_a_distrusted_one_is_not_seen(loaded):
    model, targets = random_model(TINY).prepare(CPU), latents(0)
    for trust in (0.0, 1.0):
        for belief in model.fusion.beliefs:
            belief.read_out.weight[: belief.size] = 0
            belief.read_out.bias[: belief.size] = trust
        for step, (mean, _) in zip(model.context_model.passes, passes_of(model, targets, latents(1)), strict=True):
            cells = step.cells(1, 6, 7, CPU)
            expected = latents(1)[0, step.channels].permute(1, 2, 0).flatten(0, 1)[cells]
            assert torch.equal(mean, expected) == bool(trust)


def test_means_and_indexes_that_mix_both_views_are_exact(loaded, threads):
    results = []
    for number in (1, 2, 3):
        threads(number)
        results.append(passes_of(loaded.model, latents(0), latents(1)))
    for others in results[1:]:
        for one, other in zip(results[0], others, strict=True):
            assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


def test_attention_looks_along_the_row_only(loaded):
    fusion = loaded.model.fusion
    with exact_arithmetic():
        membrane, features = (torch.randn(1, TINY.prior_width, 6, 9, dtype=torch.float64) * 4 for _ in range(2))
        changed = features.clone()
        changed[:, :, 2, 4] += 40
        difference = fusion.attend(membrane, features) - fusion.attend(membrane, changed)
    touched = difference.abs().sum(1)[0] > 0
    assert touched[2, 2:7].any() and not touched[[0, 1, 3, 4, 5]].any() and not touched[2, [0, 1, 7, 8]].any()


def test_the_adjoint_is_the_transposed_synthesis(loaded):
    synthesis = loaded.model.decoder.synthesis
    pixels, values = (
        torch.randint(-128, 128, (1, 3, 48, 64)).double(),
        torch.randint(-50, 50, (1, TINY.N2, 3, 4)).double(),
    )
    one, other = (synthesis(values) * pixels).sum(), (values * synthesis.adjoint(pixels)).sum()
    assert abs(one - other) < 1e-3 * values.norm() * pixels.norm()


@pytest.mark.parametrize("name", CONFIGS)
def test_coupled_files_hold_a_field_and_decode_alike(name, weights_files):
    data = codec.encode(*moved(6), 60, weights=weights_files[name])
    header, sections = unpack(data)
    assert header.coupled and Tag.DISPARITY in sections
    pair, left = codec.decode(data, weights=weights_files[name]), codec.decode(data, True, weights=weights_files[name])
    assert np.array_equal(pair.left, left.left) and left.right is None


def test_unrelated_views_are_coded_independently(tiny):
    left, right = textured(96, 160, 1), textured(96, 160, 2)
    assert codec.encode(left, right, weights=tiny) == codec.encode(left, right, weights=tiny, independent=True)


def test_a_damaged_field_leaves_the_left_view(tiny):
    data = bytearray(codec.encode(*moved(6), 60, weights=tiny))
    sections = unpack(bytes(data))[1]
    place = bytes(data).rindex(sections[Tag.DISPARITY])
    data[place] ^= 1
    with pytest.raises(FormatError, match="--left-only"):
        codec.decode(bytes(data), weights=tiny)
    assert codec.decode(bytes(data), True, weights=tiny).left.shape == (96, 160, 3)


def test_a_field_of_another_size_is_refused_or_harmless(tiny):
    data = codec.encode(*moved(6, height=64, width=96), 60, weights=tiny)
    header, sections = unpack(data)
    other = codec.pack(dataclasses.replace(header, width=160), sections)
    with pytest.raises(FormatError):
        codec.decode(other, weights=tiny)

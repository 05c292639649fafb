"""Promises of matching, disparity, field, skip, warp and stereo: what moved is found, coded and moved alike."""

import dataclasses
from unittest.mock import patch

import numpy as np
import pytest
import torch
from conftest import CONFIGS, CPU, TINY, random_model
from hypothesis import given, settings, strategies
from snncodec.config import ModelConfig
from snncodec.container import Tag, unpack
from snncodec.disparity import Matcher, estimate
from snncodec.entropy import Decoder, Encoder
from snncodec.exact import exact_arithmetic, snap
from snncodec.field import FIELD_MAX, decode_field, encode_field, passes, walk
from snncodec.matching import contrast, smooth
from snncodec.skip import decode_flags, encode_flags
from snncodec.stereo import VALUE_BITS, Attention
from snncodec.trial import try_view
from snncodec.warp import BLOCK, KERNELS, MARGIN, warp
from snncodec.weights import load_weights

from snncodec import codec, coupling, views
from snncodec import warp as warping
from snncodec.errors import FormatError


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


def field_of(columns, rows, shape):
    """A field of matched blocks, int64 [3, h, w]."""
    return np.stack([np.broadcast_to(np.asarray(part, dtype=np.int64), shape) for part in (columns, rows, 1)])


def inner(field):
    """The blocks that are seen in both views."""
    return field[:, 1:-1, 2:-2]


@pytest.mark.parametrize("columns", [-20, -3, 0, 1, 14, 33])
@pytest.mark.parametrize("rows", [-2, 0, 1])
def test_a_shift_is_found(columns, rows):
    field = estimate(*moved(columns, rows), step=30.0)
    assert np.median(field[0]) == 4 * columns and np.median(field[1]) == 4 * rows
    assert (inner(field) == np.array([4 * columns, 4 * rows, 1]).reshape(3, 1, 1)).mean() > 0.8


def test_another_exposure_does_not_hide_a_shift():
    left, right = moved(9)
    field = estimate(left, (right * 0.8 + 20).astype(np.uint8), step=30.0)
    assert (inner(field)[0] == 36).mean() > 0.8


def test_a_coarser_step_asks_for_a_smoother_field():
    left, right = moved(9)
    noise = np.random.default_rng(1).normal(0, 12, right.shape)
    noisy = (right + noise).clip(0, 255).astype(np.uint8)
    sizes = [len(encode_field(estimate(left, noisy, step))[0]) for step in (5.0, 190.0)]
    assert 4 < sizes[1] < sizes[0]


def test_unrelated_views_have_no_field_worth_coding():
    assert not estimate(textured(96, 160, 1), textured(96, 160, 2), 30.0)[2].any()
    assert estimate(*moved(7), 30.0)[2].any()


def test_what_only_one_view_shows_is_not_matched():
    left, right = moved(8, height=96, width=256)
    right = right.copy()
    right[:, 128:] = textured(96, 128, seed=5)
    matched = estimate(left, right, 30.0)[2]
    assert matched[:, 1:7].mean() > 0.9 and matched[:, 9:].mean() < 0.3


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (40, 2), (17, 33), (700, 1000)])
def test_views_of_any_size_are_searched(shape):
    field = estimate(textured(*shape), textured(*shape, seed=1), 30.0)
    assert field.shape == (3, -(-shape[0] // 16), -(-shape[1] // 16)) and field.dtype == np.int64


def test_paths_prefer_what_neighbours_agree_on():
    costs = torch.ones(5, 6, 7)
    costs[2] = 0
    costs[:, 3, 3], costs[4, 3, 3] = 1, 0.5  # one block sees something else, but hardly better
    assert (smooth(costs).argmin(0) == 2).all()


sides = strategies.integers(1, 20)


@settings(max_examples=60)
@given(sides, sides, strategies.integers(0, 99), strategies.sampled_from([0, 1, 3, 40, FIELD_MAX]))
def test_any_field_comes_back(height, width, seed, largest):
    random = np.random.default_rng(seed)
    displacements = random.integers(-largest, largest + 1, (2, height, width))
    matched = random.random((1, height, width)) < random.random()
    data, stated = encode_field(np.concatenate([displacements, matched]))
    decoded = decode_field(data, (height, width))
    assert np.array_equal(decoded, stated) and np.array_equal(decoded[2:], matched)
    assert np.array_equal(decoded[:2] * matched, displacements * matched)


@given(sides, sides, strategies.integers(0, 99))
def test_any_flags_come_back(height, width, seed):
    random = np.random.default_rng(seed)
    matched, coder = random.random((height, width)) < random.random(), Encoder()
    flags = matched & (random.random((height, width)) < random.random())
    encode_flags(coder, flags, matched)
    decoder = Decoder(coder.finish())
    assert np.array_equal(decode_flags(decoder, matched), flags)
    decoder.finish()


def test_flags_in_one_piece_are_cheap():
    flags, coder = np.zeros((60, 80), dtype=bool), Encoder()
    flags[20:50, 10:60] = True
    encode_flags(coder, flags, np.ones_like(flags))
    assert 8 * len(coder.finish()) < 0.15 * flags.size


@given(sides, sides)
def test_every_block_is_visited_once_after_its_neighbours(height, width):
    known = np.zeros((height, width), dtype=bool)
    for (rows, columns), reach, diagonal in passes(height, width):
        assert not known[rows, columns].any()
        if diagonal and known.any():
            assert known[rows - reach, columns - reach].all()
        elif not diagonal:  # one of the first two is inside, and all that are inside are known
            inside = rows >= reach
            assert (inside | (columns >= reach)).all() and known[(rows - reach)[inside], columns[inside]].all()
        known[rows, columns] = True
    assert known.all()


def test_a_smooth_field_is_cheap():
    assert len(encode_field(field_of(57, 0, (40, 60)))[0]) < 30
    ramp = field_of(np.arange(60), 0, (40, 60))
    assert 8 * len(encode_field(ramp)[0]) < ramp[0].size
    ramp[2] = 0
    assert len(encode_field(ramp)[0]) < 10


@given(strategies.integers(0, 99), sides, sides)
def test_the_stated_bits_are_those_that_are_written(seed, height, width):
    random = np.random.default_rng(seed)
    field = np.concatenate([random.integers(-40, 41, (2, height, width)), random.integers(0, 2, (1, height, width))])
    stated = 0.0

    def code(guess):
        nonlocal stated
        values = field[:, *guess.cells]
        on = values[2] > 0
        stated += np.take_along_axis(guess.flag_bits(), values[2][None], 0).sum()
        stated += guess.bits(values[None, :2])[0][on].sum()
        return np.concatenate([np.where(on, values[:2], guess.prediction), values[2:]])

    walk((height, width), code)
    assert 0 <= 8 * len(encode_field(field)[0]) - stated < 64 + 0.01 * stated


def test_displacements_out_of_range_and_foreign_bytes_are_refused():
    with pytest.raises(FormatError, match="larger than"):
        decode_field(encode_field(field_of(FIELD_MAX + 1, 0, (3, 3)))[0], (3, 3))
    random = np.random.default_rng(0)
    for _ in range(50):
        try:
            field = decode_field(random.bytes(4 * random.integers(30)), (9, 11))
        except FormatError:
            continue
        assert np.abs(field).max() <= FIELD_MAX


def tensor(view):
    return torch.from_numpy(np.ascontiguousarray(view)).permute(2, 0, 1)


def test_no_displacement_changes_no_pixel():
    view = tensor(textured(48, 64))
    assert torch.equal(warp(view, torch.from_numpy(field_of(0, 0, (3, 4))))[:3], view)


@pytest.mark.parametrize(("columns", "rows"), [(5, 0), (-7, 2), (0, -3), (1000, 0), (-1000, -1000)])
def test_whole_pixels_are_copied_and_borders_repeated(columns, rows):
    view = textured(48, 64)
    y, x = (np.clip(np.arange(48) + rows, 0, 47), np.clip(np.arange(64) + columns, 0, 63))
    field = torch.from_numpy(field_of(4 * columns, 4 * rows, (3, 4)))
    assert torch.equal(warp(tensor(view), field)[:3], tensor(view[y][:, x]))


def catmull_rom(x):
    x = abs(x)
    return 1.5 * x**3 - 2.5 * x**2 + 1 if x < 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2


def lanczos(x):
    return np.sinc(x) * np.sinc(x / 3)


def gaussian(sigma):
    return lambda x: np.exp(-((x / sigma) ** 2) / 2)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
@pytest.mark.parametrize("component", [0, 1])
@pytest.mark.parametrize(
    ("kernel", "function", "error"),
    [
        (0, catmull_rom, 1 / 200),
        (1, lambda x: 1 - abs(x), 1 / 200),
        (2, lanczos, 1 / 200),
        (3, gaussian(0.6), 1 / 128),
        (4, gaussian(0.85), 1 / 128),
        (5, gaussian(1.2), 1 / 128),
    ],
)
def test_parts_of_a_pixel_are_interpolated(kernel, function, error, quarters, component):
    expected = textured(48, 64).astype(float)
    for axis, phase in ((1 - component, quarters), (component, 0)):
        taps = KERNELS[kernel][phase]
        half = len(taps) // 2
        weights = np.array([function(i + 1 - half - phase / 4) for i in range(2 * half)])
        weights /= weights.sum()
        assert sum(taps) == 128 and np.allclose(np.array(taps) / 128, weights, atol=error)
        wide = np.pad(expected.swapaxes(0, axis), ((half - 1, half), (0, 0), (0, 0)), mode="edge")
        expected = sum(w * wide[i : len(wide) + i + 1 - 2 * half] for i, w in enumerate(weights)).swapaxes(0, axis)
    field = torch.zeros(3, 3, 4, dtype=torch.int64)
    field[component] = quarters
    found = warp(tensor(textured(48, 64)), field, kernel)[:3].permute(1, 2, 0).numpy()
    assert np.abs(found - expected.clip(0, 255)).max() <= 2


def test_parts_and_threads_do_not_change_a_warp(monkeypatch, threads):
    view = tensor(textured(160, 96))
    random = np.random.default_rng(0)
    field = torch.from_numpy(np.concatenate([random.integers(-90, 90, (2, 10, 6)), random.integers(0, 2, (1, 10, 6))]))
    expected = warp(view, field)
    for size, number in ((1, 1), (3, 2), (100, 3)):
        monkeypatch.setattr(warping, "BLOCKS_AT_ONCE", size)
        threads(number)
        assert torch.equal(warp(view, field), expected)


@pytest.mark.parametrize("kernel", range(len(KERNELS)))
def test_the_encoder_measures_with_the_warp_that_the_decoder_makes(kernel):
    left, field = textured(96, 160), field_of(23, 2, (6, 10))
    warped = warp(tensor(left), torch.from_numpy(field), kernel)[:3].permute(1, 2, 0).numpy()
    matcher, cells = Matcher(contrast(left), contrast(warped), 30.0, kernel), torch.full((1,), 3)
    measured = matcher.transform(cells, cells, torch.tensor([23]), torch.tensor([2]))[0]
    made = matcher.right[3, 3]
    assert (measured - made).norm() < 0.05 * made.norm()


def test_what_the_encoder_measured_before_it_knows():
    left, right = moved(6)
    matcher, random = Matcher(contrast(left), contrast(right), 30.0), np.random.default_rng(0)
    cells = random.integers(0, 6, 40), random.integers(0, 10, 40)
    for _ in range(3):
        tried = random.integers(-3, 4, (5, 2, 40))
        wanted = [matcher.measure(*cells, displacements) for displacements in tried]
        assert np.allclose(matcher.costs(cells, tried), wanted, rtol=1e-5)
    with patch.object(matcher, "measure", return_value=np.empty(0)) as measure:
        assert np.allclose(matcher.costs(cells, tried[::-1]), wanted[::-1], rtol=1e-5)
    assert all(not argument.size for argument in measure.call_args.args)


def test_blocks_fade_into_their_neighbours():
    view = tensor(np.broadcast_to(np.arange(128, dtype=np.uint8)[:, None], (32, 128, 3)))
    field = torch.from_numpy(field_of(0, 0, (2, 8)))
    field[0, :, 4] = 4 * 16  # one block shows what is 16 pixels further to the right, 16 grey levels brighter
    row = warp(view, field)[0, 8].int() - view[0, 8].int()
    ramp = torch.arange(1, 2 * MARGIN * 2, 2)
    expected = torch.cat([ramp, torch.full((BLOCK - 2 * MARGIN,), 16), ramp.flip(0)])
    assert torch.equal(row[64 - MARGIN : 80 + MARGIN], expected.to(row.dtype)) and row.sum() == expected.sum()


def test_unmatched_blocks_are_marked():
    field = torch.from_numpy(field_of(0, 0, (3, 4)))
    field[2, 1, 2] = 0
    matched = warp(tensor(textured(48, 64)), field)[3]
    assert (matched[16:32, 32:48] == 0).all() and matched.sum() == 48 * 64 - 256


def passes_of(model, targets, predicted, matched=1.0):
    """Means and indexes of all passes."""
    seen = []
    expected = None
    if predicted is not None:
        expected = torch.cat([predicted, torch.full_like(predicted[:, :1], 1.0) * matched], dim=1)

    def code(channels, wanted, mean, index):
        mean = snap(mean, VALUE_BITS)  # as in a file
        seen.append((mean.clone(), index.clone()))
        return (wanted - mean).round() + mean

    with exact_arithmetic():
        hyper = torch.zeros(1, TINY.hyper_channels, 2, 2, dtype=torch.float64)
        model.predict(hyper, 50, targets, code, targets.shape[2:], expected)
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


def test_a_block_that_is_not_matched_is_coded_as_if_alone(loaded):
    alone = passes_of(loaded.model, latents(0), None)
    for number, (mean, index) in enumerate(passes_of(loaded.model, latents(0), latents(1), matched=0.0)):
        assert torch.equal(mean, alone[number][0]) and torch.equal(index, alone[number][1])


def test_copied_blocks_have_the_predicted_latents_and_are_not_coded(loaded):
    expected = torch.cat([latents(1), torch.ones(1, 1, 6, 7)], dim=1).double()
    copied, coded = torch.zeros(1, 6, 7, dtype=torch.bool), 0
    copied[:, 1:4, 2:6] = True

    def code(channels, wanted, mean, index):
        nonlocal coded
        coded += mean.numel()
        return (wanted - mean).round() + mean

    with exact_arithmetic():
        hyper = torch.zeros(1, TINY.hyper_channels, 2, 2, dtype=torch.float64)
        values = loaded.model.predict(hyper, 50, latents(0), code, (6, 7), expected, copied)
    inside = copied[:, None].expand_as(values)
    assert torch.equal(values[inside], latents(1)[inside]) and coded == (~inside).sum()
    assert (values - latents(0))[~inside].abs().max() <= 0.5


@pytest.mark.parametrize("name", CONFIGS)
def test_a_picture_of_copied_blocks_only_has_the_predicted_latents(name, weights_files):
    model = load_weights(weights_files[name], CPU).model
    expected = torch.cat([latents(1), torch.ones(1, 1, 6, 7)], dim=1).double()
    with exact_arithmetic():
        hyper = torch.zeros(1, TINY.hyper_channels, 2, 2, dtype=torch.float64)
        copied = torch.ones(1, 6, 7, dtype=torch.bool)
        values = model.predict(hyper, 50, latents(0), lambda c, wanted, mean, i: mean, (6, 7), expected, copied)
    assert torch.equal(values, latents(1))


def test_blocks_of_equal_views_are_copied_if_they_are_matched(tiny, monkeypatch):
    flags = []
    monkeypatch.setattr(views, "encode_flags", lambda coder, copied, matched: flags.append((copied, matched)))
    left = textured(96, 160)
    codec.encode(left, left, 50, weights=tiny)
    copied, matched = flags[0]
    assert copied.any() and not (copied & ~matched).any()


def test_hyper_latents_are_coded_only_where_they_cannot_be_foreseen(loaded):
    expected = torch.cat([latents(1), torch.ones(1, 1, 6, 7)], dim=1).double()
    expected[:, -1, :, 4:] = 0
    with exact_arithmetic():
        hyper, known = loaded.model.foresee(expected, 50)
        assert torch.equal(hyper, loaded.model.summarise(expected[:, :-1], 50)) and hyper.unique().numel() > 1
    assert torch.equal(known, torch.tensor([[True, False], [True, False]]).view(1, 1, 2, 2))


def test_means_and_indexes_that_mix_both_views_are_exact(loaded, threads):
    results = []
    for number in (1, 2, 3):
        threads(number)
        results.append(passes_of(loaded.model, latents(0), latents(1)))
    for others in results[1:]:
        for one, other in zip(results[0], others, strict=True):
            assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


def test_attention_looks_along_the_row_only(loaded):
    attention = loaded.model.fusion.attention
    with exact_arithmetic():
        membrane, features = (torch.randint(0, 5, (1, TINY.prior_width, 6, 9)).double() for _ in range(2))
        changed = features.clone()
        changed[:, :, 2, 4] = 4 - changed[:, :, 2, 4]
        difference = attention(membrane, features) - attention(membrane, changed)
    touched = difference.abs().sum(1)[0] > 0
    assert touched[2, 2:7].any() and not touched[[0, 1, 3, 4, 5]].any() and not touched[2, [0, 1, 7, 8]].any()


def test_untrained_attention_opens_its_gate_and_can_learn():
    attention = Attention(ModelConfig())
    membrane, features = (torch.randn(2, ModelConfig().prior_width, 8, 8) * 4 for _ in range(2))
    features = features.clamp(0, 4).round()
    attention(membrane, features).sum().backward()
    assert attention.read_out.weight.grad.any()  # the read-out starts at zero and learns first
    torch.nn.init.normal_(attention.read_out.weight)
    attention(membrane, features).sum().backward()
    for layer in (attention.read_out, attention.query, attention.key, attention.gate):
        assert all(parameter.grad.any() for parameter in layer.parameters())


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


@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("quality", [5, 50])
def test_unrelated_views_cost_no_more_than_independent_ones(seed, quality):
    views = textured(96, 160, 1), textured(96, 160, seed)
    data, alone = (codec.encode(*views, quality, independent=independent) for independent in (False, True))
    assert len(data) < 1.01 * len(alone)


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


def test_a_trial_counts_the_bits_and_the_distortion_of_the_file(tiny):
    loaded, view = load_weights(tiny, CPU), moved(0)[1]
    with exact_arithmetic():
        section, values = views.encode_view(loaded, view, 60)
        decoded = codec.as_picture(views.render(loaded, values, 60), *view.shape[:2])
        trial = try_view(loaded, view, 60)
    error = np.square(decoded.astype(float) - view).sum() * 8 / float(loaded.model.steps[59]) ** 2
    assert float(trial.bits.sum()) == pytest.approx(8 * len(section), rel=0.05)
    assert float(trial.pixel_error.sum()) == pytest.approx(error, rel=1e-9)


def test_blocks_that_lose_by_the_prediction_are_coded_alone(tiny):
    loaded, (left, right) = load_weights(tiny, CPU), moved(6)
    seen = torch.from_numpy(left).permute(2, 0, 1)
    matched = estimate(left, right, float(loaded.model.steps[59]))[2]
    losing = np.zeros_like(matched, dtype=bool)
    losing[:, 3:5] = True

    def spoilt(loaded, view, quality, warped=None):
        trial = try_view(loaded, view, quality, warped)
        return trial if warped is None else trial._replace(bits=trial.bits + 1e4 * torch.from_numpy(losing))

    with exact_arithmetic(), patch.object(coupling, "try_view", spoilt):
        found = coupling.couple(loaded, seen, right, 60)
    assert matched[losing].any() and not found.warped[3, ::BLOCK, ::BLOCK].numpy()[losing].any()
    assert found.warped[3].any() and not (found.copied & losing).any()


def test_views_are_coded_independently_if_coupling_gains_less_than_the_field_costs(tiny):
    loaded, (left, right) = load_weights(tiny, CPU), moved(6)
    with exact_arithmetic(), patch.object(coupling, "try_view", lambda *a: try_view(*a[:3])):  # no gain anywhere
        assert coupling.couple(loaded, torch.from_numpy(left).permute(2, 0, 1), right, 60) is None

"""Promises of model/attention.py: the sketch attends to the left view, and what it finds there counts."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import CPU, random_model, synthetic_pair

from snncodec.bitstream.container import unpack
from snncodec.codec import Codec
from snncodec.model.attention import CrossAttention
from snncodec.model.config import PRESETS
from snncodec.model.prediction import PredictedLatents
from snncodec.model.weights import save_weights
from snncodec.spiking.arithmetic import exact_arithmetic
from snncodec.training.fit_tables import logistic_frequencies

SKETCH = dataclasses.replace(PRESETS["sketch"], M=8)  # all of it but the width of the networks on pixels


@pytest.fixture(scope="module")
def model():
    """A random model in the shape of the sketch."""
    return random_model(SKETCH)


def indexes_of_passes(codec):
    """The first channel and the table indexes of every pass over a right view of 3 x 5 blocks, all but one matched."""
    generator, seen = torch.Generator().manual_seed(0), []
    values = torch.randn(1, SKETCH.N2, 3, 5, generator=generator, dtype=torch.float64)
    matched = torch.ones(1, 1, 3, 5, dtype=torch.bool)
    matched[..., 2, 3] = False
    predicted = PredictedLatents((values * 64).round() / 64, matched)

    def code(given):
        seen.append((given.channels.start, given.index))
        return given.targets.round()

    with exact_arithmetic():
        hyper = torch.ones(1, SKETCH.hyper_channels, 1, 2, dtype=torch.float64)
        codec.run_context_model(hyper, 50, (3, 5), code, values + 0.3, predicted)
    return seen


def test_the_sketch_attends_before_every_group_but_the_first():
    assert PRESETS["sketch"].attended == tuple(range(1, len(PRESETS["sketch"].groups)))


def test_no_other_preset_has_attention():
    assert not PRESETS["base"].attended and not PRESETS["tiny"].attended


def test_attention_changes_the_groups_that_it_stands_before_once_it_is_trained(model):
    codec = model.prepare(CPU)
    before = indexes_of_passes(codec)
    codec.fusion.attention.read_out.weight.zero_()
    codec.fusion.attention.read_out.bias.zero_()
    after = indexes_of_passes(codec)
    changed = {first for (first, index), (_, other) in zip(before, after, strict=True) if not torch.equal(index, other)}
    assert {first for first, _ in before} == {0, 3, 12} and changed == {3, 12}  # groups 1 and 2


def test_new_attention_says_nothing():
    torch.manual_seed(0)
    attention = CrossAttention(SKETCH)
    membrane, features = torch.randn(2, SKETCH.T, SKETCH.prior_width, 3, 5) * 3
    assert not attention(membrane, (features > 0).float()).any()


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("size", [(33, 50), (80, 112)])
def test_the_sketch_codes_pairs_that_decode_to_what_the_encoder_saw(model, size, independent, tmp_path):
    codec = Codec(save_weights(model, logistic_frequencies(), tmp_path / "sketch.safetensors"), "cpu")
    encoded = codec.encode_pair(*synthetic_pair(*size), 60, independent=independent)
    pair, expected = codec.decode(encoded.data), encoded.reconstruction()
    assert np.array_equal(pair.left, expected.left) and np.array_equal(pair.right, expected.right)
    assert pair.right.shape == (*size, 3) and unpack(encoded.data)[0].inter_view != independent

"""Promises of spiking/layers.py: exact layers compute what was trained, and a trained network stays as it is."""

import pytest
import torch
from conftest import CONFIGS

from snncodec.spiking.exact_neurons import ExactSpike
from snncodec.spiking.fixed_point import FRACTION_BITS, snap
from snncodec.spiking.layers import (
    ExactConv2d,
    FixedPointConv2d,
    ResidualBlock,
    exact_copy,
    mean_over_time,
    repeat_over_time,
    set_on_grid,
)


def counts(seed=0):
    """Spike counts [2, 6, 8, 8]."""
    return torch.randint(0, 5, (2, 6, 8, 8), generator=torch.Generator().manual_seed(seed)).float()


@pytest.mark.parametrize(("kernel", "stride", "bias"), [(1, 1, True), (3, 1, True), (3, 2, False), (2, 2, True)])
def test_training_on_the_grid_computes_what_the_exact_layer_computes(kernel, stride, bias):
    torch.manual_seed(0)
    trained = FixedPointConv2d(6, 7, kernel, input_max=4, stride=stride, bias=bias)
    exact, off_the_grid = trained.exact(), trained(counts())
    set_on_grid(trained)
    assert torch.equal(trained(counts()), exact(counts()))
    assert not torch.equal(trained(counts()), off_the_grid) and exact.input_max == trained.input_max
    assert torch.equal(exact.weight, snap(trained.weight.double()))


def test_tokens_and_maps_give_the_same_sums():
    torch.manual_seed(0)
    trained = FixedPointConv2d(6, 7, input_max=4)
    set_on_grid(trained)
    tokens = counts().permute(0, 2, 3, 1).flatten(0, 2)
    for layer in (trained, trained.exact()):
        assert torch.equal(layer.linear(tokens), layer(counts()).permute(0, 2, 3, 1).flatten(0, 2))


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_an_exact_layer_answers_in_the_type_of_its_input(kind):
    layer = FixedPointConv2d(6, 7, input_max=4).exact().to(kind)
    for given in (torch.float32, torch.float64):
        assert layer(counts().to(given)).dtype == layer.linear(counts().to(given)[0, :, 0].T).dtype == given


def test_quantising_is_switched_off_again():
    torch.manual_seed(0)
    layer = FixedPointConv2d(6, 7, input_max=4)
    before = layer(counts())
    set_on_grid(layer)
    set_on_grid(layer, False)
    assert torch.equal(layer(counts()), before)


@pytest.mark.parametrize("name", CONFIGS)
def test_an_exact_copy_has_no_trained_layer_left_and_every_number_on_the_grid(name):
    torch.manual_seed(0)
    block = ResidualBlock(6, CONFIGS[name].spiking)
    copied = exact_copy(block)
    assert [type(part) for part in copied.children()] == [ExactSpike, ExactSpike, ExactConv2d, ExactConv2d]
    assert not list(copied.parameters()) and copied.state_dict().keys() == block.state_dict().keys()
    for number in copied.state_dict().values():
        assert number.dtype == torch.float64 and torch.equal(number, snap(number, FRACTION_BITS))


def test_numbers_outside_of_layers_go_to_the_grid_too():
    network = torch.nn.Module()
    network.gain = torch.nn.Parameter(torch.tensor([0.3, -1.7]))
    network.register_buffer("steps", torch.tensor([0.1]))
    copied = exact_copy(network)
    assert torch.equal(copied.gain, snap(network.gain.detach().double())) and not copied.gain.requires_grad
    assert torch.equal(copied.steps, snap(network.steps.double())) and not list(copied.parameters())


def test_an_exact_copy_and_its_original_share_no_numbers():
    torch.manual_seed(0)
    block = ResidualBlock(6, CONFIGS["ilif"].spiking)
    for numbers in block.parameters():
        numbers.data = snap(numbers.data)
    before = {name: value.clone() for name, value in block.state_dict().items()}
    for number in exact_copy(block).state_dict().values():
        number.add_(1)
    assert all(torch.equal(value, before[name]) for name, value in block.state_dict().items())
    assert all(parameter.requires_grad for parameter in block.parameters())


@pytest.mark.parametrize("name", CONFIGS)
def test_a_residual_block_on_the_grid_codes_as_it_was_trained(name):
    torch.manual_seed(0)
    config = CONFIGS[name].spiking
    block = ResidualBlock(6, config)
    set_on_grid(block)
    membrane = repeat_over_time(counts() - 1 + 2.0**-FRACTION_BITS, config.time_steps)
    assert torch.equal(block(membrane).detach().double(), exact_copy(block)(membrane.double()))
    assert not torch.equal(block(membrane), membrane)


def test_time_is_folded_into_the_batch_time_first():
    x = torch.arange(6.0).view(3, 2)
    assert torch.equal(repeat_over_time(x, 4).view(4, 3, 2)[2], x)
    assert torch.equal(mean_over_time(repeat_over_time(x, 4), 4), x)
    assert torch.equal(mean_over_time(torch.arange(4.0)[:, None], 4), torch.tensor([[1.5]]))


@pytest.mark.parametrize("name", CONFIGS)
def test_a_residual_block_leaves_flat_maps_flat_up_to_their_border(name):
    torch.manual_seed(0)
    block = ResidualBlock(8, CONFIGS[name].spiking)
    membrane = torch.randn(CONFIGS[name].T, 8, 1, 1).expand(-1, -1, 5, 7)
    for network in (block, exact_copy(block).float()):
        out = network(membrane)
        assert torch.allclose(out, out[..., :1, :1], atol=1e-5)

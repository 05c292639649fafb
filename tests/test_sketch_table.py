"""The README's table of what was kept of the research sketch, row by row."""

import dataclasses

import pytest
import torch
from conftest import CPU, random_model, synthetic_pair
from snncodec.config import PRESETS, ModelConfig, TrainOptions
from snncodec.container import Tag, read_header
from snncodec.exact import ExactConv2d
from snncodec.neurons import Spike
from snncodec.prior import HyperDecoder, HyperEncoder
from snncodec.stereo import Fusion
from snncodec.train import train
from snncodec.transforms import Decoder, LeftEncoder, RightEncoder
from snncodec.weights import save_weights
from spikingjelly.activation_based import neuron, surrogate

from snncodec import codec, neurons
from snncodec.errors import FormatError
from snncodec.model import StereoCodec

SKETCH = PRESETS["sketch"]


@pytest.mark.parametrize("module", [LeftEncoder, RightEncoder, HyperEncoder, HyperDecoder, Fusion, Decoder])
def test_seven_modules_the_seventh_joins_the_other_six(module):
    parts = [part for part in StereoCodec(PRESETS["tiny"]).children() if type(part) is module]
    assert len(parts) == 1
    assert any(isinstance(layer, ExactConv2d) for layer in parts[0].modules())
    assert any(isinstance(layer, Spike) for layer in parts[0].modules())


def test_lif_tau_steps_atan_and_the_mean_over_time():
    node = neurons.lif_node(SKETCH.tau)
    assert type(node) is neuron.LIFNode and node.tau == 2.0 and isinstance(node.surrogate_function, surrogate.ATan)
    assert node.v_threshold == 1.0 and node.v_reset == 0.0 and node.decay_input
    assert (SKETCH.neuron, SKETCH.T) == ("lif", 4)
    assert torch.equal(neurons.mean_over_time(torch.tensor([[0.0], [1.0], [1.0], [1.0]]), 4), torch.tensor([[0.75]]))


def test_the_membrane_is_at_rest_before_every_forward():
    model = random_model(dataclasses.replace(PRESETS["tiny"], neuron="lif", T=4)).train()
    pixels, quality = torch.randn(1, 3, 64, 64) * 40, torch.tensor([50])
    with torch.no_grad():
        first = model(pixels, quality)
        model(-pixels, quality)
        again = model(pixels, quality)
    assert torch.equal(first.pixels, again.pixels) and torch.equal(first.bits, again.bits)


def test_m_n2_t_and_tau_are_fields_with_the_sizes_of_the_sketch():
    assert (SKETCH.M, SKETCH.N2, SKETCH.T, SKETCH.tau) == (256, 25, 4, 2.0)
    assert {"M", "N2", "T", "tau"} <= {field.name for field in dataclasses.fields(ModelConfig)}
    assert StereoCodec(SKETCH).decoder.network.stem.out_channels == 256


def test_the_relu_twin_has_the_same_widths():
    def shapes(neuron):
        config = dataclasses.replace(PRESETS["base"], neuron=neuron)
        return {name: value.shape for name, value in StereoCodec(config).state_dict().items()}

    assert shapes("relu") == shapes("ilif")


def test_the_channel_is_a_file_and_a_damaged_right_view_leaves_the_left_one(crop, tiny):
    data = bytearray(codec.encode(*crop, 50, weights=tiny))
    expected = codec.decode(bytes(data), weights=tiny).left
    sections = {section.tag: section for section in read_header(bytes(data))[1]}
    data[sections[Tag.RIGHT].offset + 5] ^= 1
    with pytest.raises(FormatError, match="--left-only"):
        codec.decode(bytes(data), weights=tiny)
    assert (codec.decode(bytes(data), left_only=True, weights=tiny).left == expected).all()


def test_the_sketch_has_a_real_bitstream(tmp_path):
    weights = str(save_weights(random_model(SKETCH), tmp_path / "sketch.safetensors"))
    data = codec.encode(*synthetic_pair(33, 50), 50, weights=weights)
    assert codec.decode(data, weights=weights, device=CPU.type).right.shape == (33, 50, 3)


def test_the_training_script_is_a_command():
    from snncodec.cli import app

    assert "train" in {command.callback.__name__ for command in app.registered_commands}
    assert callable(train) and TrainOptions([], steps=1).preset == "base"

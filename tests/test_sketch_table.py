"""The README's table of what was kept of the research sketch, row by row."""

import dataclasses

import pytest
import torch
from conftest import CPU, random_model, synthetic_pair
from spikingjelly.activation_based import neuron, surrogate

from snncodec.bitstream.container import Tag, read_header
from snncodec.codec import decode, encode
from snncodec.errors import FormatError
from snncodec.model.config import PRESETS, ModelConfig
from snncodec.model.fusion import Fusion
from snncodec.model.hyperprior import HyperDecoder, HyperEncoder
from snncodec.model.stereo_codec import StereoCodec
from snncodec.model.view_decoder import Decoder
from snncodec.model.view_encoder import LeftEncoder, RightEncoder
from snncodec.model.weights import save_weights
from snncodec.spiking.layers import FixedPointConv2d, mean_over_time
from snncodec.spiking.neurons import Spike, lif_node
from snncodec.training.fit_tables import logistic_frequencies
from snncodec.training.options import TrainOptions
from snncodec.training.simulated_coding import simulate_coding
from snncodec.training.trainer import train

SKETCH = PRESETS["sketch"]


@pytest.mark.parametrize("module", [LeftEncoder, RightEncoder, HyperEncoder, HyperDecoder, Fusion, Decoder])
def test_seven_modules_the_seventh_joins_the_other_six(module):
    parts = [part for part in StereoCodec(PRESETS["tiny"]).children() if type(part) is module]
    assert len(parts) == 1
    assert any(isinstance(layer, FixedPointConv2d) for layer in parts[0].modules())
    if module is not RightEncoder:  # its neurons are those of the left one
        assert any(isinstance(layer, Spike) for layer in parts[0].modules())


def test_lif_tau_steps_atan_and_the_mean_over_time():
    node = lif_node(SKETCH.tau)
    assert type(node) is neuron.LIFNode and node.tau == 2.0 and isinstance(node.surrogate_function, surrogate.ATan)
    assert node.v_threshold == 1.0 and node.v_reset == 0.0 and node.decay_input
    assert (SKETCH.neuron, SKETCH.T) == ("lif", 4)
    assert torch.equal(mean_over_time(torch.tensor([[0.0], [1.0], [1.0], [1.0]]), 4), torch.tensor([[0.75]]))


def test_the_membrane_is_at_rest_before_every_forward():
    model = random_model(dataclasses.replace(PRESETS["tiny"], neuron="lif", T=4))
    pixels, quality = torch.randn(1, 3, 64, 64) * 40, torch.tensor([50])
    with torch.no_grad():
        first = simulate_coding(model, pixels, quality)
        simulate_coding(model, -pixels, quality)
        again = simulate_coding(model, pixels, quality)
    assert torch.equal(first.pixels, again.pixels) and torch.equal(first.bits, again.bits)


def test_fusion_attends_to_the_left_view():
    assert SKETCH.attended
    fusion = StereoCodec(SKETCH).fusion
    assert fusion.attention is not None and any(isinstance(layer, Spike) for layer in fusion.attention.modules())


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
    data = bytearray(encode(*crop, 50, weights=tiny))
    expected = decode(bytes(data), weights=tiny).left
    sections = {section.tag: section for section in read_header(bytes(data))[1]}
    data[sections[Tag.RIGHT].offset + 5] ^= 1
    with pytest.raises(FormatError, match="--left-only"):
        decode(bytes(data), weights=tiny)
    assert (decode(bytes(data), left_only=True, weights=tiny).left == expected).all()


def test_the_sketch_has_a_real_bitstream(tmp_path):
    weights = str(save_weights(random_model(SKETCH), logistic_frequencies(), tmp_path / "sketch.safetensors"))
    data = encode(*synthetic_pair(33, 50), 50, weights=weights)
    assert decode(data, weights=weights, device=CPU.type).right.shape == (33, 50, 3)


def test_the_training_script_is_a_command():
    from snncodec.cli import app

    assert "train" in {command.callback.__name__ for command in app.registered_commands}
    assert callable(train) and TrainOptions([], steps=1).preset == "base"

"""What the tests share: stereo pixels, and small random models whose spikes fire and whose symbols are diverse."""

import copy
import dataclasses
import hashlib
import os
import weakref
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import settings
from skimage.data import stereo_motorcycle

from snncodec.bitstream.displacement_field import DisplacementField
from snncodec.model import shipped_weights
from snncodec.model.config import PRESETS
from snncodec.model.quality import QualityOffsets
from snncodec.model.shipped_weights import load_weights
from snncodec.model.stereo_codec import StereoCodec
from snncodec.model.weights import save_weights
from snncodec.spiking.layers import FixedPointConv2d
from snncodec.spiking.neurons import Spike
from snncodec.training.fit_tables import logistic_frequencies
from snncodec.training.initial_transform import start_transform

if "PYTEST_XDIST_WORKER" in os.environ:  # several processes of several threads each would wait for each other
    torch.set_num_threads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the commands that tests start

settings.register_profile("promises", derandomize=True, deadline=None, database=None)
settings.load_profile("promises")

CPU = torch.device("cpu")
TINY = PRESETS["tiny"]
CONFIGS = {
    "ilif": dataclasses.replace(TINY, attended=(1, 2)),
    "ilif in two steps": dataclasses.replace(TINY, T=2),
    "lif": dataclasses.replace(TINY, neuron="lif", T=4),
    "relu": dataclasses.replace(TINY, neuron="relu"),
}


@torch.no_grad()
def randomise(model, seed=0):
    """Random weights of a size that keeps membranes around their thresholds; returns the model."""
    torch.manual_seed(seed)
    for layer in model.modules():
        if isinstance(layer, FixedPointConv2d):
            layer.weight.normal_(std=2 / (layer.weight[0].numel() * layer.input_max) ** 0.5)
            if layer.bias is not None:
                layer.bias.normal_(std=0.3)
        elif isinstance(layer, Spike):
            layer.threshold.uniform_(0.5, 1.5).mul_(
                0.4 if layer.neuron.kind == "lif" else 1
            )  # its membranes see half the input
            layer.offset.normal_(std=0.3)
        elif isinstance(layer, QualityOffsets):
            layer.nodes.add_(torch.randn_like(layer.nodes), alpha=0.3)
    for gate in model.fusion.gates:
        gate.disagreement_gain.normal_(std=0.05)
    if model.config.attended:
        model.fusion.attention.gate.threshold.mul_(8)
    model.hyper_index.uniform_(15, 35)
    for coding_pass in model.context_model.passes:
        if coding_pass.predictor is not None:
            coding_pass.predictor.weight.mul_(0.1)
    for network in filter(None, (model.left_encoder.network, model.decoder.network)):
        network.read_out.weight.mul_(0.1)  # a random correction should not drown the picture
        network.read_out.bias.mul_(0.1)
    return model


def random_model(config, seed=0):
    """A random model around a lapped DCT for synthetic textures."""
    return randomise(copy.deepcopy(started_model(config, seed)), seed)


@cache
def started_model(config, seed):
    """A model around a lapped DCT for synthetic textures, made once; not to be changed."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(16, 3, 8, 8, generator=generator) * 60
    model = StereoCodec(config)
    start_transform(model, torch.nn.functional.interpolate(noise, size=(64, 64), mode="bicubic"))
    return model


def save_random_weights(name, file, seed=0):
    """Write random weights of one of `CONFIGS`; returns their path."""
    return save_weights(random_model(CONFIGS[name], seed), logistic_frequencies(), file)


@pytest.fixture(scope="session")
def weights_files(tmp_path_factory):
    """Paths of random weights for every kind of neuron, by the names of `CONFIGS`."""
    folder = tmp_path_factory.mktemp("weights")
    files = {name: folder / f"{name.replace(' ', '_')}.safetensors" for name in CONFIGS}
    return {name: str(save_random_weights(name, file)) for name, file in files.items()}


def digest_of(loaded):
    """SHA-256 of all that weights hold."""
    digest = hashlib.sha256()
    for name, value in loaded.codec.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode() + value.cpu().numpy().tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="session", autouse=True)
def loaded_so_far():
    """All that `load_weights` has returned and is still there, with its digest at that time."""
    found, read = weakref.WeakKeyDictionary(), shipped_weights.read_weights

    def watched(*given):
        loaded = read(*given)
        if loaded not in found:
            found[loaded] = digest_of(loaded)
        return loaded

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipped_weights, "read_weights", watched)
        yield found


@pytest.fixture(scope="module", autouse=True)
def nobody_changes_loaded_weights(loaded_so_far):
    """What `load_weights` returns is shared by all tests of a process: a module that changes it fails."""
    yield
    assert [loaded.id for loaded, digest in loaded_so_far.items() if digest_of(loaded) != digest] == []


@pytest.fixture(scope="session")
def tiny(weights_files):
    """The path of the random tiny weights that most tests use."""
    return weights_files["ilif"]


@pytest.fixture(scope="session")
def loaded(tiny):
    """The tiny weights, ready for coding."""
    return load_weights(tiny, CPU)


@pytest.fixture(scope="session")
def motorcycle():
    """The left and right view, uint8 [500, 741, 3] each."""
    return tuple(np.ascontiguousarray(view) for view in stereo_motorcycle()[:2])


@pytest.fixture(scope="session")
def crop(motorcycle):
    """The same 96 x 120 pixels of both views."""
    return tuple(np.ascontiguousarray(view[200:296, 300:420]) for view in motorcycle)


def synthetic_pair(height, width, seed=0):
    """A smooth random left view, and itself moved by two columns."""
    low = np.random.default_rng(seed).uniform(-40, 300, (1, 3, height // 12 + 2, width // 12 + 2))
    size = (height, width + 2)
    smooth = torch.nn.functional.interpolate(torch.from_numpy(low), size=size, mode="bicubic", align_corners=True)
    picture = smooth[0].clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return np.ascontiguousarray(picture[:, 2:]), np.ascontiguousarray(picture[:, :-2])


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


def planes(view):
    """uint8 [H, W, 3] -> a tensor uint8 [3, H, W]."""
    return torch.from_numpy(np.ascontiguousarray(view)).permute(2, 0, 1)


def field_of(columns, rows, shape, matched=True):
    """A displacement field of `shape` (h, w) blocks; each argument is one value, or one for every block."""
    displacements = np.stack([np.broadcast_to(np.asarray(part, dtype=np.int64), shape) for part in (columns, rows)])
    return DisplacementField(displacements, np.broadcast_to(np.asarray(matched, dtype=bool), shape).copy())


@pytest.fixture
def threads():
    """A function that sets the number of threads; the old number comes back after the test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)

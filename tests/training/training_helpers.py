"""What tests of training share: synthetic scenes, options of tiny runs, runs of a second, and models as they start."""

from functools import cache

import pytest
import torch
from conftest import CONFIGS, planes, synthetic_pair, textured
from PIL import Image
from safetensors.torch import load_file

from snncodec.model.stereo_codec import StereoCodec
from snncodec.training import initial_transform, trainer
from snncodec.training.crops import CropSampler
from snncodec.training.options import STAGES, TrainOptions

ORDINARY_BATCH, FILTER = CropSampler.batch, cache(initial_transform.lapped_filter)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Runs of a second: nothing compiled, few and small crops to start from and to fit tables to."""

    def batch(self, count, size, colour=True):
        return ORDINARY_BATCH(self, min(count, 12), min(size, 64), colour)

    monkeypatch.setattr(trainer, "compile_neurons", lambda: True)
    monkeypatch.setattr(initial_transform, "lapped_filter", FILTER)
    monkeypatch.setattr(CropSampler, "batch", batch)
    monkeypatch.setattr(trainer, "TABLE_CROPS", 3)
    yield
    torch.set_flush_denormal(False)


@pytest.fixture
def data(tmp_path):
    """Three synthetic scenes and a single picture."""
    folder = tmp_path / "data"
    for number in range(3):
        write_pair(folder / str(number), synthetic_pair(80, 100, number))
    write_picture(folder / "single.png", synthetic_pair(70, 64, 9)[0])
    return folder


@pytest.fixture
def options(data, tmp_path):
    """A function: TrainOptions of a tiny run of 12 steps over all stages into the folder of that name."""

    def make(name, **changes):
        return TrainOptions(
            [data], **{"preset": "tiny", "steps": 12, "stages": STAGES, "out": tmp_path / name, **changes}
        )

    return make


def write_picture(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
    return path


def write_pair(folder, views):
    """left.png and right.png."""
    for name, view in zip(("left", "right"), views, strict=True):
        write_picture(folder / f"{name}.png", view)


def run(options, lines=None):
    """Train as told; the report's lines go into `lines`."""
    return trainer.train(options, (lines if lines is not None else []).append)


def tensors(file):
    """All bytes of a weights file, by the names of its tensors."""
    return {name: value.numpy().tobytes() for name, value in load_file(file).items()}


def views(*seeds, shape=(64, 64)):
    """Textures as training sees pictures: float32 [N, 3, height, width] minus 128."""
    return torch.stack([planes(textured(*shape, seed)) for seed in seeds]).float() - 128


@cache
def fresh_model(name):
    """A model of this configuration of `CONFIGS` as training starts with it; not to be changed."""
    torch.manual_seed(0)
    model = StereoCodec(CONFIGS[name])
    initial_transform.start_transform(model, views(*range(12)))
    return model

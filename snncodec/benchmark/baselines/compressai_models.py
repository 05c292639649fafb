"""Learned codecs of CompressAI: a view and a quality come in, entropy-coded bytes go out, and back.

Weights are read from the folder of torch's downloads and never fetched. Networks run on the CPU, in one thread: the
decoder has to repeat the encoder's probabilities to the last bit.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from snncodec.benchmark.baselines.optional_library import load_library
from snncodec.benchmark.baselines.view_by_view import ViewByView
from snncodec.errors import InputError

# CompressAI 1.2.8 asks for NumPy 1 but works with NumPy 2, hence --no-deps.
INSTALL = "pip install --no-deps compressai && pip install einops pandas torch-geometric"
METRIC = "mse"  # the weights that were trained for it
STRIDE = 64  # pixels to one value of the hyperprior
HEAD = struct.Struct(">BHHI")  # quality, height, width, bytes of the latents; those of the hyperprior are the rest


@dataclass(frozen=True)
class CompressAIModel(ViewByView):
    """A model of CompressAI's zoo, by its name there, at the qualities it was trained for; each view alone.

    A file is a head of nine bytes and what the entropy coder made of the latents and of the hyperprior.
    """

    name: str
    qualities: tuple[int, ...]

    @property
    def settings(self) -> str:
        """The exact settings and library versions, to be printed beside every result."""
        library, weights = load_library("compressai", self.name, INSTALL), map(self._weights, self.qualities)
        return (
            f"CompressAI {library.__version__} (entropy coder {library.get_entropy_coder()}), each view alone, "
            f"{METRIC} weights {', '.join(path.name for path in weights)}, CPU, one thread, "
            f"quality={list(self.qualities)}"
        )

    def check(self) -> None:
        """InputError unless library and all weights are there and a small pair can be coded and decoded.

        The models of all qualities are loaded here, before any clock starts.
        """
        for quality in self.qualities:
            self._model(quality)
        super().check()

    def encode_view(self, view: np.ndarray, quality: int) -> bytes:
        """A file of a uint8 [H, W, 3], whose last row and column are repeated up to multiples of 64."""
        import torch

        height, width = view.shape[:2]
        padded = np.pad(view, ((0, -height % STRIDE), (0, -width % STRIDE), (0, 0)), mode="edge")
        pixels = torch.tensor(padded).permute(2, 0, 1)[None] / 255  # float32 [1, 3, H, W]
        with _one_thread():
            (latents,), (hyper,) = self._model(quality).compress(pixels)["strings"]
        return HEAD.pack(quality, height, width, len(latents)) + latents + hyper

    def decode_view(self, file: bytes) -> np.ndarray:
        """The view, uint8 [H, W, 3]."""
        quality, height, width, length = HEAD.unpack_from(file)
        body = file[HEAD.size :]
        shape = -(-height // STRIDE), -(-width // STRIDE)
        with _one_thread():
            decoded = self._model(quality).decompress([[body[:length]], [body[length:]]], shape)["x_hat"][0]
        view = (decoded.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        return view[:height, :width].copy()

    def _weights(self, quality: int) -> Path:
        """Where the weights lie; InputError where they do not."""
        import torch

        zoo = load_library("compressai.zoo.image", self.name, INSTALL)
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        path = folder / Path(zoo.model_urls[self.name][METRIC][quality]).name
        if not path.exists():
            raise InputError(
                f"the weights {path.name} of {self.name} are not in {folder}; "
                f"put them there or leave {self.name} out of --baselines"
            )
        return path

    def _model(self, quality: int) -> Any:
        self._weights(quality)  # or CompressAI would fetch them
        return _load_model(self.name, quality)


@cache
def _load_model(name: str, quality: int) -> Any:
    zoo = load_library("compressai.zoo", name, INSTALL)
    model = zoo.image_models[name](quality, metric=METRIC, pretrained=True).eval()
    model.update()
    return model


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run torch in one thread and without gradients, as long as it lasts."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_num_threads(threads)

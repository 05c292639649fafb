"""Normative. Models <-> weights files (safetensors): what a file holds, how it is read back, and what is refused.

What the decoder needs, and the linear transform, is stored as integers on a fixed-point grid, with the finished
frequency tables; the networks that only the encoder needs as float16. Nothing is pickled or fetched.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import safetensors
import torch
from safetensors.torch import load, save

from snncodec.bitstream.frequency_tables import FrequencyTables
from snncodec.errors import WeightsError
from snncodec.io.files import write_bytes
from snncodec.io.foreign_files import what_it_is
from snncodec.model.config import ModelConfig
from snncodec.model.exact_codec import ExactCodec
from snncodec.model.lapped_transform import LINEAR_BITS
from snncodec.model.quality import STEP_BITS, STEP_MAX, QualityOffsets
from snncodec.model.stereo_codec import ENCODER_PARTS, StereoCodec
from snncodec.spiking.fixed_point import FRACTION_BITS, on_grid

FORMAT = "snncodec weights, version 1"
TABLES_KEY = "tables"
LINEAR_PARTS = ("transform.",)
GRID_TYPES = (torch.int16, torch.int32)  # of fixed-point numbers


@dataclass(frozen=True, eq=False)
class LoadedWeights:
    """A codec ready for coding, its frequency tables, and the id that files coded with it carry."""

    codec: ExactCodec
    tables: FrequencyTables
    id: bytes  # the first 8 bytes of the sha256 of the weights file

    def turned(self, chroma_angle: int) -> LoadedWeights:
        """The same weights for a file that turns the chroma axes of the transform."""
        return dataclasses.replace(self, codec=self.codec.turned(chroma_angle))


def save_weights(model: StereoCodec, frequencies: np.ndarray, file: Path) -> Path:
    """Write `model`, snapped to its grid, and its tables int32 [192, 602] to `file`, replacing it.

    `WeightsError` for a model that is not provably exact or too large for the format.
    """
    codec = model.prepare(torch.device("cpu"))
    tensors = {TABLES_KEY: torch.from_numpy(frequencies)}
    for name, value in codec.state_dict().items():
        if name == "steps" or not value.is_floating_point():
            tensors[name] = value.contiguous()
        elif _is_half(name):
            tensors[name] = value.half().contiguous()
        else:
            tensors[name] = _to_integers(name, value)
    file.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"config": json.dumps({"format": FORMAT} | model.config.to_dict())}  # one key: their order is not fixed
    write_bytes(file, save(tensors, metadata), force=True)
    return file


@lru_cache(maxsize=4)
def read_weights(data: bytes, name: str, device: torch.device) -> LoadedWeights:
    """Read back `save_weights`; `WeightsError` if the bytes are damaged, foreign or not provably exact."""
    try:
        tensors = load(data)
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    except (safetensors.SafetensorError, AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(f"{name} is not a sound safetensors file: {what_it_is(data[:64]) or error}") from error
    try:
        config = json.loads(metadata.get("config", "{}"))
        if config.pop("format", None) != FORMAT:
            raise WeightsError(f"{name} does not hold snncodec weights of this version (expected {FORMAT!r})")
        tables = FrequencyTables(tensors.pop(TABLES_KEY).numpy())
        codec = _empty_codec(ModelConfig.from_dict(config), sum(tensor.numel() for tensor in tensors.values()))
        codec.load_state_dict(_restore(codec, tensors), assign=True)
        return LoadedWeights(codec.prepare(device), tables, hashlib.sha256(data).digest()[:8])
    except (AttributeError, KeyError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise WeightsError(f"{name} does not fit its own configuration: {error}") from error


def _empty_codec(config: ModelConfig, stored: int) -> ExactCodec:
    """A codec of this configuration, whose numbers mean nothing yet; `ValueError` if far more than are `stored`.

    It is made on the CPU: torch needs two seconds to prepare for its meta device.
    """
    config.check_stored(stored)
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):
        return StereoCodec(config).exact()


def trainable(loaded: LoadedWeights) -> StereoCodec:
    """A trainable float model that starts from loaded weights."""
    model, state = StereoCodec(loaded.codec.config), loaded.codec.state_dict()
    model.load_state_dict(state, strict=False)  # all but the nodes of offsets
    for name, part in model.named_modules():
        if isinstance(part, QualityOffsets):
            part.fit(state[f"{name}.values"])
    return model


def _restore(codec: ExactCodec, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Stored tensors as the state of `codec`, integers scaled back by their grid."""
    state = codec.state_dict()
    if unexpected := state.keys() ^ tensors.keys():
        raise KeyError(f"tensors {sorted(unexpected)[:3]} are missing or unknown")
    for name, target in state.items():
        stored = tensors[name]
        if stored.shape != target.shape:
            raise ValueError(f"tensor {name} has shape {tuple(stored.shape)}, expected {tuple(target.shape)}")
        if stored.dtype not in (allowed := _stored_types(name, target)):
            raise ValueError(f"tensor {name} holds {stored.dtype}, expected {' or '.join(map(str, allowed))}")
        if allowed == GRID_TYPES:
            stored = stored.double() / 2.0 ** _fraction_bits(name)
        if not stored.isfinite().all():
            raise ValueError(f"tensor {name} has values that are not finite")
        state[name] = stored.to(target.dtype)
    steps = state["steps"]
    if not (steps >= 2.0**-STEP_BITS).all() or not on_grid(steps, STEP_BITS):
        raise ValueError("its quantisation steps are not positive multiples of 1/64")
    if steps.max() > STEP_MAX:
        raise ValueError(f"its quantisation steps exceed {STEP_MAX}")
    return state


def _stored_types(name: str, value: torch.Tensor) -> tuple[torch.dtype, ...]:
    """The types in which a file may hold a tensor: what is decoded with is on its grid, whatever the numbers are."""
    if name == "steps" or not value.is_floating_point():
        return (value.dtype,)
    return (torch.float16,) if _is_half(name) else GRID_TYPES


def _is_half(name: str) -> bool:
    return name.startswith(ENCODER_PARTS)


def _fraction_bits(name: str) -> int:
    return LINEAR_BITS if name.startswith(LINEAR_PARTS) else FRACTION_BITS


def _to_integers(name: str, value: torch.Tensor) -> torch.Tensor:
    """Fixed-point numbers as int16 where they fit, else int32."""
    if value.abs().max() * 2.0 ** _fraction_bits(name) >= 2**31:
        raise WeightsError(f"tensor {name} has values up to {value.abs().max():.3g}, too large to be stored")
    integers = (value.double() * 2.0 ** _fraction_bits(name)).round().contiguous()
    return integers.to(torch.int16 if integers.abs().max() < 2**15 else torch.int32)

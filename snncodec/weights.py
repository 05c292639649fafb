"""Models <-> weights files (safetensors), and the shipped weights by name or by the id that a coded file carries.

What the decoder needs, and the linear transform, is stored as integers on a fixed-point grid, with the finished
probability tables; the networks that only the encoder needs as float16. Nothing is pickled or fetched, and shipped
files must match the sha256 of MANIFEST.json.
"""

from __future__ import annotations

import copy
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors
import torch
from safetensors.torch import load, save

from snncodec.config import ModelConfig
from snncodec.entropy import Tables, make_frequencies
from snncodec.errors import UnsupportedError, WeightsError
from snncodec.exact import FRACTION_BITS, snap
from snncodec.files import write_bytes
from snncodec.model import NODES, STEP_BITS, STEP_MAX, StereoCodec
from snncodec.transforms import LINEAR_BITS

FORMAT = "snncodec weights 2"
BEFORE = "snncodec weights 1"  # of the first golden files
TABLES_KEY = "tables"
SHARED_PARTS = ("right_encoder.analysis.", "right_encoder.network.")  # the same as the left encoder's
ENCODER_PARTS = ("right_encoder.side.", "left_encoder.", "encoder_offsets.")
LINEAR_PARTS = ("left_encoder.analysis.", "decoder.synthesis.")


class Weights(NamedTuple):
    """A model ready for coding, its probability tables, and the id that files coded with it carry."""

    model: StereoCodec
    tables: Tables
    id: bytes


def fraction_bits(name: str) -> int:
    return LINEAR_BITS if name.startswith(LINEAR_PARTS) else FRACTION_BITS


def save_weights(model: StereoCodec, file: Path, frequencies: np.ndarray | None = None) -> Path:
    """Write `model`, snapped to its grid, and its tables (logistics when None) to `file`, replacing it."""
    model = copy.deepcopy(model).cpu().prepare(torch.device("cpu"))
    tensors = {TABLES_KEY: torch.from_numpy(make_frequencies() if frequencies is None else frequencies)}
    for name, value in model.state_dict().items():
        if name.startswith(SHARED_PARTS):
            continue
        if name == "steps":
            tensors[name] = value.contiguous()
        elif name.startswith(ENCODER_PARTS) and not name.startswith(LINEAR_PARTS):
            tensors[name] = value.half().contiguous()
        else:
            if value.abs().max() * 2.0 ** fraction_bits(name) >= 2**31:
                raise WeightsError(f"tensor {name} has values up to {value.abs().max():.3g}, too large to be stored")
            integers = (value.double() * 2.0 ** fraction_bits(name)).round().contiguous()
            tensors[name] = integers.to(torch.int16 if integers.abs().max() < 2**15 else torch.int32)
    file.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"config": json.dumps({"format": FORMAT} | model.config.to_dict())}  # one key: their order is not fixed
    write_bytes(file, save(tensors, metadata), force=True)
    return file


@lru_cache(maxsize=4)
def read_weights(data: bytes, name: str, device: torch.device) -> Weights:
    """Read back `save_weights`; `WeightsError` if the bytes are damaged, foreign or not provably exact."""
    try:
        tensors = load(data)
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    except (safetensors.SafetensorError, ValueError) as error:
        raise WeightsError(f"{name} is not a sound safetensors file: {error}") from error
    try:
        config = json.loads(metadata.get("config", "{}"))
        if (version := config.pop("format", None)) not in (FORMAT, BEFORE):
            raise WeightsError(f"{name} does not hold snncodec weights of this version (expected {FORMAT!r})")
        config = {"compared": 4, "attended": (2,)} | config if version == BEFORE else config
        with torch.device("meta"):  # sizes come from the file: nothing is allocated before they fit its tensors
            model = StereoCodec(ModelConfig.from_dict(config))
        tables = Tables(tensors.pop(TABLES_KEY).numpy())
        tensors = modernise(tensors, model) if version == BEFORE else tensors
        model = restore(model, tensors).prepare(device)
    except (AttributeError, KeyError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise WeightsError(f"{name} does not fit its own configuration: {error}") from error
    return Weights(model, tables, hashlib.sha256(data).digest()[:8])


def modernise(tensors: dict[str, torch.Tensor], model: StereoCodec) -> dict[str, torch.Tensor]:
    """Tensors of format 1 by the names of today, in today's `model`, which codes alike with them."""
    names, modern = model.state_dict(), {}
    for name, tensor in tensors.items():
        inside = name.replace("fusion.", "fusion.attention.", 1)
        modern[inside if inside in names else name] = tensor
    doubts = {name: torch.zeros(target.shape) for name, target in names.items() if name.endswith(".doubt")}
    return {name: tensor for name, tensor in (modern | doubts).items() if name in names}


@torch.no_grad()
def restore(model: StereoCodec, tensors: dict[str, torch.Tensor]) -> StereoCodec:
    """Put stored tensors into `model` (on any device, also meta), integers scaled back by their grid; returns it."""
    for offsets in model.offsets():
        offsets.tabulate(100)
    state = {name: value for name, value in model.state_dict().items() if not name.startswith(SHARED_PARTS)}
    if missing := state.keys() ^ tensors.keys():
        raise KeyError(f"tensors {sorted(missing)[:3]} are missing or unknown")
    for name, target in state.items():
        stored = tensors[name]
        if stored.shape != target.shape:
            raise ValueError(f"tensor {name} has shape {tuple(stored.shape)}, expected {tuple(target.shape)}")
        value = stored.double() if stored.is_floating_point() else stored.double() / 2.0 ** fraction_bits(name)
        if not value.isfinite().all():
            raise ValueError(f"tensor {name} has values that are not finite")
        state[name] = value if name == "steps" else value.float()
    names = [name for name in model.state_dict() if name.startswith(SHARED_PARTS)]
    shared = {name: state[name.replace("right_encoder.", "left_encoder.", 1)] for name in names}
    model.load_state_dict(state | shared, assign=True)
    if not (model.steps >= 2.0**-STEP_BITS).all() or not torch.equal(model.steps, snap(model.steps, STEP_BITS)):
        raise ValueError("its quantisation steps are not positive multiples of 1/64")
    if model.steps.max() > STEP_MAX:
        raise ValueError(f"its quantisation steps exceed {STEP_MAX}")
    return model


def folder() -> Path:
    """Where the shipped weights lie: inside the wheel, or beside the package in a checkout."""
    inside = Path(__file__).parent / "_weights"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "weights"


def manifest() -> dict[str, dict[str, object]]:
    """Name -> {"sha256": ..., "bytes": ...} of the shipped weights."""
    file = folder() / "MANIFEST.json"
    return json.loads(file.read_text()) if file.is_file() else {}


def ship(file: Path, name: str) -> None:
    """Make `file` the shipped weights `name`: copy it to `folder` and enter its sha256 and size in MANIFEST.json."""
    data, entries = file.read_bytes(), manifest()
    read_weights(data, str(file), torch.device("cpu"))
    entries[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    write_bytes(folder() / f"{name}.safetensors", data, force=True)
    write_bytes(folder() / "MANIFEST.json", (json.dumps(entries, indent=2) + "\n").encode(), force=True)


def find_by_id(weights_id: bytes) -> str:
    """The name of the shipped weights with this id."""
    for name, entry in manifest().items():
        if str(entry["sha256"]).startswith(weights_id.hex()):
            return name
    raise UnsupportedError(
        f"this file needs weights {weights_id.hex()}, which are not shipped here; name their file with --weights"
    )


def load_weights(name: str, device: torch.device) -> Weights:
    """Shipped weights by name, or any weights file by path, ready for coding on `device`."""
    shipped = manifest().get(name)
    file = folder() / f"{name}.safetensors" if shipped else Path(name)
    if not file.is_file():
        raise WeightsError(f"there are no weights {name!r}: expected a file, or one of {', '.join(manifest())}")
    data = file.read_bytes()
    if shipped and hashlib.sha256(data).hexdigest() != shipped["sha256"]:
        raise WeightsError(f"{file} is damaged: its sha256 is not the one in MANIFEST.json; install snncodec again")
    return read_weights(data, str(file), device)


def load_for_training(name: str) -> StereoCodec:
    """A trainable float model that starts from shipped weights or a weights file."""
    model = copy.deepcopy(load_weights(name, torch.device("cpu")).model).float().train()
    model.steps = model.steps.double()
    for offsets in model.offsets():
        offsets.tabulate(NODES)
    return model.requires_grad_(True)

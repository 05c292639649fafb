"""A folder of stereo pairs comes in; rows of figures, one per pair, codec and quality, go out with means and BD-rates.

Every figure is taken on whole files: a pair is encoded to bytes, the bytes are decoded, and what came back is compared
with what went in. Nothing is printed, and nothing is written anywhere, least of all into the data folder.
"""

from __future__ import annotations

import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from snncodec import container, datasets, images, metrics
from snncodec.baselines import find_baselines
from snncodec.container import Tag
from snncodec.errors import InputError
from snncodec.images import StereoPair

Row = dict[str, Any]
Progress = Callable[[int, int], None]  # (rows done, rows in all)

MEANS = ("bpp", "bpp_left", "bpp_right", "psnr", "psnr_left", "psnr_right", "ms_ssim", "encode_s", "decode_s")
PACKAGES = ("snncodec", "torch", "spikingjelly", "constriction", "numpy", "pillow", "bjontegaard", "pytorch-msssim")
WARM_UP_SIDE = 128  # pixels; enough to load weights and start every kernel once, too small to take time


@dataclass(frozen=True)
class BenchResult:
    """What `run` measured: `rows`, one per pair, codec and quality; a `summary` of them; the `settings` to repeat it
    with; and the `orphans`, pictures without a partner, which were left out."""

    rows: list[Row]
    summary: dict[str, Any]
    settings: dict[str, Any]
    orphans: list[Path]


class Coder(Protocol):
    """What a codec must offer to be measured; `baselines.Baseline` and `Snncodec` do."""

    name: str
    qualities: tuple[int, ...]

    def encode(self, pair: StereoPair, quality: int) -> tuple[bytes, ...]: ...

    def decode(self, files: tuple[bytes, ...]) -> StereoPair: ...

    def view_bytes(self, files: tuple[bytes, ...]) -> tuple[int, int]: ...


@dataclass(frozen=True)
class Snncodec:
    """`codec.encode` and `codec.decode` as a Coder. No ICC profile is stored, as none is in the baselines' files."""

    qualities: tuple[int, ...]
    weights: str | Path
    device: str
    independent: bool
    name: str = "snncodec"

    def encode(self, pair: StereoPair, quality: int) -> tuple[bytes]:
        from snncodec import codec

        options = {"weights": self.weights, "independent": self.independent, "device": self.device}
        return (codec.encode(pair.left, pair.right, quality, **options),)

    def decode(self, files: tuple[bytes]) -> StereoPair:
        from snncodec import codec

        return codec.decode(files[0], weights=self.weights, device=self.device)

    def view_bytes(self, files: tuple[bytes]) -> tuple[int, int]:
        """What each view takes, the displacements counted with the right one; header and profile are in neither."""
        _, sections = container.read_header(files[0])
        lengths = {section.tag: section.length for section in sections}
        return lengths[Tag.LEFT], lengths.get(Tag.DISPARITY, 0) + lengths[Tag.RIGHT]


def run(
    data: Path,
    qualities: Iterable[int],
    baselines: Iterable[str],
    *,
    weights: str | Path = "base",
    device: str = "auto",
    independent: bool = False,
    progress: Progress | None = None,
) -> BenchResult:
    """Measure snncodec at `qualities` (1..100), and each baseline over its own qualities, on all pairs below `data`.

    Raises InputError before the first measurement when there is no pair, no quality, no such baseline or no package for
    BD-rates, and stops at the first pair that cannot be read: a mean over some of the pairs would be mistaken for all.
    Before the clock starts, every codec handles a corner of the first pair once, so no row pays for loading weights.
    """
    alternatives = find_baselines(baselines)
    if alternatives:
        metrics.require_bjontegaard()
    ours = Snncodec(tuple(sorted(set(qualities))), weights, device, independent)
    if not ours.qualities:
        raise InputError("no quality to measure was given; name at least one between 1 and 100")
    scenes, orphans = datasets.find_pairs(data)
    names = Counter(scene.name for scene in scenes)

    coders: list[Coder] = [ours, *alternatives]
    settings = _settings(data, scenes, ours) | {"baselines": {coder.name: coder.settings for coder in alternatives}}
    total = len(scenes) * sum(len(coder.qualities) for coder in coders)
    rows: list[Row] = []
    for scene in scenes:
        pair = images.read_pair(scene.left, scene.right)
        label = scene.name if names[scene.name] == 1 else f"{scene.name} ({scene.left})"  # one curve per pair
        if not rows:
            settings["weights_id"] = _warm_up(coders, pair)
        for coder in coders:
            for quality in coder.qualities:
                rows.append(measure(label, pair, coder, quality))
                if progress:
                    progress(len(rows), total)
    return BenchResult(rows, summarise(rows, ours.name), settings, orphans)


def measure(scene: str, pair: StereoPair, coder: Coder, quality: int) -> Row:
    """One row: the pair through `coder` and back. Bytes are those of all files, PSNR is in dB, times are seconds of
    wall clock from pixels to bytes and from bytes to pixels. bpp of a view are 8 x its own bytes over its pixels."""
    start = time.perf_counter()
    files = coder.encode(pair, quality)
    encoded = time.perf_counter()
    decoded = coder.decode(files)
    end = time.perf_counter()
    num_bytes, pixels = sum(len(file) for file in files), pair.left.shape[0] * pair.left.shape[1]
    bpp_left, bpp_right = (metrics.bpp(count, pixels) for count in coder.view_bytes(files))
    return {
        "scene": scene,
        "codec": coder.name,
        "quality": quality,
        "bytes": num_bytes,
        "bpp": metrics.bpp(num_bytes, 2 * pixels),
        "psnr": metrics.psnr_pair(pair, decoded),
        "psnr_left": metrics.psnr(pair.left, decoded.left),
        "psnr_right": metrics.psnr(pair.right, decoded.right),
        "ms_ssim": metrics.ms_ssim(pair, decoded),
        "encode_s": encoded - start,
        "decode_s": end - encoded,
        "bpp_left": bpp_left,
        "bpp_right": bpp_right,
    }


def summarise(rows: list[Row], ours: str) -> dict[str, Any]:
    """Means over pairs per codec and quality, and the BD-rate of codec `ours` against every other codec in `rows`.

    The summary BD-rate is the mean of the BD-rates of the pairs (see `metrics.bd_rate`), over the pairs that have one.
    A mean PSNR is infinite as soon as one pair came back without loss.
    """
    groups: dict[tuple[str, int], list[Row]] = {}
    curves: dict[str, dict[str, list[metrics.Point]]] = {}
    for row in rows:
        groups.setdefault((row["codec"], row["quality"]), []).append(row)
        curves.setdefault(row["codec"], {}).setdefault(row["scene"], []).append((row["bpp"], row["psnr"]))
    means = [
        {"codec": codec, "quality": quality, "pairs": len(group)}
        | {key: _mean([row[key] for row in group]) for key in MEANS}
        for (codec, quality), group in groups.items()
    ]
    anchors = {codec: scenes for codec, scenes in curves.items() if codec != ours}
    return {"means": means, "bd_rate": {name: _bd_rates(scenes, curves[ours]) for name, scenes in anchors.items()}}


def _bd_rates(anchor: dict[str, list[metrics.Point]], test: dict[str, list[metrics.Point]]) -> dict[str, Any]:
    results = {scene: metrics.bd_rate(points, test[scene]) for scene, points in anchor.items()}
    known = [result.percent for result in results.values() if result.percent is not None]
    scenes = {scene: asdict(result) for scene, result in results.items()}
    return {"mean": _mean(known) if known else None, "pairs": len(known), "scenes": scenes}


def _mean(values: list[float | None]) -> float | None:
    return None if None in values else sum(values) / len(values)


def _warm_up(coders: list[Coder], pair: StereoPair) -> str:
    """Run every coder once on a corner of `pair`; return the id of the weights that snncodec, the first one, used."""
    corner = StereoPair(*(view[:WARM_UP_SIDE, :WARM_UP_SIDE].copy() for view in (pair.left, pair.right)))
    files = [coder.encode(corner, coder.qualities[0]) for coder in coders]
    for coder, made in zip(coders, files, strict=True):
        coder.decode(made)
    header, _ = container.read_header(files[0][0])
    return header.weights_id.hex()


def _settings(data: Path, scenes: list[datasets.Scene], ours: Snncodec) -> dict[str, Any]:
    import torch

    return {
        "data": str(data),
        "pairs": len(scenes),
        "qualities": list(ours.qualities),
        "weights": str(ours.weights),
        "independent": ours.independent,
        "device": ours.device,
        "gpu": torch.cuda.get_device_name() if ours.device != "cpu" and torch.cuda.is_available() else None,
        "cpu": _cpu_name(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
    }


def _cpu_name() -> str:
    """The model of the processor; `platform.processor()` is empty on most Linux systems."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

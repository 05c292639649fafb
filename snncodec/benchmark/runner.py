"""A folder of stereo pairs comes in; rows of figures, one per pair, codec and quality, go out with means and BD-rates.

Every figure is taken on whole files: a pair is encoded to bytes, the bytes are decoded, and what came back is compared
with what went in. Nothing is printed, and nothing is written anywhere, least of all into the data folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from snncodec.benchmark import metrics
from snncodec.benchmark.baselines import find_baselines
from snncodec.benchmark.coder import Coder
from snncodec.benchmark.environment import describe_environment
from snncodec.bitstream import container
from snncodec.bitstream.container import Tag
from snncodec.codec import Codec
from snncodec.constants import DEFAULT_EFFORT
from snncodec.errors import InputError
from snncodec.io import datasets, images
from snncodec.io.images import StereoPair
from snncodec.stopwatch import STAGES, Stopwatch

Row = dict[str, Any]
Progress = Callable[[int, int], None]  # (rows done, rows in all)

STAGE_KEYS = {
    f"{way}_{stage}_s": (number, stage) for number, way in enumerate(("encode", "decode")) for stage in STAGES
}
MEANS = (
    "bpp",
    "bpp_left",
    "bpp_right",
    "psnr",
    "psnr_left",
    "psnr_right",
    "ms_ssim",
    "encode_s",
    "decode_s",
    *STAGE_KEYS,
)
WARM_UP_SIDE = 128  # pixels; enough to load weights and start every kernel once, too small to take time


@dataclass(frozen=True)
class BenchResult:
    """What `run` measured: `rows`, one per pair, codec and quality; a `summary` of them; the `settings` to repeat it
    with; and the `orphans`, pictures without a partner, which were left out."""

    rows: list[Row]
    summary: dict[str, Any]
    settings: dict[str, Any]
    orphans: list[Path]


@dataclass(frozen=True)
class StereoCoder:
    """snncodec as a `Coder`. No ICC profile is stored, as none is in the baselines' files."""

    codec: Codec
    qualities: tuple[int, ...]
    independent: bool
    effort: int
    name: str = "snncodec"

    def encode(self, pair: StereoPair, quality: int) -> tuple[bytes]:
        return (self.codec.encode(*pair.views(), quality, independent=self.independent, effort=self.effort),)

    def decode(self, files: tuple[bytes, ...]) -> StereoPair:
        return self.codec.decode(files[0])

    def view_bytes(self, files: tuple[bytes, ...]) -> tuple[int, int]:
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
    effort: int = DEFAULT_EFFORT,
    progress: Progress | None = None,
) -> BenchResult:
    """Measure snncodec at `qualities` (1..100), and each baseline over its own qualities, on all pairs below `data`.

    Raises InputError before the first measurement when there is no pair, no quality or no such baseline, and stops at
    the first pair that cannot be read: a mean over some of the pairs would be mistaken for all.
    Before the clock starts, every codec handles a corner of the first pair once, so no row pays for loading weights.
    """
    alternatives, chosen = find_baselines(baselines), tuple(sorted(set(qualities)))
    if not chosen:
        raise InputError("no quality to measure was given; name at least one between 1 and 100")
    scenes, orphans = datasets.find_pairs(data)
    ours = StereoCoder(Codec(weights, device), chosen, independent, effort)

    settings = {
        "data": str(data),
        "pairs": len(scenes),
        "qualities": list(chosen),
        "weights": str(weights),
        "weights_id": ours.codec.loaded.id.hex(),
        "independent": independent,
        "effort": effort,
        "device": device,
        "baselines": {coder.name: coder.settings for coder in alternatives},
    } | describe_environment(device)
    rows = _measure_all(scenes, [ours, *alternatives], progress)
    return BenchResult(rows, summarise(rows, ours.name), settings, orphans)


def _measure_all(scenes: list[datasets.Scene], coders: list[Coder], progress: Progress | None) -> list[Row]:
    names = Counter(scene.name for scene in scenes)
    total = len(scenes) * sum(len(coder.qualities) for coder in coders)
    rows: list[Row] = []
    for scene in scenes:
        pair = images.read_pair(scene.left, scene.right)
        label = scene.name if names[scene.name] == 1 else f"{scene.name} ({scene.left})"  # one curve per pair
        if not rows:
            _warm_up(coders, pair)
        for coder in coders:
            for quality in coder.qualities:
                rows.append(measure(label, pair, coder, quality))
                if progress:
                    progress(len(rows), total)
    return rows


def measure(scene: str, pair: StereoPair, coder: Coder, quality: int) -> Row:
    """One row: the pair through `coder` and back. Bytes are those of all files, PSNR is in dB, times are seconds of
    wall clock from pixels to bytes and from bytes to pixels, in all and by stage. bpp of a view are 8 x its own bytes
    over its pixels."""
    clocks = Stopwatch(), Stopwatch()
    with clocks[0].measure():
        files = coder.encode(pair, quality)
    with clocks[1].measure():
        decoded = coder.decode(files)
    psnr_left, psnr_right = (metrics.psnr(a, b) for a, b in zip(pair.views(), decoded.views(), strict=True))
    num_bytes, pixels = sum(len(file) for file in files), pair.left.shape[0] * pair.left.shape[1]
    bpp_left, bpp_right = (metrics.bpp(count, pixels) for count in coder.view_bytes(files))
    return {
        "scene": scene,
        "codec": coder.name,
        "quality": quality,
        "bytes": num_bytes,
        "bpp": metrics.bpp(num_bytes, 2 * pixels),
        "psnr": metrics.psnr_pair(pair, decoded),
        "psnr_left": psnr_left,
        "psnr_right": psnr_right,
        "ms_ssim": metrics.ms_ssim_pair(pair, decoded),
        "encode_s": clocks[0].total,
        "decode_s": clocks[1].total,
        "bpp_left": bpp_left,
        "bpp_right": bpp_right,
    } | {key: clocks[way].seconds[stage] for key, (way, stage) in STAGE_KEYS.items()}


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
    return {"mean": sum(known) / len(known) if known else None, "pairs": len(known), "scenes": scenes}


def _mean(values: list[float | None]) -> float | None:
    """None where one of the values is missing."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def _warm_up(coders: list[Coder], pair: StereoPair) -> None:
    """Run every coder once on a corner of `pair`."""
    left, right = (view[:WARM_UP_SIDE, :WARM_UP_SIDE].copy() for view in pair.views())
    corner = StereoPair(left, right)
    for coder in coders:
        coder.decode(coder.encode(corner, coder.qualities[0]))

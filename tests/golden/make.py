"""Make golden files from the motorcycle pair: `python tests/golden/make.py`.

Golden files are what must decode to the same pixels on every machine, from version 1.0 on for ever; until then they are
replaced with the version of the format, or with the shipped weights that some of them are made with. Every file is
decoded once, and what came out is what all machines must get.
"""

import datetime
import hashlib
import json
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
from golden_weights import CONFIGS, golden_weights
from PIL import Image, ImageCms, ImageFilter
from skimage.data import stereo_motorcycle

from snncodec.benchmark.environment import describe_environment
from snncodec.bitstream.container import read_header
from snncodec.codec import Codec
from snncodec.decoder.inter_view import encode_inter_view
from snncodec.decoder.view import as_picture
from snncodec.decoder.warping import KERNELS
from snncodec.encoder import encode
from snncodec.encoder.displacement_search import DisplacementSearch
from snncodec.encoder.mode_decision import InterViewModes, predict_with
from snncodec.io.files import write_bytes

FOLDER = Path(__file__).parent
INDEX = FOLDER / "golden.json"
CORNER = (150, 280)  # row and column where the crops begin: spokes, edges and a smooth floor


@dataclass(frozen=True)
class Case:
    """One golden file: a crop of the motorcycle pair, and how it is coded."""

    weights: str  # one of `golden_weights.CONFIGS`, or "shipped"
    height: int
    width: int
    quality: int
    independent: bool = False
    kernel: int | None = None  # of interpolation; of files with other than shipped weights
    blur: float = 0  # of the right view, in pixels
    corner: tuple[int, int] = CORNER
    metadata: bool = False  # with a colour profile, date and camera

    @property
    def name(self) -> str:
        kind = "_independent" if self.independent else ""
        kind += f"_kernel{self.kernel}" if self.kernel is not None else ""
        kind += "_metadata" * self.metadata
        return f"{self.weights}_{self.width}x{self.height}_q{self.quality}{kind}.bin"


CASES = [
    *(Case(weights, 64, 96, 50) for weights in CONFIGS),
    *(Case(weights, 40, 47, 20, independent=True) for weights in CONFIGS),
    *(Case("ilif", 80, 112, 40, kernel=kernel, blur=0.7 * (kernel > 2)) for kernel in range(len(KERNELS))),
    Case("ilif", 16, 1600, 30, corner=(240, 0)),  # more than one tile
    Case("lif_T4", 1600, 33, 30, independent=True),
    Case("ilif", 1, 1, 50),
    *(Case("shipped", 133, 200, quality) for quality in (5, 30, 70, 100)),
    Case("shipped", 133, 200, 20, blur=1.2),
    Case("shipped", 65, 47, 50, independent=True),
    Case("shipped", 48, 64, 30, metadata=True),
    Case("shipped", 300, 20, 70, corner=(0, 600)),  # hyper-latents of one and two columns
    Case("shipped", 20, 300, 50, corner=(150, 280)),
]


def views(case):
    """The crop of a case; where the pair is too small for it, mirrored copies continue it."""
    pair = []
    for view in stereo_motorcycle()[:2]:
        padding = [
            (0, max(0, a + n - s)) for a, n, s in zip(case.corner, (case.height, case.width), view.shape, strict=False)
        ]
        padded = np.pad(view, (*padding, (0, 0)), mode="symmetric") if any(map(any, padding)) else view
        rows, columns = (slice(a, a + n) for a, n in zip(case.corner, (case.height, case.width), strict=True))
        pair.append(np.ascontiguousarray(padded[rows, columns]))
    if case.blur:
        pair[1] = np.asarray(Image.fromarray(pair[1]).filter(ImageFilter.GaussianBlur(case.blur)))
    return pair


def forced_modes(case, loaded, left_reconstruction, right, quality, _effort):
    """Inter-view modes with the kernel of a case, whatever they cost; every third matched block is skipped."""
    left = as_picture(left_reconstruction, *right.shape[:2])
    search = DisplacementSearch(left, right, float(loaded.codec.steps[quality - 1]))
    prediction, _ = predict_with(search, left_reconstruction, right, case.kernel or 0, least_share=-1.0)
    section, prediction = encode_inter_view(prediction)
    matched = prediction.field.matched
    skipped = matched & (np.arange(matched.size).reshape(matched.shape) % 3 == 0)
    return InterViewModes(section, prediction.apply(left_reconstruction), skipped), None


def metadata():
    """A colour profile, and when and with what a pair was taken."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "FUJIFILM", "FinePix REAL 3D W3", "2026:11:28 15:00:00"
    return {"icc": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), "exif": exif.tobytes()}


def make(case, codec):
    """Encode the views of a case; returns its entry of the index."""
    decide = encode.decide_inter_view if case.weights == "shipped" else partial(forced_modes, case)
    with patch.object(encode, "decide_inter_view", decide):
        kept = metadata() if case.metadata else {}
        data = codec.encode(*views(case), case.quality, independent=case.independent, **kept)
    write_bytes(FOLDER / case.name, data, force=True)
    pair = codec.decode(data)
    return {
        "sha256_left": hashlib.sha256(pair.left.tobytes()).hexdigest(),
        "sha256_right": hashlib.sha256(pair.right.tobytes()).hexdigest(),
        "weights": case.weights,
        "inter_view": read_header(data)[0].inter_view,
        "made_on": f"{describe_environment('cpu')['cpu']}, {datetime.datetime.now(datetime.UTC).date()}",
    }


if __name__ == "__main__":
    for file in FOLDER.glob("*.bin"):
        file.unlink()
    entries = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in (*CONFIGS, "shipped"):
            weights = "base" if name == "shipped" else golden_weights(name, Path(folder, f"{name}.safetensors"))
            codec = Codec(weights, "cpu")
            for case in (case for case in CASES if case.weights == name):
                entries[case.name] = make(case, codec)
                print(case.name, (FOLDER / case.name).stat().st_size, entries[case.name]["inter_view"])  # noqa: T201
    write_bytes(INDEX, json.dumps(entries, indent=1).encode() + b"\n", force=True)

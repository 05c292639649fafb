"""The codecs that snncodec is compared with, by the names that `--baselines` takes: one file for each library.

Libraries are imported when a baseline is used, so that a list of the names costs nothing. Those of the first four come
with snncodec, the others with `pip install '.[peers]'`. Qualities cover about 0.1 to 4 bits per pixel on the motorcycle
pair of scikit-image, as far as a codec goes there.
"""

from __future__ import annotations

from collections.abc import Iterable

from snncodec.benchmark.baselines.compressai_models import CompressAIModel
from snncodec.benchmark.baselines.jpeg_xl import JpegXL
from snncodec.benchmark.baselines.pillow_formats import AVIF, AVIF_PSNR, JPEG, WEBP
from snncodec.benchmark.baselines.vvc import VVenC
from snncodec.benchmark.baselines.x265 import X265, X265Stereo
from snncodec.benchmark.coder import Baseline
from snncodec.errors import InputError

_QP_45_TO_15 = (6, 12, 18, 24, 30, 36)  # x265's quality is 51 - QP
_ALL: tuple[Baseline, ...] = (
    JPEG,
    WEBP,
    AVIF,
    AVIF_PSNR,
    JpegXL("jxl", effort=7, qualities=(0, 20, 50, 70, 85, 92, 97)),
    X265("x265", "slower", None, _QP_45_TO_15),
    X265("x265-psnr", "slower", "psnr", _QP_45_TO_15),
    X265Stereo("x265-stereo", "slower", None, _QP_45_TO_15),
    X265Stereo("x265-stereo-psnr", "slower", "psnr", _QP_45_TO_15),
    VVenC("vvc", "fast", (21, 29, 37, 45)),
    CompressAIModel("mbt2018-mean", (1, 2, 3, 4, 5, 6, 7, 8)),
    CompressAIModel("cheng2020-anchor", (1, 2, 3, 4, 5, 6)),
)
BASELINES = {baseline.name: baseline for baseline in _ALL}


def find_baselines(names: Iterable[str]) -> list[Baseline]:
    """The baselines of these names, each tried on a small picture; InputError for an unknown or unsupported one."""
    chosen = []
    for name in dict.fromkeys(names):
        if name not in BASELINES:
            raise InputError(f"there is no baseline {name!r}; choose from {', '.join(BASELINES)}")
        BASELINES[name].check()
        chosen.append(BASELINES[name])
    return chosen

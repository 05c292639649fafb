"""What tests of the report share: two small pairs with awkward names, really coded, and the report of them."""

import json
import re

import pytest
from PIL import Image

from snncodec.benchmark import measurement
from snncodec.benchmark.coders import StereoCoder
from snncodec.benchmark.measurement import Picture
from snncodec.benchmark.runner import BenchResult
from snncodec.benchmark.summary import summarise
from snncodec.benchmark.web_report import write_report
from snncodec.codec import Codec
from snncodec.io.datasets import Scene

LABELS = ("chain", "</script><b>&\"'{{ js }}")
QUALITIES = (20, 60)


@pytest.fixture(scope="session")
def tiny_result(tmp_path_factory, motorcycle, tiny):
    """What `run` would return; there is no file of the second pair at the higher quality."""
    folder, coder = tmp_path_factory.mktemp("pictures"), StereoCoder(Codec(tiny, "cpu"), QUALITIES, False, 1)
    rows, pictures, files = [], [], {}
    for number, label in enumerate(LABELS):
        paths = [folder / f"{number}_{side}.png" for side in ("left", "right")]
        for path, view in zip(paths, motorcycle, strict=True):
            Image.fromarray(view[200:290, 300 + 50 * number : 420 + 50 * number]).save(path)
        pictures.append(Picture.inspect(label, Scene(label, *paths)))
        for quality in QUALITIES:
            row, (files[label, quality],) = measurement.measure(pictures[-1], pictures[-1].read(), coder, quality)
            rows.append(row)
    rows += [row | {"codec": "other <codec>", "bpp": 2 * row["bpp"]} for row in rows]
    del files[LABELS[1], QUALITIES[1]]
    settings = {"data": "<pairs>", "weights": tiny, "device": "cpu", "coders": {"snncodec": coder.settings}}
    return BenchResult(rows, summarise(rows, "snncodec"), settings, [], pictures, files)


@pytest.fixture(scope="session")
def report(tiny_result, tmp_path_factory):
    """The folder of a report; not to be changed."""
    folder = tmp_path_factory.mktemp("report") / "out"
    write_report(tiny_result, folder)
    return folder


def contents(report):
    """What a page holds of each pair."""
    page = (report / "index.html").read_text(encoding="utf-8")
    return [json.loads(found) for found in re.findall(r'class="scene">(.*?)</script>', page, re.DOTALL)]

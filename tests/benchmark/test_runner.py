"""Promises of bench.py: whole files are measured, nothing is left out of a rate, and the settings are told."""

import io
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage.data import stereo_motorcycle
from snncodec.baselines import BASELINES
from snncodec.container import Header, Tag, pack, unpack
from snncodec.images import StereoPair

import snncodec
from snncodec import bench, metrics
from snncodec.errors import InputError, SnncodecError

KEYS = ["scene", "codec", "quality", "bytes", "bpp", "psnr", "psnr_left", "psnr_right"]
KEYS += ["ms_ssim", "encode_s", "decode_s", "bpp_left", "bpp_right"]
QUALITIES = [10, 20, 35, 50, 70, 85]


class FakeCodec:
    """JPEG in a real snncodec container, through the interface of codec.py; quality 100 is lossless (PNG)."""

    def __init__(self):
        self.encoded = []  # (height, quality, options) of every call

    def encode(self, left, right, quality=50, **options):
        self.encoded.append((left.shape[0], quality, options))
        header = Header(left.shape[1], left.shape[0], quality, b"weights!", coupled=False)
        return pack(header, {Tag.LEFT: self._picture(left, quality), Tag.RIGHT: self._picture(right, quality)})

    def decode(self, data, left_only=False, **options):
        _, sections = unpack(data)
        return StereoPair(*(np.asarray(Image.open(io.BytesIO(sections[tag]))) for tag in (Tag.LEFT, Tag.RIGHT)))

    def _picture(self, view, quality):
        buffer = io.BytesIO()
        Image.fromarray(view).save(buffer, "PNG" if quality == 100 else "JPEG", quality=quality, optimize=True)
        return buffer.getvalue()


def install(patch):
    fake = FakeCodec()
    patch.setitem(sys.modules, "snncodec.codec", fake)
    patch.setattr(snncodec, "codec", fake, raising=False)
    return fake


@pytest.fixture
def codec(monkeypatch):
    return install(monkeypatch)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two scenes cut from the motorcycle pair, and a left picture without a partner."""
    folder = tmp_path_factory.mktemp("data")
    views = stereo_motorcycle()[:2]
    for name, top in (("chain", 250), ("wall", 40)):
        (folder / name).mkdir()
        for side, view in zip(("left", "right"), views, strict=True):
            Image.fromarray(view[top : top + 170, 280:481]).save(folder / name / f"{side}.png")
    (folder / "lost").mkdir()
    Image.fromarray(views[0][:8, :8]).save(folder / "lost" / "left.png")
    return folder


@pytest.fixture(scope="module")
def measured(data):
    """One run that many tests look at, and the fake codec it was made with."""
    with pytest.MonkeyPatch.context() as patch:
        codec = install(patch)
        return codec, bench.run(data, QUALITIES, ["jpeg"])


@pytest.fixture
def result(measured):
    return measured[1]


def test_rows_hold_exactly_the_promised_keys(result):
    for row in result.rows:
        assert list(row) == KEYS


def test_there_is_one_row_per_pair_codec_and_quality(result):
    found = [(row["scene"], row["codec"], row["quality"]) for row in result.rows]
    ours, jpeg = [("snncodec", q) for q in QUALITIES], [("jpeg", q) for q in BASELINES["jpeg"].qualities]
    assert found == [(scene, *coder) for scene in ("chain", "wall") for coder in ours + jpeg]


def test_bits_are_those_of_the_whole_file(codec, result, data):
    left, right = (np.asarray(Image.open(data / "wall" / f"{side}.png")) for side in ("left", "right"))
    row = next(row for row in result.rows if (row["scene"], row["codec"], row["quality"]) == ("wall", "snncodec", 50))
    assert row["bytes"] == len(codec.encode(left, right, 50, independent=False))
    assert row["bpp"] == 8 * row["bytes"] / (2 * 170 * 201)
    views = (row["bpp_left"] + row["bpp_right"]) / 2
    assert 0 < row["bpp"] - views < 8 * 100 / (2 * 170 * 201)  # the header
    jpeg = next(row for row in result.rows if row["codec"] == "jpeg")
    assert jpeg["bpp"] == pytest.approx((jpeg["bpp_left"] + jpeg["bpp_right"]) / 2)


def test_quality_is_that_of_the_decoded_file(codec, data, monkeypatch):
    grey = StereoPair(*[np.full((170, 201, 3), value, np.uint8) for value in (100, 150)])
    monkeypatch.setattr(codec, "decode", lambda data, **options: grey)
    row = bench.run(data, [50], []).rows[0]
    left, right = (np.asarray(Image.open(data / "chain" / f"{side}.png")) for side in ("left", "right"))
    assert row["psnr"] == metrics.psnr_pair(StereoPair(left, right), grey)
    assert (row["psnr_left"], row["psnr_right"]) == (metrics.psnr(left, grey.left), metrics.psnr(right, grey.right))


def test_times_are_those_of_encoding_and_decoding(codec, data, monkeypatch):
    clock = iter(range(0, 1000, 7))
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(clock))
    assert [(row["encode_s"], row["decode_s"]) for row in bench.run(data, [50], []).rows] == [(7, 7), (7, 7)]


def test_the_first_call_is_small_and_untimed(measured):
    codec, _ = measured
    assert [height for height, _, _ in codec.encoded] == [128] + [170] * 2 * len(QUALITIES)


def test_options_reach_the_codec_and_the_settings(codec, data):
    result = bench.run(data, [50], [], weights="tiny", device="cpu", independent=True)
    assert codec.encoded[-1][2] == {"weights": "tiny", "device": "cpu", "independent": True}
    settings = {key: result.settings[key] for key in ("weights", "device", "independent", "weights_id")}
    assert settings == {"weights": "tiny", "device": "cpu", "independent": True, "weights_id": b"weights!".hex()}


def test_settings_name_machine_versions_and_baselines(result):
    assert result.settings["baselines"] == {"jpeg": BASELINES["jpeg"].settings}
    assert result.settings["cpu"] and result.settings["threads"] >= 1
    assert result.settings["versions"]["pillow"] and result.settings["versions"]["python"]


def test_summary_means_are_means_over_pairs(result):
    rows = [row for row in result.rows if (row["codec"], row["quality"]) == ("jpeg", 50)]
    mean = next(mean for mean in result.summary["means"] if (mean["codec"], mean["quality"]) == ("jpeg", 50))
    assert mean["pairs"] == 2
    for key in ("bpp", "psnr", "ms_ssim", "encode_s"):
        assert mean[key] == pytest.approx((rows[0][key] + rows[1][key]) / 2)


def test_jpeg_in_our_container_loses_to_jpeg_by_the_container_only(result):
    entry = result.summary["bd_rate"]["jpeg"]
    assert 0 < entry["mean"] < 5
    assert entry["mean"] == pytest.approx(np.mean([found["percent"] for found in entry["scenes"].values()]))


def test_mean_bd_rate_averages_pairs_and_leaves_out_those_without():
    def rows(scene, codec, factor, points=5):
        return [
            dict.fromkeys(KEYS, 0.0)
            | {"scene": scene, "codec": codec, "quality": q, "bpp": factor * 2**q, "psnr": 30 + q}
            for q in range(points)
        ]

    table = rows("a", "snncodec", 50) + rows("b", "snncodec", 0.9) + rows("c", "snncodec", 1, points=2)
    table += rows("a", "jpeg", 100) + rows("b", "jpeg", 1) + rows("c", "jpeg", 1)
    entry = bench.summarise(table, "snncodec")["bd_rate"]["jpeg"]
    assert entry["mean"] == pytest.approx((-50 - 10) / 2)
    assert entry["pairs"] == 2 and "2 usable points" in entry["scenes"]["c"]["reason"]


def test_scenes_of_one_name_stay_apart(codec, data, monkeypatch):
    scenes, _ = bench.datasets.find_pairs(data)
    twins = [replace(scene, name="twin") for scene in scenes]
    monkeypatch.setattr(bench.datasets, "find_pairs", lambda root: (twins, []))
    assert len({row["scene"] for row in bench.run(data, [50], []).rows}) == 2


def test_orphans_are_handed_on(result, data):
    assert result.orphans == [data / "lost" / "left.png"]


def test_progress_counts_every_row(codec, data):
    calls = []
    bench.run(data, [10, 50], [], progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_bench_writes_nothing_into_the_data(codec, data):
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    bench.run(data, [50], ["jpeg"])
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before


def test_a_pair_that_cannot_be_read_stops_the_run(codec, tmp_path):
    (tmp_path / "scene").mkdir()
    for side in ("left", "right"):
        (tmp_path / "scene" / f"{side}.png").write_bytes(b"not a picture")
    with pytest.raises(SnncodecError):
        bench.run(tmp_path, [50], [])


def test_a_folder_without_pairs_is_refused(codec, tmp_path):
    with pytest.raises(InputError):
        bench.run(tmp_path, [50], [])


def test_missing_packages_and_baselines_are_noticed_before_measuring(codec, data, monkeypatch):
    with pytest.raises(InputError, match="no baseline 'gif'"):
        bench.run(data, [50], ["gif"])
    monkeypatch.setitem(sys.modules, "bjontegaard", None)
    with pytest.raises(InputError, match="pip install"):
        bench.run(data, [50], ["jpeg"])
    assert not codec.encoded

"""Promises of snncodec.benchmark.runner: whole files are measured, nothing is left out of a rate, settings are told."""

import io
import shutil
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from snncodec import stopwatch
from snncodec.benchmark import coders, measurement, metrics, report, runner
from snncodec.benchmark.baselines import BASELINES
from snncodec.benchmark.summary import summarise
from snncodec.bitstream.container import Header, Tag, pack, unpack
from snncodec.codec import Codec
from snncodec.errors import InputError, SnncodecError
from snncodec.io.images import StereoPair
from snncodec.stopwatch import STAGES

KEYS = ["scene", "height", "width", "codec", "quality", "bytes", "bpp", "psnr", "psnr_left", "psnr_right"]
KEYS += ["ms_ssim", "encode_s", "decode_s", "bpp_left", "bpp_right"]
KEYS += [f"{way}_{stage}_s" for way in ("encode", "decode") for stage in STAGES]
QUALITIES = [10, 20, 35, 50, 70, 85]


class FakeCodec:
    """JPEG in a real snncodec container, through the interface of `Codec`; quality 100 is lossless (PNG)."""

    loaded = SimpleNamespace(id=b"weights!")

    def __init__(self):
        self.made = []  # (weights, device) of every codec
        self.encoded = []  # (height, quality, independent) of every call

    def __call__(self, weights, device):
        """Stands in for the class `Codec`."""
        self.made.append((weights, device))
        return self

    def encode(self, left, right, quality=50, *, independent=False, effort=5):
        self.encoded.append((left.shape[0], quality, independent))
        header = Header(left.shape[1], left.shape[0], quality, self.loaded.id, inter_view=False)
        return pack(header, {Tag.LEFT: self._picture(left, quality), Tag.RIGHT: self._picture(right, quality)})

    def decode(self, data):
        _, sections = unpack(data)
        return StereoPair(*(np.asarray(Image.open(io.BytesIO(sections[tag]))) for tag in (Tag.LEFT, Tag.RIGHT)))

    def _picture(self, view, quality):
        buffer = io.BytesIO()
        Image.fromarray(view).save(buffer, "PNG" if quality == 100 else "JPEG", quality=quality, optimize=True)
        return buffer.getvalue()


@pytest.fixture
def codec(monkeypatch):
    fake = FakeCodec()
    monkeypatch.setattr("snncodec.codec.Codec", fake)
    return fake


@pytest.fixture(autouse=True)
def no_peak_memory(monkeypatch, request):
    """Other processes know nothing of the fake codec."""
    if "codec" in request.fixturenames:
        monkeypatch.setattr(runner, "peak_memory", lambda task, contest: {"encode_peak_mb": 1.0, "decode_peak_mb": 1.0})


@pytest.fixture(scope="module")
def data(tmp_path_factory, motorcycle):
    """Two scenes cut from the motorcycle pair, and a left picture without a partner."""
    folder = tmp_path_factory.mktemp("data")
    for name, top in (("chain", 250), ("wall", 40)):
        (folder / name).mkdir()
        for side, view in zip(("left", "right"), motorcycle, strict=True):
            Image.fromarray(view[top : top + 170, 280:481]).save(folder / name / f"{side}.png")
    (folder / "lost").mkdir()
    Image.fromarray(motorcycle[0][:8, :8]).save(folder / "lost" / "left.png")
    return folder


@pytest.fixture(scope="module")
def measured(data):
    """One run that many tests look at, and the fake codec it was made with."""
    with pytest.MonkeyPatch.context() as patch:
        codec = FakeCodec()
        patch.setattr("snncodec.codec.Codec", codec)
        patch.setattr(runner, "peak_memory", lambda task, contest: {})
        return codec, runner.run(data, QUALITIES, ["jpeg"])


@pytest.fixture
def result(measured):
    return measured[1]


def views(data, scene):
    return [np.asarray(Image.open(data / scene / f"{side}.png")) for side in ("left", "right")]


def test_rows_hold_exactly_the_promised_keys(result):
    for row in result.rows:
        assert list(row) == KEYS


def test_there_is_one_row_per_pair_codec_and_quality(result):
    found = [(row["scene"], row["codec"], row["quality"]) for row in result.rows]
    ours, jpeg = [("snncodec", q) for q in QUALITIES], [("jpeg", q) for q in BASELINES["jpeg"].qualities]
    assert found == [(scene, *coder) for scene in ("chain", "wall") for coder in ours + jpeg]


def test_bits_are_those_of_the_whole_file(result, data):
    row = next(row for row in result.rows if (row["scene"], row["codec"], row["quality"]) == ("wall", "snncodec", 50))
    assert row["bytes"] == len(FakeCodec().encode(*views(data, "wall"), 50))
    assert row["bpp"] == 8 * row["bytes"] / (2 * 170 * 201)
    of_views = (row["bpp_left"] + row["bpp_right"]) / 2
    assert 0 < row["bpp"] - of_views < 8 * 100 / (2 * 170 * 201)  # the header
    jpeg = next(row for row in result.rows if row["codec"] == "jpeg")
    assert jpeg["bpp"] == pytest.approx((jpeg["bpp_left"] + jpeg["bpp_right"]) / 2)


def test_displacements_count_with_the_right_view():
    sections = {Tag.DISPARITY: b"d" * 7, Tag.LEFT: b"l" * 11, Tag.RIGHT: b"r" * 13}
    data = pack(Header(16, 16, 50, bytes(8), inter_view=True), sections)
    assert coders.StereoCoder(FakeCodec(), (50,), independent=False, effort=5).view_bytes((data,)) == (11, 20)


def test_quality_is_that_of_the_decoded_file(codec, data, monkeypatch):
    grey = StereoPair(*[np.full((170, 201, 3), value, np.uint8) for value in (100, 150)])
    monkeypatch.setattr(codec, "decode", lambda data: grey)
    row = runner.run(data, [50], []).rows[0]
    left, right = views(data, "chain")
    assert row["psnr"] == metrics.psnr_pair(StereoPair(left, right), grey)
    assert (row["psnr_left"], row["psnr_right"]) == (metrics.psnr(left, grey.left), metrics.psnr(right, grey.right))


def test_times_are_those_of_encoding_and_decoding(codec, data, monkeypatch):
    clock = iter(range(0, 1000, 7))
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: next(clock))
    assert [(row["encode_s"], row["decode_s"]) for row in runner.run(data, [50], []).rows] == [(7, 7), (7, 7)]


def test_the_first_call_is_small_and_untimed(measured):
    codec, _ = measured
    assert [height for height, _, _ in codec.encoded] == [128] + [170] * 2 * len(QUALITIES)


def test_weights_are_loaded_once(measured):
    codec, _ = measured
    assert codec.made == [("base", "auto")]


def test_options_reach_the_codec_and_the_settings(codec, data):
    result = runner.run(data, [50], [], weights="tiny", device="cpu", independent=True, effort=2)
    assert codec.made == [("tiny", "cpu")] and codec.encoded[-1] == (170, 50, True)
    settings = {key: result.settings[key] for key in ("weights", "device", "independent", "effort")}
    assert settings == {"weights": "tiny", "device": "cpu", "independent": True, "effort": 2}
    assert b"weights!".hex() in result.settings["coders"]["snncodec"]


def test_settings_name_machine_versions_and_baselines(result):
    assert result.settings["coders"]["jpeg"] == BASELINES["jpeg"].settings
    assert result.settings["cpu"] and result.settings["threads"] == 1
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
    entry = summarise(table, "snncodec")["bd_rate"]["jpeg"]
    assert entry["mean"] == pytest.approx((-50 - 10) / 2)
    assert entry["pairs"] == 2 and "2 usable points" in entry["scenes"]["c"]["reason"]


def test_scenes_of_one_name_stay_apart(codec, data, monkeypatch):
    scenes, _ = runner.datasets.find_pairs(data)
    twins = [replace(scene, name="twin") for scene in scenes]
    monkeypatch.setattr(runner.datasets, "find_pairs", lambda root: (twins, []))
    assert len({row["scene"] for row in runner.run(data, [50], []).rows}) == 2


def test_orphans_are_handed_on(result, data):
    assert result.orphans == [data / "lost" / "left.png"]


def test_progress_counts_pixels_and_pairs(codec, data):
    calls, pixels = [], 2 * 170 * 201
    runner.run(data, [10, 50], [], progress=lambda *progress: calls.append(progress))
    pairs = ["0 of 2 pairs", "1 of 2 pairs", "1 of 2 pairs", "2 of 2 pairs"]
    assert calls == [(done * pixels, 4 * pixels, words) for done, words in enumerate(pairs, start=1)]


def test_bench_writes_nothing_into_the_data(codec, data):
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    runner.run(data, [50], ["jpeg"])
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before


def test_a_pair_that_cannot_be_read_stops_the_run(codec, tmp_path):
    (tmp_path / "scene").mkdir()
    for side in ("left", "right"):
        (tmp_path / "scene" / f"{side}.png").write_bytes(b"not a picture")
    with pytest.raises(SnncodecError):
        runner.run(tmp_path, [50], [])


def test_a_pair_that_cannot_be_read_is_left_out_and_told_before_anything_is_measured(codec, data, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "data" / "wall" / "left.png").write_bytes(b"not a picture")
    told = []
    result = runner.run(
        tmp_path / "data", [20, 50], ["jpeg"], note=lambda line: told.append((line, len(codec.encoded)))
    )
    assert {row["scene"] for row in result.rows} == {"chain"} and not result.interrupted
    assert result.missing == len(result.rows) == 2 + len(BASELINES["jpeg"].qualities)
    assert told == [(f"note: {result.faults[0]}", 0)] and len(result.faults) == 1
    assert "wall is left out" in result.faults[0] and "left.png" in result.faults[0]


@pytest.mark.parametrize("error", [InputError("the file is gone"), OSError(5, "Input/output error")])
def test_a_row_that_cannot_be_measured_is_missing_and_the_others_are_there(codec, data, tmp_path, monkeypatch, error):
    encode = codec.encode

    def failing(left, right, quality, **options):
        if left.shape[0] > measurement.WARM_UP_SIDE and quality == 20:
            raise error
        return encode(left, right, quality, **options)

    monkeypatch.setattr(codec, "encode", failing)
    result = runner.run(data, [10, 20, 50], [], cache=tmp_path)
    assert [row["quality"] for row in result.rows] == [10, 50] * 2 and result.missing == len(result.faults) == 2
    assert str(error) in result.faults[0]
    monkeypatch.setattr(codec, "encode", encode)
    assert not runner.run(data, [10, 20, 50], [], cache=tmp_path).missing


def test_what_was_measured_is_not_measured_again(codec, data, tmp_path):
    first = runner.run(data, [20, 50], ["jpeg"], cache=tmp_path)
    calls = len(codec.encoded)
    again = runner.run(data, [20, 50], ["jpeg"], cache=tmp_path)
    assert len(codec.encoded) == calls
    assert (again.rows, again.summary, again.files) == (first.rows, first.summary, first.files)


def test_a_changed_setting_picture_or_program_is_measured(codec, data, tmp_path, monkeypatch):
    def encodes(folder=data, **options):
        before = len(codec.encoded)
        runner.run(folder, [50], [], cache=tmp_path / "cache", **options)
        return [height for height, _, _ in codec.encoded[before:] if height > measurement.WARM_UP_SIDE]

    assert len(encodes()) == 2 and len(encodes()) == 0
    assert len(encodes(effort=3)) == 2
    shutil.copytree(data, tmp_path / "data")
    Image.fromarray(np.zeros((170, 201, 3), np.uint8)).save(tmp_path / "data" / "wall" / "left.png")
    assert len(encodes(tmp_path / "data")) == 1
    monkeypatch.setattr(runner, "hash_of_program", lambda codec: "of tomorrow")
    assert len(encodes()) == 2


def test_rows_of_an_interrupted_run_are_kept_and_the_rest_is_measured_later(codec, data, tmp_path, monkeypatch):
    whole, encode = [], codec.encode

    def interrupted(left, right, quality, **options):
        if left.shape[0] > measurement.WARM_UP_SIDE and len(whole) == 3:
            raise KeyboardInterrupt
        whole.append(quality)
        return encode(left, right, quality, **options)

    monkeypatch.setattr(codec, "encode", interrupted)
    partial = runner.run(data, [10, 20, 50], [], cache=tmp_path)
    assert len(partial.rows) == 2 and partial.missing == 4 and partial.interrupted and not partial.faults
    monkeypatch.setattr(codec, "encode", encode)
    complete = runner.run(data, [10, 20, 50], [], cache=tmp_path)
    assert complete.rows[:2] == partial.rows and len(complete.rows) == 6 and not complete.missing


def test_peak_memory_that_cannot_be_measured_is_told_and_takes_nothing_else_along(codec, data, monkeypatch):
    def dies(task, contest):
        raise BrokenProcessPool("died")

    monkeypatch.setattr(runner, "peak_memory", dies)
    result = runner.run(data, [50], [])
    assert len(result.rows) == 2 and result.summary["peak_memory"] == {} and "memory of snncodec" in result.faults[0]
    report.print_tables(result, Console(file=io.StringIO()))


def test_a_process_that_dies_takes_no_finished_row_along(codec, data, monkeypatch):
    future = Future()
    future.set_exception(BrokenProcessPool("died"))
    assert "has died" in measurement._result(future)


def test_a_first_pair_that_is_gone_when_measuring_begins_costs_only_its_own_rows(codec, data, tmp_path, monkeypatch):
    shutil.copytree(data, tmp_path / "data")
    inspect = runner._inspect_all

    def then_gone(*given):
        pictures = inspect(*given)
        shutil.rmtree(tmp_path / "data" / "chain")
        return pictures

    monkeypatch.setattr(runner, "_inspect_all", then_gone)
    result = runner.run(tmp_path / "data", [50], [])
    assert [row["scene"] for row in result.rows] == ["wall"] and result.missing == 1 and "chain" in result.faults[0]


def test_several_processes_measure_what_one_does(data, tiny, tmp_path):
    alone, together = (runner.run(data, [20, 50], ["jpeg"], weights=tiny, jobs=jobs) for jobs in (1, 2))
    figures = [[{k: v for k, v in row.items() if not k.endswith("_s")} for row in r.rows] for r in (alone, together)]
    assert figures[0] == figures[1]


def test_peak_memory_is_that_of_a_process_of_its_own(data, tiny):
    ballast = np.ones(2**27)  # a gigabyte of this process, which is nothing to a process that JPEG runs in
    found = runner.run(data, [20], ["jpeg"], weights=tiny).summary["peak_memory"]
    assert 20 < found["jpeg"]["encode_peak_mb"] < 200 < found["snncodec"]["decode_peak_mb"] < ballast.nbytes / 1e6


def test_a_folder_without_pairs_is_refused(codec, tmp_path):
    with pytest.raises(InputError):
        runner.run(tmp_path, [50], [])


@pytest.mark.parametrize(
    ("qualities", "baselines", "words"), [([50], ["gif"], "no baseline 'gif'"), ([], ["jpeg"], "no quality")]
)
def test_what_cannot_be_measured_is_noticed_before_measuring(codec, data, qualities, baselines, words):
    with pytest.raises(InputError, match=words):
        runner.run(data, qualities, baselines)
    assert not codec.encoded and not codec.made


def test_the_real_codec_is_measured_as_files_have_it(data, tiny):
    result = runner.run(data, [30], [], weights=tiny, device="cpu")
    left, right = views(data, "wall")
    codec = Codec(tiny, "cpu")
    file = codec.encode(left, right, 30)
    row = result.rows[1]
    assert row["bytes"] == len(file)
    assert row["psnr"] == metrics.psnr_pair(StereoPair(left, right), codec.decode(file))

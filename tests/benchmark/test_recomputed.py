"""The promise of `bench`: whoever takes the files and other code (Pillow, numpy, scipy) finds the same figures."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.interpolate import PchipInterpolator
from skimage.data import stereo_motorcycle
from typer.testing import CliRunner

from snncodec.benchmark import runner
from snncodec.cli import app

QUALITIES = (15, 35, 60, 85)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A pair on disk, and what `bench` says about it."""
    folder = tmp_path_factory.mktemp("recomputed")
    (folder / "pairs/one").mkdir(parents=True)
    for name, view in zip(("left", "right"), stereo_motorcycle(), strict=False):
        Image.fromarray(view[200:328, 300:460]).save(folder / f"pairs/one/{name}.png")
    return folder, runner.run(folder / "pairs", QUALITIES, ["jpeg"])


def pixels_of(*files):
    return np.stack([np.asarray(Image.open(file).convert("RGB"), float) for file in files])


def originals(folder):
    return pixels_of(folder / "pairs/one/left.png", folder / "pairs/one/right.png")


def figures(original, decoded, num_bytes):
    psnr = 10 * np.log10(255**2 / np.mean((original - decoded) ** 2))
    return pytest.approx((8 * num_bytes / (original.size / 3), psnr), rel=1e-9)


def rows_of(result, codec):
    return {row["quality"]: row for row in result.rows if row["codec"] == codec}


@pytest.mark.parametrize("quality", QUALITIES)
def test_bpp_and_psnr_are_those_of_the_files_that_decode_writes(quality, measured, tmp_path):
    folder, result = measured
    row, file = rows_of(result, "snncodec")[quality], tmp_path / "pair.bin"
    file.write_bytes(result.files["one", quality])
    assert CliRunner().invoke(app, ["decode", str(file), "-o", str(tmp_path / "pair")]).exit_code == 0
    decoded = pixels_of(tmp_path / "pair_left.png", tmp_path / "pair_right.png")
    assert (row["bpp"], row["psnr"]) == figures(originals(folder), decoded, file.stat().st_size)


def test_bpp_and_psnr_of_jpeg_are_those_of_pillows_files(measured):
    folder, result = measured
    for quality, row in rows_of(result, "jpeg").items():
        files = [io.BytesIO(), io.BytesIO()]
        for file, name in zip(files, ("left", "right"), strict=True):
            view = Image.open(folder / f"pairs/one/{name}.png")
            view.save(file, "JPEG", quality=quality, optimize=True, subsampling="4:2:0")
        num_bytes = sum(len(file.getvalue()) for file in files)
        assert (row["bpp"], row["psnr"]) == figures(originals(folder), pixels_of(*files), num_bytes)


def test_the_bd_rate_is_the_area_between_the_curves(measured):
    _, result = measured
    curves = [
        sorted((row["psnr"], np.log(row["bpp"])) for row in rows_of(result, c).values()) for c in ("snncodec", "jpeg")
    ]
    common = max(curve[0][0] for curve in curves), min(curve[-1][0] for curve in curves)
    ours, theirs = (PchipInterpolator(*zip(*curve, strict=True))(np.linspace(*common, 100_001)) for curve in curves)
    percent = 100 * np.expm1(np.mean(ours - theirs))
    assert result.summary["bd_rate"]["jpeg"]["mean"] == pytest.approx(percent, abs=0.01)

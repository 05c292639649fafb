"""What exact arithmetic promises, end to end: the same file gives the same pixels, however it is decoded."""

import hashlib
from threading import Event, Thread
from traceback import extract_stack

import numpy as np
import pytest
import torch
from conftest import CONFIGS, synthetic_pair
from torch.utils._python_dispatch import TorchDispatchMode

from snncodec import codec
from snncodec.bitstream.container import unpack
from snncodec.decoder import tiling
from snncodec.model.weights import read_weights


def digest(pair):
    return hashlib.sha256(pair.left.tobytes() + pair.right.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def coded(weights_files):
    """A function (neuron, height, width) -> (file, weights, sha256 of its pixels)."""

    def make(name, height=90, width=150):
        weights = weights_files[name]
        data = codec.encode(*synthetic_pair(height, width, seed=7), 60, weights=weights)
        assert unpack(data)[0].inter_view
        return data, weights, digest(codec.decode(data, weights=weights))

    return make


@pytest.mark.filterwarnings("ignore:TF32")
@pytest.mark.parametrize("name", CONFIGS)
def test_threads_and_kernels_do_not_change_a_pixel(name, coded, threads):
    data, weights, expected = coded(name)
    for number in (1, 2, 3):
        threads(number)
        for enabled in (True, False):
            with torch.backends.mkldnn.flags(enabled=enabled):
                assert digest(codec.decode(data, weights=weights)) == expected


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("tile", [1, 2, 5])
def test_tiles_do_not_change_a_pixel(name, tile, coded, monkeypatch):
    data, weights, expected = coded(name, 200, 130)
    monkeypatch.setattr(tiling, "PIXEL_TILE", tile)
    assert digest(codec.decode(data, weights=weights)) == expected


def test_a_picture_of_several_tiles_is_decoded_as_one_of_a_single_tile(tiny, monkeypatch):
    data = codec.encode(*synthetic_pair(24, 1100), 60, weights=tiny)
    in_two = digest(codec.decode(data, weights=tiny))
    monkeypatch.setattr(tiling, "PIXEL_TILE", 1000)
    assert digest(codec.decode(data, weights=tiny)) == in_two


# What a program around this library may have changed in torch, and what neither encoding nor decoding may care about.
CHANGES = {
    "float16": lambda: torch.set_default_dtype(torch.float16),
    "bfloat16": lambda: torch.set_default_dtype(torch.bfloat16),
    "float64": lambda: torch.set_default_dtype(torch.float64),
    "another device": lambda: torch.set_default_device("meta"),
    "medium precision": lambda: torch.set_float32_matmul_precision("medium"),
    "no denormals": lambda: torch.set_flush_denormal(True),
    "no gradients": lambda: torch.set_grad_enabled(False),
    "autocast": lambda: torch.set_autocast_enabled("cpu", True),
    "reduced convolutions": lambda: setattr(torch.backends.mkldnn.conv, "fp32_precision", "bf16"),
    "reduced products": lambda: setattr(torch.backends.mkldnn.matmul, "fp32_precision", "bf16"),
    "reduced oneDNN": lambda: setattr(torch.backends.mkldnn, "fp32_precision", "bf16"),
    "TF32": lambda: setattr(torch.backends.cuda.matmul, "fp32_precision", "tf32"),
}


@pytest.fixture
def restored():
    """Put all settings of torch that tests change back afterwards."""
    holders = [torch.backends.mkldnn, torch.backends.mkldnn.conv, torch.backends.mkldnn.matmul]
    before = [holder.fp32_precision for holder in holders]
    flags = torch.backends.cudnn.enabled, torch._C._get_nnpack_enabled()
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_flush_denormal(False)
    torch.set_grad_enabled(True)
    torch.set_autocast_enabled("cpu", False)
    torch.backends.cuda.matmul.fp32_precision = "none"
    for holder, precision in zip(holders, before, strict=True):
        holder.fp32_precision = precision
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.enabled = flags[0]
    torch.backends.nnpack.set_flags(flags[1])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("again", [False, True], ids=["cached weights", "weights read anew"])
def test_settings_of_the_program_around_it_change_no_pixel_and_no_byte(change, again, coded, restored):
    data, weights, expected = coded("ilif")
    if again:
        read_weights.cache_clear()
    CHANGES[change]()
    assert digest(codec.decode(data, weights=weights)) == expected
    assert codec.encode(*synthetic_pair(90, 150, seed=7), 60, weights=weights) == data


class WatchedTypes(TorchDispatchMode):
    """Notes operations that answer in the default type of the program around, and the lines that asked for them."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for value in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(value, torch.Tensor) and value.dtype == torch.get_default_dtype():
                self.seen.add(
                    (str(function), *[line.line for line in extract_stack() if "snncodec" in line.filename][-1:])
                )
        return result


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("settings", [{}, {"effort": 1}, {"effort": 9}, {"independent": True}], ids=str)
def test_nothing_is_computed_in_the_default_type_of_the_program_around_it(settings, name, weights_files, restored):
    views, weights = synthetic_pair(90, 150, seed=7), weights_files[name]
    codec.decode(codec.encode(*views, 60, weights=weights, **settings), weights=weights)  # what is cached is made
    torch.set_default_dtype(torch.bfloat16)
    with WatchedTypes() as watched:
        codec.decode(codec.encode(*views, 60, weights=weights, **settings), weights=weights)
    assert not watched.seen


def process_settings():
    """What torch holds for the whole process: precisions of oneDNN, and whether NNPACK and cuDNN are used."""
    kernels = torch.backends.mkldnn.conv, torch.backends.mkldnn.matmul
    return *(kind.fp32_precision for kind in kernels), torch._C._get_nnpack_enabled(), torch.backends.cudnn.enabled


WHILE_CODING = ("ieee", "ieee", False, False)
CALLERS = {
    "nothing": lambda: None,
    "reduced": lambda: [CHANGES["reduced convolutions"](), CHANGES["reduced products"]()],
    "convolutions": CHANGES["reduced convolutions"],
    "no kernels": lambda: [torch.backends.nnpack.set_flags(False), setattr(torch.backends.cudnn, "enabled", False)],
}


class PausedDecoder(Thread):
    """A thread that decodes a file; it has stopped between the views when `start` returns, until `finish` is called."""

    def __init__(self, data, weights):
        super().__init__(daemon=True)
        self.data, self.weights, self.inside, self.go_on, self.digest = data, weights, Event(), Event(), None

    def run(self):
        self.digest = digest(codec.decode(self.data, weights=self.weights, progress=self.pause))

    def pause(self, *_):
        self.inside.set()
        self.go_on.wait(60)

    def start(self):
        super().start()
        assert self.inside.wait(60)

    def finish(self):
        self.go_on.set()
        self.join(60)


@pytest.fixture
def paused(coded):
    """Two threads that are to decode one file, and the sha256 of its pixels."""
    data, weights, expected = coded("ilif", 48, 64)
    threads = [PausedDecoder(data, weights) for _ in range(2)]
    yield threads, expected
    for thread in threads:
        thread.go_on.set()


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("first", [0, 1], ids=["first in, first out", "first in, last out"])
def test_threads_that_overlap_hold_torchs_settings_together_and_leave_them_as_they_were(
    caller, first, paused, restored
):
    CALLERS[caller]()
    before, (threads, expected) = process_settings(), paused
    for thread in threads:
        thread.start()
    assert process_settings() == WHILE_CODING
    threads[first].finish()
    assert process_settings() == WHILE_CODING  # the other thread still codes
    threads[1 - first].finish()
    assert process_settings() == before and [thread.digest for thread in threads] == [expected] * 2


@pytest.mark.parametrize("caller", CALLERS)
def test_coding_leaves_torchs_settings_as_they_were_also_after_an_error(caller, tiny, restored):
    CALLERS[caller]()
    before = process_settings()

    def fail(*_):
        assert process_settings() == WHILE_CODING
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        codec.encode(*synthetic_pair(20, 30), weights=tiny, progress=fail)
    assert process_settings() == before
    codec.encode(*synthetic_pair(20, 30), weights=tiny)
    assert process_settings() == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", CONFIGS)
def test_a_gpu_does_not_change_a_pixel(name, coded):
    data, weights, _ = coded(name)
    on_cpu, on_gpu = (codec.decode(data, weights=weights, device=device) for device in ("cpu", "cuda"))
    assert np.array_equal(on_cpu.left, on_gpu.left) and np.array_equal(on_cpu.right, on_gpu.right)

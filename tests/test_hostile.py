"""Promises about files from strangers: a pair or one sentence, soon and in little memory, whatever their bytes are.

`tests/fuzz.py` makes the same mutations for as long as one likes.
"""

import dataclasses
import random
import subprocess
import sys
import zlib
from pathlib import Path

import fuzz
import numpy as np
import pytest
from conftest import moved
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from snncodec import codec
from snncodec.bitstream.container import VERSION, Header, Tag, pack
from snncodec.cli import app
from snncodec.errors import FormatError, SnncodecError, UnsupportedError

SIDES = [(2**14, 2**14), (2**28 // 16, 16), (16, 2**28 // 16), (4000, 4000), (1, 2**20)]  # of views that are announced
PAYLOADS = {"zeros": bytes(4), "many zeros": bytes(4096), "ones": b"\xff" * 4096, "random": random.Random(0).randbytes}
SECONDS, MEBIBYTES = 2.0, 300  # for a file under a megabyte that is refused, beyond the start of the program


@pytest.fixture(scope="module")
def watched(tiny):
    """Decodes files with the tiny weights, and fails where one gives neither a pair nor one of our errors."""
    return fuzz.Watched(codec.Codec(tiny, "cpu"))


@pytest.fixture(scope="module")
def seeds(watched):
    """Small files of every kind: left and right alone, predicted, of one pixel and of a few blocks."""
    return fuzz.seeds(watched.codec)


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """A current folder of its own, where files that fail are kept."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fails_in_one_sentence(file, *options):
    """`snncodec decode` ends with 1, one line on stderr and no file that was not there."""
    before = set(file.parent.iterdir())
    result = CliRunner().invoke(app, ["decode", str(file), *options])
    assert result.exit_code == 1 and result.stdout == ""
    assert result.stderr.startswith("snncodec: ") and result.stderr.count("\n") == 1
    assert set(file.parent.iterdir()) == before
    return result.stderr


def test_every_cut_and_every_flipped_bit_of_a_small_file_is_refused(watched, seeds):
    data = min(seeds, key=len)
    flipped = (data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :] for at in range(len(data)) for bit in range(8))
    for damaged in (*(data[:length] for length in range(len(data))), *flipped):
        with pytest.raises(SnncodecError):
            watched.codec.decode(damaged)


@settings(max_examples=150)
@given(st.integers(0, 2**32).map(random.Random))  # st.randoms fails once a library has switched subnormal floats off
def test_payloads_that_no_encoder_wrote_behind_right_checksums(watched, seeds, random):
    watched.decode(fuzz.mutated(random.choice(seeds), random.choice(seeds), random))
    assert watched.slowest < SECONDS


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(list(Tag)), st.binary(max_size=64).map(lambda b: b[: len(b) // 4 * 4])))
def test_sections_of_any_bytes_in_any_combination(watched, sections):
    sections = {Tag.LEFT: b"", Tag.RIGHT: b""} | sections
    header = Header(33, 17, 50, watched.codec.loaded.id, inter_view=Tag.DISPARITY in sections)
    watched.decode(pack(header, sections))


def test_sections_in_each_others_place_or_of_another_file(watched, seeds):
    few = sorted(seeds, key=len)[::4]
    for data in few:
        header, sections = fuzz.parts(data)
        for other in few:
            for tag in sections:
                for source in fuzz.parts(other)[1].values():
                    watched.decode(pack(header, {**sections, tag: source}))


def forged(data, at, value):
    """A file with another byte in its header, and a header checksum that agrees."""
    size = fuzz.FIXED.size + data[8] * fuzz.ENTRY.size
    head = bytearray(data[:size])
    head[at] = value
    return bytes(head) + zlib.crc32(head).to_bytes(4, "little") + data[size + 4 :]


def test_every_byte_of_the_header_at_its_limits_behind_a_right_checksum(watched, seeds):
    header, sections = fuzz.parts(min(seeds, key=len))  # whether one of them is predicted is up to the encoder
    data = pack(dataclasses.replace(header, inter_view=True), {Tag.DISPARITY: bytes(4)} | sections)
    for at in range(len(data) - sum(map(len, fuzz.parts(data)[1].values())) - 4):
        for value in (0, 1, 2, 127, 128, 255):
            watched.decode(forged(data, at, value))


@pytest.mark.parametrize("version", [0, VERSION - 1, VERSION + 1, 255])
def test_another_version_is_unsupported_whatever_follows(version, seeds, kept):
    (kept / "pair.bin").write_bytes(seeds[0][:4] + bytes([version]) + random.Random(version).randbytes(50))
    assert f"version {version}" in fails_in_one_sentence(kept / "pair.bin")


def test_weights_that_nobody_has_are_unsupported(seeds, kept, tiny):
    header, sections = fuzz.parts(seeds[0])
    data = pack(dataclasses.replace(header, weights_id=bytes(8)), sections)
    with pytest.raises(UnsupportedError):
        codec.decode(data, weights=tiny)
    (kept / "pair.bin").write_bytes(data)
    assert "--weights" in fails_in_one_sentence(kept / "pair.bin")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_damaged_file_leaves_no_output_and_one_sentence(payload, seeds, kept, tiny):
    header, sections = fuzz.parts(seeds[-1])
    made = PAYLOADS[payload] if isinstance(PAYLOADS[payload], bytes) else PAYLOADS[payload](4096)
    (kept / "pair.bin").write_bytes(pack(header, {**sections, Tag.RIGHT: made}))
    fails_in_one_sentence(kept / "pair.bin", "--weights", tiny)


MEASURED = """
import random, resource, sys, time
from pathlib import Path
from snncodec.codec import Codec
from snncodec.errors import SnncodecError
codec = Codec(sys.argv[1], "cpu")
codec.decode(Path(sys.argv[2]).read_bytes())  # what is made once
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
for file in sys.argv[3:]:
    data, before, started = Path(file).read_bytes(), peak(), time.process_time()
    try:
        codec.decode(data)
        print("decoded", file)
    except SnncodecError as error:
        print(time.process_time() - started, peak() - before, file, error)
"""


def test_a_large_header_before_a_small_payload_is_refused_soon_and_in_little_memory(tiny, seeds, tmp_path):
    """A 16384 x 16384 view takes minutes to decode and gigabytes to hold; a kilobyte must not make anyone wait."""
    weights_id = fuzz.parts(seeds[0])[0].weights_id
    files = [tmp_path / "sound"]
    files[0].write_bytes(seeds[-1])
    for width, height in SIDES:
        for name, payload in PAYLOADS.items():
            made = payload if isinstance(payload, bytes) else payload(2**19)
            files.append(tmp_path / f"{width} x {height} {name}")
            files[-1].write_bytes(pack(Header(width, height, 50, weights_id, False), {Tag.LEFT: made, Tag.RIGHT: made}))
    program = [sys.executable, "-c", MEASURED, tiny, *map(str, files)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=600)
    lines = done.stdout.splitlines()
    assert len(lines) == len(files) - 1, done.stderr
    for line in lines:
        seconds, memory, *_ = line.split()
        assert float(seconds) < SECONDS and int(memory) < MEBIBYTES, line


def test_escapes_without_end_are_refused_before_they_are_many(tiny):
    header, sections = fuzz.parts(codec.encode(*moved(6, height=64, width=96), 60, weights=tiny))
    for tag in (Tag.LEFT, Tag.RIGHT):
        with pytest.raises(FormatError, match="ends before its pictures do"):
            codec.decode(pack(header, {**sections, tag: bytes(4)}), weights=tiny)


def test_many_escapes_that_an_encoder_wrote_are_read(tiny):
    """The bound on bypass bits is in nobody's way: black and white noise at the finest quality escapes all over."""
    noise = np.random.default_rng(0).choice(np.array([0, 255], dtype=np.uint8), (2, 64, 96, 3))
    made = codec.Codec(tiny).encode_pair(*noise, 100)
    assert np.array_equal(codec.decode(made.data, weights=tiny).left, made.reconstruction().left)


@pytest.mark.slow
def test_the_fuzzer_finds_nothing_in_twenty_seconds(kept):
    counts = fuzz.run(20, 10**6, 0)
    assert all(sum(watched.counts.values()) for watched in counts) and not list(Path(".").glob("fuzz-failure-*"))

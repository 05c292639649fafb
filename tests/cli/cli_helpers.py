"""What tests of the command line share: a stand-in for the codec, folders with pictures, and a way to run a line.

The codec is replaced by one that stores pixels in a real file, so that these tests are about the command line alone.
"""

import types

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from snncodec import codec as real_codec
from snncodec.bitstream import container
from snncodec.bitstream.container import Header, Tag
from snncodec.cli import app
from snncodec.constants import MAX_PIXELS
from snncodec.io.images import StereoPair

SHAPE = (5, 7, 3)
LEFT, RIGHT = np.random.default_rng(1).integers(0, 256, (2, *SHAPE), np.uint8)


class Codec:
    """Takes what the real one takes, and stores pixels as they are."""

    def __init__(self, weights="base", device="auto"):
        self.weights = weights

    def encode(self, left, right, quality=50, *, independent=False, effort=5, icc=None, exif=None, progress=None):
        header = Header(left.shape[1], left.shape[0], quality, f"{self.weights:>8}".encode()[:8], inter_view=False)
        kept = {tag: data for tag, data in ((Tag.EXIF, exif), (Tag.ICC, icc)) if data}
        return container.pack(header, kept | {Tag.LEFT: left.tobytes(), Tag.RIGHT: right.tobytes()})


def decode(data, left_only=False, *, weights=None, device="auto", max_pixels=MAX_PIXELS, progress=None):
    """What `Codec.encode` stored."""
    header, sections = container.unpack(data, left_only, max_pixels)
    left, right = (
        np.frombuffer(sections[tag], np.uint8).reshape(header.height, header.width, 3) if tag in sections else None
        for tag in (Tag.LEFT, Tag.RIGHT)
    )
    return StereoPair(left, right, sections.get(Tag.ICC), sections.get(Tag.EXIF))


@pytest.fixture
def codec(monkeypatch):
    """The stand-in; what is set on `codec.Codec` or as `codec.decode` is what commands use."""
    stand_in = types.SimpleNamespace(Codec=type("Codec", (Codec,), {}), decode=decode)
    monkeypatch.setattr(real_codec, "Codec", lambda *given, **options: stand_in.Codec(*given, **options))
    monkeypatch.setattr(real_codec, "decode", lambda *given, **options: stand_in.decode(*given, **options))
    return stand_in


@pytest.fixture
def folder(tmp_path, monkeypatch, codec):
    """The current folder, with a pair of pictures in it."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(LEFT).save("left.png")
    Image.fromarray(RIGHT).save("right.png")
    return tmp_path


@pytest.fixture
def coded(folder):
    """The current folder, with a pair of pictures and the file pair.bin of them."""
    (folder / "pair.bin").write_bytes(Codec().encode(LEFT, RIGHT))
    return folder


def run(line):
    """The result of a command line."""
    return CliRunner().invoke(app, line.split())


def fails(result, *words):
    """The command ended with 1 and one sentence on stderr that holds all the words."""
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("snncodec: ")
    assert result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words), result.stderr


def raiser(error):
    """A function that raises this, whatever it is given."""

    def fail(*_, **__):
        raise error

    return fail


def names(folder):
    """Files below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def pixels(path):
    return np.asarray(Image.open(path))

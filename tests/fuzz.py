"""A fuzzer of the decoder: `python tests/fuzz.py --seconds 600`. Mutated files with right checksums, in one process.

Every file must decode to a pair of the size in its header, or be refused with one of our errors. Whatever else happens
is written to fuzz-failure-*.bin and ends the run with 1. Weights are tiny and random, pictures small, and left views
that were not changed are decoded once, so that a file takes some milliseconds. With `--guided`, atheris (`pip install
atheris`) looks for mutations that reach new lines.
"""

import argparse
import collections
import dataclasses
import hashlib
import os
import random
import resource
import struct
import sys
import tempfile
import time
import zlib
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
GUIDED = "--guided" in sys.argv
if GUIDED:  # what is to be guided by is imported here, before anything else imports it
    import atheris

    with atheris.instrument_imports(include=["snncodec.bitstream", "snncodec.decoder"]):
        import snncodec.decoder.decode  # noqa: F401

from conftest import CONFIGS, TINY, moved, random_model, synthetic_pair  # noqa: E402

from snncodec.bitstream.container import Header, Tag, pack, read_header  # noqa: E402
from snncodec.codec import Codec  # noqa: E402
from snncodec.constants import block_shape  # noqa: E402
from snncodec.decoder import decode, view  # noqa: E402
from snncodec.errors import FormatError, LimitError, SnncodecError, UnsupportedError  # noqa: E402
from snncodec.model.weights import save_weights  # noqa: E402
from snncodec.training.fit_tables import logistic_frequencies  # noqa: E402

FIXED, ENTRY = struct.Struct("<4sBBBBB8sII"), struct.Struct("<BII")  # as in bitstream/container.py
MOST_PIXELS = 2**14  # of a view that is decoded; larger ones are announced, too
SLOW_SECONDS = 2.0
SIDES = (1, 2, 15, 16, 17, 31, 33, 48, 64, 65, 100, 2**11, 2**14, 2**28, 2**32 - 1)
SMALLEST = dataclasses.replace(
    TINY, M=4, N2=12, blocks=0, encoder_blocks=0, refined=12, prior_width=8, hyper_channels=2, groups=(3, 9)
)
KINDS = {"smallest": SMALLEST} | CONFIGS
WORDS = (0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)


def codecs(folder):
    """Codecs of tiny random weights: the smallest ones, and some of each kind of neuron."""
    for name, config in KINDS.items():
        file = Path(folder, f"{name}.safetensors")
        yield Codec(save_weights(random_model(config), logistic_frequencies(), file), "cpu")


def seeds(codec):
    """A few small files that an encoder wrote."""
    pairs = [synthetic_pair(height, width) for height, width in ((1, 1), (5, 7), (16, 16), (16, 20), (33, 18))]
    pairs.append(moved(6, height=32, width=48))
    return [codec.encode(*pair, quality, independent=q) for pair in pairs for quality, q in ((30, False), (90, True))]


def parts(data):
    """Header and sections of a file that was not cut, whatever its payloads hold."""
    header, sections = read_header(data)
    return header, {section.tag: data[section.offset : section.end] for section in sections}


def changed_bytes(payload, other, random):
    """A payload that no encoder wrote, made of one that an encoder did."""
    data, kind = bytearray(payload), random.randrange(9)
    at = random.randrange(len(data)) if data else 0
    if kind == 0 and data:
        data[at] ^= 1 << random.randrange(8)
    elif kind == 1 and data:
        data[at] = random.choice((0, 1, 127, 128, 255, random.randrange(256)))
    elif kind == 2:
        data[at // 4 * 4 : at // 4 * 4 + 4] = random.choice(WORDS).to_bytes(4, "little")
    elif kind == 3:
        data = data[: at // 4 * 4] if random.random() < 0.9 else data[:at]
    elif kind == 4:
        data += random.randbytes(4 * random.randrange(1, 20))
    elif kind == 5:
        data = bytearray(random.randbytes(4 * random.randrange(60) + (random.random() < 0.05)))
    elif kind == 6:
        data[at // 4 * 4 :] = random.randbytes(len(data) - at // 4 * 4)
    elif kind == 7:
        data = bytearray(other)
    else:
        data[at // 4 * 4 : at // 4 * 4] = data[: 4 * random.randrange(8)]
    return bytes(data)


def changed_header(header, random):
    """A header of other sizes or settings, which may not fit its sections."""
    sides = {name: random.choice(SIDES) for name in ("width", "height") if random.random() < 0.5}
    settings = {"quality": random.randint(1, 100), "chroma_angle": random.randrange(16)}
    chosen = {name: value for name, value in settings.items() if random.random() < 0.3}
    return dataclasses.replace(header, **sides, **chosen)


def forged(data, random):
    """A file with any byte of its header changed, and its header checksum right again."""
    size = FIXED.size + data[8] * ENTRY.size
    head = bytearray(data[:size])
    for _ in range(random.randint(1, 3)):
        head[random.randrange(4, size)] = random.choice((0, 1, 2, 4, 5, 255, random.randrange(256)))
    return bytes(head) + zlib.crc32(head).to_bytes(4, "little") + data[size + 4 :]


def mutated(data, other, random):
    """A file that no encoder wrote, with checksums that are right."""
    (header, sections), (_, others) = parts(data), parts(other)
    kind = random.random()
    if kind < 0.25:
        header = changed_header(header, random)
    if kind < 0.1 and Tag.DISPARITY in sections and random.random() < 0.3:
        header, sections = dataclasses.replace(header, inter_view=False), {**sections}
        del sections[Tag.DISPARITY]
    if kind > 0.15:
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            tag = random.choice(list(sections))
            source = random.choice([*sections.values(), *others.values()])
            sections[tag] = changed_bytes(sections[tag], source, random)
    made = pack(header, sections)
    return forged(made, random) if random.random() < 0.05 else made


class LeftViews:
    """Stands in for `decode_view` and `render` in `decode_pair`, and decodes what an encoder wrote only once."""

    def __init__(self, files):
        self.codes, self.pixels = {}, {}
        for header, sections in map(parts, files):
            shape = block_shape(header.height, header.width)
            self.codes[header.weights_id, sections[Tag.LEFT], shape, header.quality] = None

    def decode_view(self, loaded, section, shape, quality, predicted=None):
        key = loaded.id, section, shape, quality
        if predicted is not None or key not in self.codes:
            return view.decode_view(loaded, section, shape, quality, predicted)
        if self.codes[key] is None:
            self.codes[key] = view.decode_view(loaded, section, shape, quality)
            self.pixels[self.codes[key]] = {}
        return self.codes[key]

    def render(self, codec, code, quality, predicted=None):
        if predicted is not None or code not in self.pixels:
            return view.render(codec, code, quality, predicted)
        known, colours = self.pixels[code], codec.transform.colours.numpy().tobytes()
        if colours not in known:
            known[colours] = view.render(codec, code, quality)
        return known[colours]


class Watched:
    """Decodes files and counts what becomes of them."""

    def __init__(self, codec):
        self.codec, self.counts, self.slowest = codec, collections.Counter(), 0.0

    def decode(self, data):
        """Decode one file; anything but a pair or one of our errors is kept as a file and raised."""
        started = time.process_time()
        try:
            pair = self.codec.decode(data, max_pixels=MOST_PIXELS)
            header = read_header(data)[0]
            if {pair.left.shape, pair.right.shape} != {(header.height, header.width, 3)}:
                raise RuntimeError("views of a wrong size")
            self.counts["decoded"] += 1
        except (FormatError, LimitError, UnsupportedError) as error:
            sentence = str(error)
            if not sentence or "\n" in sentence:
                self.keep(data)
                raise
            self.counts[type(error).__name__] += 1
        except BaseException:
            self.keep(data)
            raise
        seconds = time.process_time() - started
        if seconds > max(self.slowest, SLOW_SECONDS):
            self.keep(data)
        self.slowest = max(self.slowest, seconds)

    def keep(self, data):
        name = f"fuzz-failure-{hashlib.sha256(data).hexdigest()[:12]}.bin"
        Path(name).write_bytes(data)
        sys.stderr.write(f"kept {name}\n")

    def __str__(self):
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.counts.items()))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        total = sum(self.counts.values())
        return f"{total} files: {kinds}; slowest {1000 * self.slowest:.0f} ms, peak {memory} MiB"


def run(seconds, runs, seed):
    """Decode mutated files until the time or the number is over; returns what became of them."""
    chance, ends = random.Random(seed), time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        watched = [Watched(codec) for codec in codecs(folder)]
    corpora, done, reported = [seeds(each.codec) for each in watched], 0, time.monotonic()
    left_views = LeftViews(file for corpus in corpora for file in corpus)
    decode.decode_view, decode.render = left_views.decode_view, left_views.render
    while time.monotonic() < ends and done < runs:
        place = 0 if chance.random() < 0.9 else chance.randrange(len(watched))
        data = mutated(*chance.choices(corpora[place], k=2), chance)
        watched[place].decode(data)
        done += 1
        if time.monotonic() - reported > 60:
            reported = time.monotonic()
            sys.stderr.write(f"{done} files, {ends - reported:.0f} s left\n")
    return watched


def run_guided(arguments):
    """Let atheris choose the mutations of a small corpus; the arguments are those of libFuzzer."""
    with tempfile.TemporaryDirectory() as folder:
        watched = Watched(next(codecs(folder)))
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, data in enumerate(seeds(watched.codec)):
            (corpus / str(number)).write_bytes(data)

        def mutate(data, max_size, seed):
            chance = random.Random(seed)
            try:
                header, sections = parts(data)
                if chance.random() < 0.3:
                    return mutated(data, data, chance)
                tag = chance.choice(list(sections))
                return pack(header, {**sections, tag: atheris.Mutate(sections[tag], len(sections[tag]) + 64)})
            except (SnncodecError, IndexError):
                return pack(Header(16, 16, 50, watched.codec.loaded.id, False), {Tag.LEFT: data, Tag.RIGHT: data})

        atheris.Setup([sys.argv[0], *arguments, str(corpus)], watched.decode, custom_mutator=mutate)
        try:
            atheris.Fuzz()
        finally:
            sys.stderr.write(f"{watched}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--runs", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guided", action="store_true")
    given = parser.parse_args()
    if GUIDED:
        run_guided([f"-max_total_time={given.seconds:.0f}", f"-runs={given.runs}", "-max_len=8192", "-verbosity=1"])
    for name, result in zip(KINDS, run(given.seconds, given.runs, given.seed), strict=True):
        sys.stdout.write(f"{name}: {result}\n")

"""A second, deliberately plain reader of the envelope and of the displacement field, written from docs/format.md alone.

It imports nothing of snncodec and no entropy coder, so that the page and the package check each other. Numbers in
brackets are sections of the page.
"""

import struct
import zlib
from typing import NamedTuple

EXIF, ICC, LEFT, DISPARITY, RIGHT = 0, 1, 2, 3, 4
WHOLE = 2**24  # what the probabilities of a model add up to
MASK = 2**64 - 1  # the coder's state has 64 bits


class Refused(ValueError):
    """A file that breaks a rule of the page."""


class PlainFile(NamedTuple):
    """The envelope of a file [3]."""

    quality: int
    inter_view: bool
    chroma_angle: int
    weights_id: bytes
    width: int
    height: int
    table: list[tuple[int, int, int]]  # tag, length and CRC of each section
    payloads: dict[int, bytes]  # by tag


class PlainPrediction(NamedTuple):
    """The DISPARITY section [7]; maps are lists of rows."""

    unit: int
    kernel: int
    weights: list[tuple[int, int]]  # gain and offset of red, green, blue
    columns: list[list[int]]  # displacements, in quarter pixels
    rows: list[list[int]]
    matched: list[list[bool]]


def read_file(data):
    """The envelope of a file, all of it checked; `Refused` for a broken rule [3]."""
    require(data[:4] == b"SNNC", "the magic")
    require(data[4:5] == b"\x02", "the version")
    require(len(data) >= 25, "the length of the header")
    quality, flags, angle, count, weights_id, width, height = struct.unpack_from("<BBBB8sII", data, 5)
    end = 25 + 9 * count
    require(len(data) >= end + 4, "the length of the section table")
    require(zlib.crc32(data[:end]) == struct.unpack_from("<I", data, end)[0], "the header CRC")
    require(flags in (0, 1), "the flags")
    require(1 <= quality <= 100 and angle <= 15 and width and height, "the quality, the chroma angle or the size")
    table = [struct.unpack_from("<BII", data, 25 + 9 * i) for i in range(count)]
    check_tags([tag for tag, _, _ in table], bool(flags))
    require(all(length <= 65536 for tag, length, _ in table if tag == EXIF), "the length of EXIF")
    payloads, offset = {}, end + 4
    for tag, length, crc in table:
        payload = data[offset : offset + length]
        require(len(payload) == length and zlib.crc32(payload) == crc, f"the payload of section {tag}")
        payloads[tag], offset = payload, offset + length
    require(len(data) == offset, "the length of the file")
    return PlainFile(quality, bool(flags), angle, weights_id, width, height, table, payloads)


def check_tags(tags, inter_view):
    """`Refused` unless the section table names the sections that it must name, in order [3]."""
    require(all(EXIF <= tag <= RIGHT for tag in tags), "the tags")
    require(tags == sorted(set(tags)), "the order of the tags")
    require(LEFT in tags and RIGHT in tags and (DISPARITY in tags) == inter_view, "the set of the tags")


def read_disparity(payload, width, height):
    """What the DISPARITY section of a pair of this size says [7]."""
    require(len(payload) >= 8 and payload[0] in (1, 2, 4) and payload[1] <= 6, "the head of DISPARITY")
    unit, kernel, *weights = struct.unpack_from("<BB6b", payload)
    coder = RangeDecoder(payload[8:])
    field = FieldReader(coder, -(-height // 16), -(-width // 16))
    for distance, directions, blocks in scan(field.height, field.width):
        field.read_pass(distance, directions, blocks)
    coder.finish()
    columns, rows = ([[unit * n for n in line] for line in component] for component in field.displacements)
    return PlainPrediction(
        unit, kernel, list(zip(weights[::2], weights[1::2], strict=True)), columns, rows, field.flags
    )


def require(sound, what):
    """`Refused`, naming what is wrong, unless it is sound."""
    if not sound:
        raise Refused(f"{what} breaks a rule of the format")


class RangeDecoder:
    """The range coder [4]."""

    def __init__(self, data):
        require(len(data) % 4 == 0, "the length of a stream")
        self.words, self.used = struct.unpack(f"<{len(data) // 4}I", data), 0
        self.low, self.range = 0, MASK
        self.point = self.next_word() << 32
        self.point |= self.next_word()

    def next_word(self):
        self.used += 1
        return self.words[self.used - 1] if self.used <= len(self.words) else 0

    def symbol(self, model):
        """The next symbol, of a model c[0], ..., c[n]."""
        quantile, symbol = self.quantile(), 0
        while model[symbol + 1] <= quantile:
            symbol += 1
        self.narrow(model[symbol], model[symbol + 1])
        return symbol

    def bypass(self, size):
        """The next of so many equally likely symbols, a power of two [5]."""
        share = WHOLE // size
        symbol = self.quantile() // share
        self.narrow(symbol * share, (symbol + 1) * share)
        return symbol

    def quantile(self):
        """Where in 2^24 the stream points."""
        quantile = ((self.point - self.low) & MASK) // (self.range >> 24)
        require(quantile < WHOLE, "a word of a stream")
        return quantile

    def narrow(self, left, right):
        """Go on from c[k] to c[k + 1]."""
        scale = self.range >> 24
        self.low = (self.low + scale * left) & MASK
        self.range = scale * (right - left)
        if self.range < 2**32:
            self.range <<= 32
            self.low = (self.low << 32) & MASK
            self.point = (self.point << 32 | self.next_word()) & MASK

    def finish(self):
        """`Refused` unless the words are used up."""
        require(self.used >= len(self.words), "the length of a stream")
        require(self.range == MASK or (self.point - self.low) & MASK < 2**33 - 1, "the last word of a stream")


def adaptive_model(counts):
    """Symbols as likely as their counts say, in 64-bit floats [5]."""
    scale, total, model = float(WHOLE - len(counts)) / float(sum(counts)), 0.0, []
    for k, count in enumerate(counts):
        model.append(int(total * scale) + k)
        total += float(count)
    return [*model, WHOLE]


def scan(height, width):
    """The passes over a map, from coarse to fine: distance and directions of the neighbours, and blocks [6]."""
    diagonal, straight = [(-1, -1), (-1, 1), (1, -1), (1, 1)], [(-1, 0), (0, -1), (1, 0), (0, 1)]
    distance = 1
    while distance <= max(height, width) - 1:
        distance *= 2
    yield distance, diagonal, [(0, 0)]
    while distance > 1:
        distance //= 2
        grid = [(r, c) for r in range(0, height, distance) for c in range(0, width, distance)]
        odd = {block: (block[0] // distance % 2, block[1] // distance % 2) for block in grid}
        yield distance, diagonal, [block for block in grid if odd[block] == (1, 1)]
        yield distance, straight, [block for block in grid if sum(odd[block]) == 1]


class FieldReader:
    """The displacement field [7]: the maps as far as they are known, and the counts."""

    SPREADS = (1, 2, 3, 5, 9, 17, 33, 65, 129, 257)
    TYPICAL = ((0, 0, 0, 0, 0, 1, 2, 3, 4, 4, 5), (0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4))
    LARGEST = 2**14

    def __init__(self, coder, height, width):
        self.coder, self.height, self.width = coder, height, width
        self.displacements = [[[0] * width for _ in range(height)] for _ in range(2)]  # columns, then rows
        self.flags = [[False] * width for _ in range(height)]
        self.flag_counts = [[19, 1], [15, 5], [9, 11], [4, 16], [1, 19]]
        self.length_counts = [[[max(1, 32 >> abs(L - t)) for L in range(17)] for t in row] for row in self.TYPICAL]

    def read_pass(self, distance, directions, blocks):
        """Read the flags and displacements of one pass, then update the counts."""
        around = {block: self.neighbours(block, distance, directions) for block in blocks}
        contexts = {block: self.flag_context(around[block]) for block in blocks}
        for context in range(5):
            model = adaptive_model(self.flag_counts[context])
            for row, column in (block for block in blocks if contexts[block] == context):
                self.flags[row][column] = self.coder.symbol(model) == 1
        matched = [(row, column) for row, column in blocks if self.flags[row][column]]
        for component in (0, 1):
            self.read_component(component, blocks, matched, around)
        for row, column in blocks:
            self.flag_counts[contexts[row, column]][self.flags[row][column]] += 1

    def read_component(self, component, blocks, matched, around):
        """Read one component of the displacements of a pass, and count the lengths of its differences."""
        values, spreads, lengths = self.displacements[component], {}, {}
        for row, column in blocks:
            values[row][column], spreads[row, column] = self.predict(values, around[row, column])
        for spread in range(11):
            places = [block for block in matched if spreads[block] == spread]
            model = adaptive_model(self.length_counts[component][spread])
            for block in places:
                lengths[block] = self.coder.symbol(model)
            for length in range(1, 17):
                for row, column in (block for block in places if lengths[block] == length):
                    values[row][column] += self.read_difference(length)
                    require(abs(values[row][column]) <= self.LARGEST, "a displacement")
        for block in matched:
            self.length_counts[component][spreads[block]][lengths[block]] += 16

    def read_difference(self, length):
        """A difference of so many binary digits."""
        rest = self.coder.bypass(2**length)
        return rest if rest >= 2 ** (length - 1) else rest - (2**length - 1)

    def neighbours(self, block, distance, directions):
        """Those of the four neighbours that lie inside the map."""
        places = [(block[0] + distance * down, block[1] + distance * right) for down, right in directions]
        return [(r, c) for r, c in places if 0 <= r < self.height and 0 <= c < self.width]

    def flag_context(self, inside):
        """How many of four neighbours are matched, if those outside are like the others [6]."""
        known = len(inside)
        return (4 * sum(self.flags[r][c] for r, c in inside) + known // 2) // max(known, 1)

    def predict(self, values, inside):
        """The prediction of a component from the neighbours inside, and its spread context."""
        known = [values[r][c] for r, c in inside] or [0]
        first, second, third, fourth = sorted(known + known[:1] * (4 - len(known)))
        return (second + third) // 2, sum(limit <= fourth - first for limit in self.SPREADS)

"""Golden files decode to the pixels of the day they were made, on every machine."""

import hashlib
import json
import sys
from pathlib import Path

import pytest

from snncodec.bitstream.container import Tag, read_header, unpack
from snncodec.codec import Codec, decode
from snncodec.decoder.inter_view import decode_inter_view
from snncodec.decoder.warping import KERNELS
from snncodec.io.exif import exif_facts

GOLDEN = Path(__file__).parent / "golden"
sys.path.insert(0, str(GOLDEN))
from golden_weights import CONFIGS, golden_weights  # noqa: E402

ENTRIES = json.loads((GOLDEN / "golden.json").read_text())


@pytest.fixture(scope="module")
def codecs(tmp_path_factory):
    """A function that returns the codec of one of the golden weights, made once."""
    folder, made = tmp_path_factory.mktemp("golden"), {}

    def get(name):
        if name not in made:
            made[name] = Codec(golden_weights(name, folder / f"{name}.safetensors"))
        return made[name]

    return get


@pytest.mark.parametrize("name", ENTRIES)
def test_golden_files_decode_to_the_pixels_of_the_day_they_were_made(name, codecs):
    data, entry = (GOLDEN / name).read_bytes(), ENTRIES[name]
    pair = decode(data) if entry["weights"] == "shipped" else codecs(entry["weights"]).decode(data)
    assert read_header(data)[0].inter_view == entry["inter_view"]
    for view, pixels in (("left", pair.left), ("right", pair.right)):
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == entry[f"sha256_{view}"]


def test_every_golden_file_has_its_entry():
    assert sorted(ENTRIES) == sorted(file.name for file in GOLDEN.glob("*.bin"))


def test_golden_files_have_every_neuron_and_shape_both_ways():
    for name in CONFIGS:
        assert {entry["inter_view"] for entry in ENTRIES.values() if entry["weights"] == name} == {False, True}


def test_golden_files_have_every_interpolation_kernel():
    kernels = set()
    for name, entry in ENTRIES.items():
        if entry["inter_view"]:
            header, sections = unpack((GOLDEN / name).read_bytes())
            shape = -(-header.height // 16), -(-header.width // 16)
            kernels.add(decode_inter_view(next(s for t, s in sections.items() if t.name == "DISPARITY"), shape).kernel)
    assert kernels == set(range(len(KERNELS)))


def test_golden_files_have_more_than_one_coding_tile_in_both_directions():
    sizes = [read_header((GOLDEN / name).read_bytes())[0] for name in ENTRIES]
    assert any(header.width > 96 * 16 for header in sizes) and any(header.height > 96 * 16 for header in sizes)


def test_a_golden_file_has_metadata():
    _, sections = unpack((GOLDEN / "shipped_64x48_q30_metadata.bin").read_bytes())
    assert exif_facts(sections[Tag.EXIF])["Model"] == "FinePix REAL 3D W3" and sections[Tag.ICC][36:40] == b"acsp"

"""Make golden files from the motorcycle pair: `python tests/golden/make.py WEIGHTS`, shipped or a file in this folder.

Golden files stay for ever: an entry of golden.json is never replaced, only what is missing is made. Those made with
small weights that lie in this folder need nothing else; those made with shipped weights stay as long as these weights.
Sizes, qualities and how blurred the right view is are those in `CASES`. Every file is decoded once, and what came out
is what all machines must get.
"""

import datetime
import hashlib
import json
import platform
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from skimage.data import stereo_motorcycle
from snncodec.container import read_header
from snncodec.files import write_bytes

from snncodec import codec

FOLDER = Path(__file__).parent
INDEX = FOLDER / "golden.json"
CASES = [(133, 200, 5, False), (133, 200, 50, False), (133, 200, 95, False), (65, 47, 50, True)]
CASES += [(100, 150, 10, False), (100, 150, 20, False), (100, 150, 80, False)]  # made since predictions have a head
CASES += [(100, 150, 20, False, 1.2), (100, 150, 40, False, 1.2), (100, 150, 20, False, 2)]  # since there are Gaussians
CORNER = (150, 280)  # row and column where the crops begin: spokes, edges and a smooth floor


def processor():
    """The name of this machine's processor, as far as the system tells."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def make(weights, entries, height, width, quality, independent, blur=0):
    """Encode one crop and add its entry, unless there is one of its name."""
    rows, columns = slice(CORNER[0], CORNER[0] + height), slice(CORNER[1], CORNER[1] + width)
    views = [np.ascontiguousarray(view[rows, columns]) for view in stereo_motorcycle()[:2]]
    if blur:
        views[1] = np.asarray(Image.fromarray(views[1]).filter(ImageFilter.GaussianBlur(blur)))
    data = codec.encode(*views, quality, weights=weights, independent=independent)
    weights_id = read_header(data)[0].weights_id.hex()[:8]
    kind = "_independent" if independent else f"_blur{blur}" if blur else ""
    name = f"motorcycle_{width}x{height}_q{quality}{kind}_{weights_id}.bin"
    if name in entries or (FOLDER / name).exists():
        return
    pair = codec.decode(data, weights=weights)
    own = Path(weights).name if Path(weights).is_file() else None  # lies in this folder, or is shipped
    made_on = f"{processor()}, {datetime.datetime.now(datetime.UTC).date()}"
    entries[name] = {
        "sha256_left": hashlib.sha256(pair.left.tobytes()).hexdigest(),
        "sha256_right": hashlib.sha256(pair.right.tobytes()).hexdigest(),
        "weights": own,
        "made_on": made_on,
    }
    write_bytes(FOLDER / name, data)


if __name__ == "__main__":
    weights = sys.argv[1]
    if Path(weights).is_file() and Path(weights).resolve().parent != FOLDER.resolve():
        raise SystemExit(f"copy {weights} into {FOLDER} first, where it has to stay")
    entries = json.loads(INDEX.read_text()) if INDEX.exists() else {}
    for case in CASES:
        make(weights, entries, *case)
        write_bytes(INDEX, json.dumps(entries, indent=1).encode() + b"\n", force=True)

"""The shape of the package: imports point one way, files stay small, and nothing light loads torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from snncodec.container import Header, Tag, pack

PACKAGE = Path(__file__).parents[1] / "snncodec"
SOURCES = sorted(PACKAGE.glob("**/*.py"))
ORDER = (
    "errors", "files", "config", "images", "datasets", "container", "entropy", "field", "skip", "neurons", "exact",
    "transforms", "prior", "rounding", "tiles", "warp", "exposure", "matching", "disparity", "stereo", "model",
    "weights", "views", "prediction", "trial", "coupling", "codec", "metrics", "baselines", "synthetic", "data", "klt",
    "calibrate", "checkpoint", "objective", "train", "bench", "report", "info", "terminal", "cli",
)  # fmt: skip
ANYWHERE = ("__init__", "__main__")  # the two doors, which lead to everything
LONGEST = 250  # lines


def imported_modules(source: str) -> set[str]:
    """The modules of this package that a source text imports, at its top or inside a function, by their plain names."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "snncodec" + "." * bool(node.module) + (node.module or "") if node.level else node.module
            names |= {f"{module}.{alias.name}" for alias in node.names} if module == "snncodec" else {module}
    return {name.split(".")[1] for name in names if name.startswith("snncodec.")} - {"__version__"}


def upward_imports(name: str, source: str) -> set[str]:
    return {other for other in imported_modules(source) if ORDER.index(other) >= ORDER.index(name)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_module_imports_only_modules_before_it(path):
    if path.stem not in ANYWHERE:
        assert upward_imports(path.stem, path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "line",
    [
        "from snncodec.codec import encode",
        "from snncodec import codec",
        "import snncodec.codec",
        "from . import codec",
        "from .codec import encode",
        "def late():\n    from snncodec import errors, codec",
    ],
)
def test_an_upward_import_is_found_however_it_is_written(line):
    assert upward_imports("model", line) == {"codec"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_file_fits_on_a_few_screens(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


LIGHT = {
    "": 0,
    "--help": 0,
    "--version": 0,
    "encode --help": 0,
    "train --help": 0,
    "bench --help": 0,
    "decode": 2,
    "info FILE": 0,
    "info FILE --json": 0,
}


@pytest.mark.parametrize("command", LIGHT)
def test_what_needs_no_network_does_not_load_torch(command, tmp_path):
    file = tmp_path / "pair.bin"
    file.write_bytes(pack(Header(3, 2, 50, bytes(8), coupled=False), {Tag.LEFT: b"l", Tag.RIGHT: b"r"}))
    arguments = command.replace("FILE", str(file)).split()
    program = "import atexit, sys, snncodec; atexit.register(lambda: print('torch' in sys.modules))"
    if command:  # else the import of the package is all there is
        program += f"; from snncodec.cli import app; app({arguments})"
    done = subprocess.run([sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True)
    assert done.returncode == LIGHT[command], done.stderr
    assert done.stdout.splitlines()[-1] == "False"

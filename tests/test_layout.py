"""The shape of the package: imports point one way, files stay small, and nothing light loads what is heavy."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import synthetic_pair

from snncodec.bitstream.container import Header, Tag, pack

ROOT = Path(__file__).parents[1]
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "snncodec").glob("**/*.py"))
}
DOORS = ("snncodec", "snncodec.__main__")  # they lead to everything

# Packages and modules in the order in which they may import: each of them only what stands before it, and itself.
ORDER = (
    "errors", "constants", "stopwatch", "worker_processes", "io", "bitstream", "spiking", "model", "decoder", "encoder",
    "codec", "pillow", "training", "benchmark", "export", "workflow", "selftest", "cli",
)  # fmt: skip
WITHOUT_TORCH = ("errors", "constants", "stopwatch", "worker_processes", "io", "bitstream")

# Modules whose change would make old files decode to other pixels: all of two packages, and these.
NORMATIVE_PACKAGES = ("bitstream", "decoder")
NORMATIVE = {
    f"snncodec.{name}"
    for name in (
        "constants", "spiking.exact_neurons", "spiking.fixed_point", "spiking.layers", "model.attention",
        "model.coding_passes", "model.companding", "model.context_model", "model.entropy_model", "model.exact_codec",
        "model.fusion", "model.hyperprior", "model.lapped_transform", "model.local_contrast", "model.pixel_networks",
        "model.prediction", "model.quality", "model.latent_grid", "model.stereo_codec", "model.view_decoder",
        "model.weights",
    )
}  # fmt: skip

LONGEST_FILE, LONGEST_FUNCTION = 250, 40  # lines
LONGER_FUNCTIONS = {  # full name -> the reason why it may be longer
    f"snncodec.cli.{command}.{command}": "a line for each option" for command in ("bench", "decode", "encode", "train")
}


def parse(name):
    return ast.parse(SOURCES[name].read_text(encoding="utf-8"))


def package_of(name):
    """The entry of `ORDER` that a module belongs to."""
    return name.split(".")[1]


def imported(name, tree):
    """All that a module imports, at its top or inside functions, by full names; modules of ours or other names."""
    found, is_package = set(), name in SOURCES and SOURCES[name].name == "__init__.py"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: len(name.split(".")) - node.level + is_package] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            modules = {alias.name: f"{base}.{alias.name}" for alias in node.names}
            found |= {full if full in SOURCES else base for full in modules.values()}
    return found


def imports_of(name):
    """The modules of ours that a module imports."""
    return {other for other in imported(name, parse(name)) if other in SOURCES}


def reached_from(name):
    """All modules of ours that a module leads to."""
    reached, left = set(), [name]
    while left:
        new = imports_of(left.pop()) - reached
        reached |= new
        left += new
    return reached


def upward_imports(name, tree):
    """What a module imports of ours that does not stand before it."""
    ours = {other for other in imported(name, tree) if other.split(".")[0] == "snncodec"}
    place = ORDER.index(package_of(name))
    return {other for other in ours if other in DOORS or ORDER.index(package_of(other)) > place}


@pytest.mark.parametrize("name", [name for name in SOURCES if name not in DOORS])
def test_a_module_imports_only_what_stands_before_it(name):
    allowed = {"snncodec"} if package_of(name) == "cli" else set()  # its version, and modules by name
    assert upward_imports(name, parse(name)) <= allowed


@pytest.mark.parametrize(
    "line",
    [
        "from snncodec.codec import encode",
        "from snncodec import codec",
        "import snncodec.codec",
        "from .. import codec",
        "from ..codec import encode",
        "def late():\n    from snncodec import errors, codec",
    ],
)
def test_an_upward_import_is_found_however_it_is_written(line):
    assert upward_imports("snncodec.model.weights", ast.parse(line)) == {"snncodec.codec"}


@pytest.mark.parametrize(
    "line", ["from snncodec.model import config", "from . import config", "from .config import ModelConfig"]
)
@pytest.mark.parametrize("name", ["snncodec.model", "snncodec.model.weights"])
def test_an_import_of_a_neighbour_is_found_however_it_is_written(name, line):
    assert imported(name, ast.parse(line)) == {"snncodec.model.config"}


def test_every_package_has_its_place_in_the_order():
    assert {package_of(name) for name in SOURCES if name not in DOORS} == set(ORDER)


def test_no_imports_go_in_circles():
    graph = {name: imports_of(name) - {"snncodec"} for name in SOURCES if name not in DOORS}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(graph)


@pytest.mark.parametrize("name", [name for name in SOURCES if name not in DOORS and package_of(name) in WITHOUT_TORCH])
def test_what_files_and_bytes_are_made_with_does_not_import_torch(name):
    heavy = ("torch", "torchvision", "spikingjelly", "safetensors")
    assert not [other for other in imported(name, parse(name)) if other.split(".")[0] in heavy]


def test_what_files_and_bytes_are_made_with_does_not_load_torch_by_detours():
    names = [name for name in SOURCES if name not in DOORS and package_of(name) in WITHOUT_TORCH]
    assert loaded_by(f"import {', '.join(names)}", "torch") == "False"


@pytest.mark.parametrize("name", [name for name in SOURCES if name.startswith("snncodec.decoder.")])
def test_the_decoder_leads_to_no_encoder_training_or_benchmark(name):
    beyond = ORDER[ORDER.index("decoder") + 1 :]
    assert not [other for other in reached_from(name) if package_of(other) in beyond]


def test_one_file_knows_spikingjelly():
    found = [name for name in SOURCES if any(x.split(".")[0] == "spikingjelly" for x in imported(name, parse(name)))]
    assert found == ["snncodec.spiking.neurons"]


def is_normative(name):
    first = (ast.get_docstring(parse(name)) or "").partition("\n")[0]
    return first.startswith("Normative. ")


def test_modules_that_decide_what_files_decode_to_say_so_and_no_others_do():
    packages = tuple(f"snncodec.{package}." for package in NORMATIVE_PACKAGES)
    expected = NORMATIVE | {name for name in SOURCES if name.startswith(packages)}
    assert {name for name in SOURCES if is_normative(name)} == expected


def test_the_decoder_leads_to_every_module_that_is_normative():
    assert {name for name in SOURCES if is_normative(name)} <= reached_from("snncodec.decoder.decode") | {
        "snncodec.decoder.decode"
    }


@pytest.mark.parametrize("name", SOURCES)
def test_a_file_fits_on_a_few_screens_and_says_what_it_is_for(name):
    assert len(SOURCES[name].read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    assert ast.get_docstring(parse(name))


def functions(tree, prefix):
    """Names and lengths of all functions in a syntax tree, from `def` to the last line."""
    for node in ast.iter_child_nodes(tree):
        name = f"{prefix}.{node.name}" if hasattr(node, "name") and isinstance(node, ast.stmt) else prefix
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield name, node.end_lineno - node.lineno + 1
        yield from functions(node, name)


def test_a_function_fits_on_a_screen():
    lengths = {name: lines for module in SOURCES for name, lines in functions(parse(module), module)}
    assert {name for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == set(LONGER_FUNCTIONS)


def loaded_by(program, *modules):
    """What a program prints last, run in a Python of its own: whether any of these modules is loaded at its end."""
    watch = f"import atexit, sys; atexit.register(lambda: print(any(m in sys.modules for m in {modules})))\n"
    done = subprocess.run([sys.executable, "-c", watch + program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (0, 2), done.stderr
    return done.stdout.splitlines()[-1]


COMMANDS = ("encode", "decode", "info", "train", "bench", "export", "publish-weights")
LIGHT = ("--help", "--version", *(f"{command} --help" for command in COMMANDS))


@pytest.mark.parametrize("command", [*LIGHT, "info FILE", "info FILE --json", "decode", "train . --stages magic"])
def test_what_needs_no_network_does_not_load_torch(command, tmp_path):
    file = tmp_path / "pair.bin"
    file.write_bytes(pack(Header(3, 2, 50, bytes(8), inter_view=False), {Tag.LEFT: b"l", Tag.RIGHT: b"r"}))
    arguments = command.replace("FILE", str(file)).split()
    assert loaded_by(f"from snncodec.cli import app; app({arguments})", "torch") == "False"


def test_commands_that_compile_nothing_leave_out_what_only_a_compiler_needs():
    program = "from snncodec.cli.process import load_torch; load_torch({})"
    shapes = "torch._meta_registrations", "torch._decomp"
    assert loaded_by(program.format(""), *shapes) == "False"
    assert loaded_by(program.format("compiler=True"), *shapes) == "True"
    late = "; import torch._meta_registrations; torch._meta_registrations.meta_index_Tensor"
    assert loaded_by(program.format("") + late, *shapes) == "True"  # it comes when it is asked for


def test_the_package_itself_is_light():
    assert loaded_by("import snncodec; snncodec.SnncodecError, snncodec.StereoPair", "torch", "rich") == "False"


@pytest.mark.parametrize("name", ["ilif", "lif"])
@pytest.mark.parametrize("independent", [False, True])
def test_coding_loads_neither_spikingjelly_nor_what_comes_with_it(name, independent, weights_files, tmp_path):
    for view, pixels in zip(("left", "right"), synthetic_pair(40, 50), strict=True):
        (tmp_path / view).write_bytes(pixels.tobytes())
    program = f"""if True:
        import numpy, snncodec
        read = lambda view: numpy.fromfile({str(tmp_path)!r} + "/" + view, numpy.uint8).reshape(40, 50, 3)
        codec = snncodec.Codec({weights_files[name]!r}, "cpu")
        data = codec.encode(read("left"), read("right"), independent={independent})
        assert codec.decode(data).right.shape == (40, 50, 3)"""
    assert loaded_by(program, "spikingjelly", "torchvision", "matplotlib", "tensorboard", "h5py") == "False"


def test_test_modules_have_names_of_their_own():
    names = [path.name for path in (ROOT / "tests").rglob("*.py")]
    assert sorted(names) == sorted(set(names))
    assert names.count("conftest.py") == 1 and "__init__.py" not in names

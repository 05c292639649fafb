"""The public names of the package: what is exported is what is promised, and every name explains itself."""

import ast
import inspect
import tomllib
from pathlib import Path

import pytest

import snncodec

ROOT = Path(__file__).parents[1]


def test_the_public_names_are_exactly_what_is_exported():
    tree = ast.parse(inspect.getsource(snncodec))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]  # what type checkers see
    typed = {alias.name for node in block.body for alias in node.names}
    assert sorted(typed | {"__version__"}) == sorted(snncodec.__all__) == sorted(dir(snncodec))
    namespace = {}
    exec("from snncodec import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(snncodec.__all__)


@pytest.mark.parametrize("name", [name for name in snncodec.__all__ if name != "__version__"])
def test_a_public_name_explains_itself_and_what_it_offers(name):
    public = getattr(snncodec, name)
    offered = inspect.getmembers(public, inspect.isfunction) if inspect.isclass(public) else []
    assert all(inspect.getdoc(method) for method_name, method in offered if not method_name.startswith("_"))
    assert public.__doc__ and not public.__doc__.startswith(f"{name}(")  # which dataclasses write for themselves


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'quality'"):
        snncodec.quality  # noqa: B018


def test_the_version_is_that_of_the_distribution():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert snncodec.__version__ == project["version"]

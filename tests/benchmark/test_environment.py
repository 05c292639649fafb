"""Promises of snncodec.benchmark.environment: what figures depend on is told, in values that JSON can hold."""

import json
import platform

import pytest
import torch

from snncodec.benchmark import environment
from snncodec.benchmark.environment import describe_environment


def test_processor_threads_and_versions_are_told(threads):
    threads(1)
    found = describe_environment("cpu")
    assert json.loads(json.dumps(found)) == found
    assert found["cpu"] and found["cpus"] >= 1 and found["threads"] == 1 and found["gpu"] is None
    assert found["versions"]["python"] == platform.python_version()
    assert found["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]


def test_every_package_whose_work_is_measured_has_a_version():
    assert None not in describe_environment("cpu")["versions"].values()


def test_a_package_that_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(environment, "PACKAGES", ("no-such-package",))
    assert describe_environment("cpu")["versions"]["no-such-package"] is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is none")
def test_a_gpu_is_named_where_it_is_used():
    assert describe_environment("auto")["gpu"] == torch.cuda.get_device_name()

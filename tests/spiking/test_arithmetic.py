"""Promises of spiking/arithmetic.py: while anyone codes, torch's settings are exact; afterwards they are as before."""

import threading

import pytest
import torch

from snncodec.spiking.arithmetic import exact_arithmetic


@pytest.fixture
def products():
    """oneDNN's setting for matrix products, which somebody set to bfloat16; put back after the test."""
    setting = torch.backends.mkldnn.matmul
    before, setting.fp32_precision = setting.fp32_precision, "bf16"
    yield setting
    setting.fp32_precision = before


def test_exact_arithmetic_puts_global_settings_back(products):
    with exact_arithmetic():
        assert products.fp32_precision == "ieee" and not torch.is_grad_enabled()
    assert products.fp32_precision == "bf16" and torch.is_grad_enabled()


def test_an_error_inside_puts_global_settings_back(products):
    with pytest.raises(ZeroDivisionError), exact_arithmetic():
        raise ZeroDivisionError
    assert products.fp32_precision == "bf16" and torch.is_grad_enabled()


def test_settings_may_be_nested(products):
    with exact_arithmetic():
        with exact_arithmetic():
            pass
        assert products.fp32_precision == "ieee"
    assert products.fp32_precision == "bf16"


def test_settings_hold_until_the_last_thread_is_done(products):
    inside, leave = threading.Event(), threading.Event()

    def code():
        with exact_arithmetic():
            inside.set()
            leave.wait(60)

    other = threading.Thread(target=code)
    with exact_arithmetic():
        other.start()
        inside.wait(60)
    assert products.fp32_precision == "ieee" and torch.is_grad_enabled()
    leave.set()
    other.join()
    assert products.fp32_precision == "bf16"


def test_a_callers_autocast_is_off_inside():
    x = torch.ones(2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        with exact_arithmetic():
            assert (x @ x).dtype == torch.float32
        assert (x @ x).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (torch.backends, "ieee"),
        (torch.backends, "tf32"),
        (torch.backends.cudnn, "ieee"),
        (torch.backends.cudnn.conv, "ieee"),
        (torch.backends.mkldnn, "bf16"),
    ],
)
def test_settings_that_were_made_in_torchs_new_way_are_left_as_they_were(place, value):
    """In a process of its own each would be one line; some of them make torch's own `cudnn.flags` fail."""
    kinds = [getattr(b, k) for b, names in ((torch.backends.mkldnn, "conv matmul"), (torch.backends.cudnn, "conv rnn"))
             for k in names.split()]  # fmt: skip
    before, was = [kind.fp32_precision for kind in kinds], place.fp32_precision
    try:
        place.fp32_precision = value
        outside = [kind.fp32_precision for kind in kinds]
        with exact_arithmetic():
            assert [kind.fp32_precision for kind in kinds[:2]] == ["ieee"] * 2 and not torch.backends.cudnn.enabled
        assert [kind.fp32_precision for kind in kinds] == outside and torch.backends.cudnn.enabled
        place.fp32_precision = was
        assert [kind.fp32_precision for kind in kinds] == before  # what follows a common setting follows it still
    finally:
        place.fp32_precision = was
        for kind, precision in zip(kinds, before, strict=True):
            if kind.fp32_precision != precision:
                kind.fp32_precision = precision

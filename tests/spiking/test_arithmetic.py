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

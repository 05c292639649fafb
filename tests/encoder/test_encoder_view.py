"""A view on its way to latents: whole blocks."""

import numpy as np
import pytest
from conftest import CPU, textured

from snncodec.encoder.analysis import padded


@pytest.mark.parametrize("shape", [(1, 1), (16, 32), (17, 15)])
def test_a_view_is_continued_by_its_border_to_whole_blocks(shape):
    view = textured(*shape)
    rows, columns = (np.arange(-(-length // 16) * 16).clip(max=length - 1) for length in shape)
    assert np.array_equal(padded(view, CPU)[0].permute(1, 2, 0).numpy(), view[rows][:, columns])

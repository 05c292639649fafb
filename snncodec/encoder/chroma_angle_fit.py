"""How far a file turns the chroma axes of its transform: to where coefficients are estimated to cost the fewest bits.

The rotation of colours that suits all pictures on average is adapted to one left view, as the adaptive colour transform
of video codecs adapts theirs block by block.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from snncodec.constants import CHROMA_ANGLES
from snncodec.encoder.analysis import in_floats, padded, patches
from snncodec.model.exact_codec import ExactCodec
from snncodec.model.lapped_transform import COEFFICIENTS, chroma_turn

SIGNIFICANT = 0.5  # in steps: smaller coefficients cost next to nothing, however they are turned
COST = 7.4  # a coefficient of c steps costs log2(1 + 7.4 c^2) bits, but for a factor
TURN_PRICE = 0.006  # what each step of the angle has to save, as a share: networks are used to axes that are not turned


def fit_chroma_angle(codec: ExactCodec, view: np.ndarray, quality: int) -> int:
    """The angle, a number for `chroma_turn`, that suits a view uint8 [H, W, 3]; 0 where none is better."""
    first, second = significant_chroma(codec, view, quality)
    costs = []
    for angle in range(CHROMA_ANGLES):
        cosine, sine = chroma_turn(angle)
        turned = torch.cat([cosine * first + sine * second, cosine * second - sine * first])
        strangeness = 1 + TURN_PRICE * min(angle, CHROMA_ANGLES - angle)
        costs.append(strangeness * float(torch.log2(1 + COST * turned.square()).sum()))
    return int(np.argmin(costs))


def significant_chroma(codec: ExactCodec, view: np.ndarray, quality: int) -> Tensor:
    """AC coefficients of both chroma axes in steps, float32 [2, n], of patches all over a view; small ones left out."""
    place = {number: channel for channel, number in enumerate(codec.transform.order.tolist())}
    axes = [[place.get(axis * COEFFICIENTS + frequency) for frequency in range(1, COEFFICIENTS)] for axis in (1, 2)]
    pairs = torch.tensor(
        [pair for pair in zip(*axes, strict=True) if None not in pair], dtype=torch.long, device="cpu"
    ).view(-1, 2)
    pixels, step = padded(view, codec.steps.device), float(codec.steps[quality - 1])
    latents = codec.transform.in_floats.analysis(in_floats(patches(pixels)).sub_(128)) / step
    chroma = latents[:, pairs].permute(2, 0, 1, 3, 4).flatten(1)
    return chroma[:, chroma.abs().amax(0) > SIGNIFICANT]

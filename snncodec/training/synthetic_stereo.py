"""Stereo pairs from ordinary photographs: crops go in, a left and a right view with known geometry come out.

A scene is a slanted background and a few slanted objects in front of it, each with the texture of a photograph and a
disparity of its own, so edges occlude. The cameras differ slightly in exposure, colour and noise. It opens no files.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

FAR, NEAR = 6.0, 40.0  # pixels: disparities of backgrounds reach +-FAR, objects come up to NEAR closer
SLANT = 0.06  # change of disparity per pixel
MOST_OBJECTS = 3


def compose(textures: Tensor, random: np.random.Generator) -> Tensor:
    """Textures [K, 3, S, S] (0..255; the first one is the background) -> a left and a right view [2, 3, S, S]."""
    side = textures.shape[-1]
    far = random.uniform(-FAR, FAR)
    shifts = [far + plane(side, random), *(far + random.uniform(0, NEAR) + plane(side, random) for _ in textures[1:])]
    left, right = textures[0], move(textures[0], shifts[0])
    for texture, shift in zip(textures[1:], shifts[1:], strict=True):
        outline = blob(side, random)
        left = torch.where(outline > 0, texture, left)
        right = torch.where(move(outline, shift) > 0, move(texture, shift), right)
    return torch.stack([left, other_camera(right, random)]).clamp(0, 255).round()


def plane(side: int, random: np.random.Generator) -> Tensor:
    """Disparities [S, S] of a slanted plane, zero in the middle."""
    down, along = random.normal(0, SLANT / 2, 2).clip(-SLANT, SLANT)
    place = torch.arange(side) - side / 2
    return (place * along + place[:, None] * down).float()


def blob(side: int, random: np.random.Generator) -> Tensor:
    """A smooth random outline [1, S, S], positive inside."""
    noise = torch.from_numpy(random.normal(0, 1, (1, 1, 6, 6))).float()
    smooth = F.interpolate(noise, size=(side, side), mode="bicubic", align_corners=True)[0]
    return smooth - random.uniform(0.0, 0.8)


def move(texture: Tensor, shift: Tensor) -> Tensor:
    """texture [C, S, S] at column x + shift [S, S], mirrored beyond its borders."""
    side = texture.shape[-1]
    place = torch.arange(side).float()
    x, y = (place + shift) * (2 / (side - 1)) - 1, (place * (2 / (side - 1)) - 1)[:, None].expand(side, side)
    grid = torch.stack([x, y], -1)[None]
    return F.grid_sample(texture[None], grid, mode="bicubic", padding_mode="reflection", align_corners=True)[0]


def other_camera(view: Tensor, random: np.random.Generator) -> Tensor:
    """The view with a little other exposure, colour and noise, or unchanged."""
    if random.random() < 0.3:
        return view
    gains = torch.from_numpy(random.normal(1, 0.02, 3) * random.normal(1, 0.04)).float().view(3, 1, 1)
    noise = torch.from_numpy(random.normal(0, random.uniform(0, 2), view.shape)).float()
    return view * gains + random.normal(0, 2) + noise

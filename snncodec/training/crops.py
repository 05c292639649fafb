"""Training crops: pictures and stereo pairs in, random augmented crops out, and fixed crops for validation.

Every random choice comes from one generator whose state can be saved. It knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from snncodec.constants import BLOCK
from snncodec.decoder.warping import SUBPIXELS
from snncodec.encoder.displacement_search import DisplacementSearch
from snncodec.errors import InputError
from snncodec.io.datasets import find_pairs
from snncodec.io.images import read_image
from snncodec.io.stereo_files import read_views
from snncodec.training.synthetic_stereo import MOST_OBJECTS, compose

SMALLEST_SCALE = 0.5  # pictures are shrunk by a random factor from 0.5 to 1
SYNTHETIC_SHARE, IDENTICAL_SHARE, UNRELATED_SHARE = 0.35, 0.05, 0.05  # of synthetic pairs, equal and unrelated views
FLAT_SHARE = 0.1  # of crops that are one colour or a slow ramp: what is flat must be learned to be expected so
STEEPEST_RAMP = 0.3  # grey levels per pixel
MATCHING_STEP = 30.0  # quantisation step for which real pairs are matched
ENOUGH_PIXELS = 2**20  # pictures are drawn in proportion to their size, up to this many pixels


class CropSampler:
    """Random crops of random scenes: scale, flips, brightness, contrast and colour jitter, alike for all views.

    A scene is a tuple of V pictures (one, or the left and right view), uint8 [H, W, 3] of one size.
    """

    def __init__(self, scenes: Sequence[tuple[np.ndarray, ...]], random: np.random.Generator) -> None:
        self.scenes, self.random = scenes, random
        areas = np.array([min(s[0].shape[0] * s[0].shape[1], ENOUGH_PIXELS) for s in scenes], dtype=np.float64)
        self.odds = areas / areas.sum()

    def batch(self, count: int, size: int, colour: bool = True) -> Tensor:
        """Crops [count, V, 3, size, size], float32 minus 128."""
        return torch.stack([self.crop(size, colour) for _ in range(count)]) - 128.0

    def crop(self, size: int, colour: bool) -> Tensor:
        """One crop [V, 3, size, size], float32 in 0..255."""
        if self.random.random() < FLAT_SHARE:
            return flat_crop(size, self.random).expand(len(self.scenes[0]), -1, -1, -1)
        number = self.random.choice(len(self.scenes), p=self.odds)
        views = self.scenes[number]
        height, width = views[0].shape[:2]
        scale = self.random.uniform(SMALLEST_SCALE, 1.0) if self.random.random() < 0.7 else 1.0
        extent = min(round(size / scale), height, width)
        top, left = self.random.integers(height - extent + 1), self.random.integers(width - extent + 1)
        windows = self.windows(number, top, left, extent)
        if extent != size:
            windows = [np.asarray(Image.fromarray(w).resize((size, size), Image.Resampling.LANCZOS)) for w in windows]
        if self.random.random() < 0.5:  # a mirrored pair has its views swapped
            windows = [window[:, ::-1] for window in reversed(windows)]
        if self.random.random() < 0.25:
            windows = [window[::-1] for window in windows]
        pixels = torch.from_numpy(np.stack(windows)).permute(0, 3, 1, 2).float()
        return self.jitter(pixels) if colour else pixels

    def windows(self, number: int, top: int, left: int, extent: int) -> list[np.ndarray]:
        """The same square of all views of a scene."""
        return [view[top : top + extent, left : left + extent] for view in self.scenes[number]]

    def jitter(self, pixels: Tensor) -> Tensor:
        """Gains per channel, brightness and saturation, mild enough to keep photographs photographs."""
        if self.random.random() < 0.5:
            return pixels
        gains = torch.from_numpy(self.random.uniform(0.9, 1.1, 3)).float() * self.random.uniform(0.7, 1.15)
        pixels = pixels * gains.view(3, 1, 1) + self.random.uniform(-15, 15)
        grey = pixels.mean(1, keepdim=True)
        return (grey + (pixels - grey) * self.random.uniform(0.5, 1.3)).clamp(0, 255).round()


class StereoSampler(CropSampler):
    """Crops of real stereo pairs whose windows follow the disparity, and synthetic pairs made of photographs.

    A few pairs have equal views, and a few views that have nothing in common: both must be learned as well. Without
    real `pairs` more are synthetic.
    """

    def __init__(
        self, pairs: Sequence[tuple[np.ndarray, np.ndarray]], pictures: CropSampler, random: np.random.Generator
    ) -> None:
        super().__init__(pairs, random)
        self.pictures = pictures
        fields = (DisplacementSearch(*pair, MATCHING_STEP).find() for pair in pairs)
        self.shifts = [field.displacements[0] // SUBPIXELS for field in fields]

    def crop(self, size: int, colour: bool) -> Tensor:
        kind = self.random.random()
        if kind < IDENTICAL_SHARE:
            return self.pictures.crop(size, colour).expand(2, -1, -1, -1)
        if kind < IDENTICAL_SHARE + UNRELATED_SHARE:
            return torch.cat([self.pictures.crop(size, colour) for _ in range(2)])
        if kind < IDENTICAL_SHARE + UNRELATED_SHARE + SYNTHETIC_SHARE or not self.scenes:
            textures = [self.pictures.crop(size, colour)[0] for _ in range(1 + self.random.integers(MOST_OBJECTS + 1))]
            return compose(torch.stack(textures), self.random)
        return super().crop(size, colour)

    def windows(self, number: int, top: int, left: int, extent: int) -> list[np.ndarray]:
        """A square of the right view, and the square of the left one where most of it is seen."""
        views, blocks = self.scenes[number], [slice(at // BLOCK, (at + extent) // BLOCK + 1) for at in (top, left)]
        shifted = left + int(np.median(self.shifts[number][tuple(blocks)]))
        places = (min(max(shifted, 0), views[0].shape[1] - extent), left)
        return [view[top : top + extent, at : at + extent] for view, at in zip(views, places, strict=True)]


def flat_crop(size: int, random: np.random.Generator) -> Tensor:
    """One colour, or a slow ramp [3, size, size], whole numbers in 0..255."""
    place = torch.arange(size) - size / 2
    down, along = random.uniform(-STEEPEST_RAMP, STEEPEST_RAMP, 2) * (random.random() < 0.5)
    grey, cast = random.uniform(-30, 285), random.normal(0, random.uniform(0, 60), 3)  # walls, and saturated skies
    colour = torch.from_numpy((grey + cast).clip(0, 255)).float().view(3, 1, 1)
    return (colour + place * along + place[:, None] * down).clamp(0, 255).round()


def validation_crops(root: Path, size: int = 256) -> Tensor:
    """The central crops of both views of every pair below `root` that is large enough, and whose views have one size.

    Returns left, right, left, right ... [2 * pairs, 3, size, size], float32 minus 128.
    """
    crops = []
    for scene in find_pairs(root)[0]:
        views = [read_image(file)[0] for file in scene.files] if scene.right else read_views(scene.left, None).views()
        height, width = views[0].shape[:2]
        if views[0].shape == views[1].shape and min(height, width) >= size:
            top, left = (height - size) // 2, (width - size) // 2
            windows = [view[top : top + size, left : left + size].copy() for view in views]
            crops += [torch.from_numpy(window).permute(2, 0, 1) for window in windows]
    if not crops:
        raise InputError(f"no pair below {root} is as large as {size} x {size} pixels, which validation needs")
    return torch.stack(crops).float() - 128.0

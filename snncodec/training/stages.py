"""The plan of a training run: which parts of a model each stage trains, on what, and at which rate."""

from __future__ import annotations

from dataclasses import dataclass

ENTROPY = (
    "hyper_encoder",
    "hyper_decoder",
    "context_model",
    "hyper_offsets",
    "prior_offsets",
    "index_offsets",
    "hyper_index",
)
INTER_VIEW = ("fusion", "decoder.conditioning")  # what only right views use, but for their encoder
SINGLE_VIEW = (*ENTROPY, "left_encoder", "decoder.network", "decoder_offsets")
ALL = (*SINGLE_VIEW, *INTER_VIEW, "right_encoder")


@dataclass(frozen=True)
class Stage:
    """What one stage trains, and how: modules by name prefix, share of the budget, batch and learning rate."""

    share: float
    rate: float
    crop: int
    batch: int
    trains: tuple[str, ...] = ("",)
    encode: bool = True
    decode: bool = True
    on_grid: bool = False  # trains on the fixed-point grid that files are coded with
    pairs: bool = False  # right views, given the left ones; else single pictures
    both_views: bool = False  # of a pair, left views as well


PLAN = {
    "prior": Stage(0.5, 7e-4, 192, 8, ENTROPY, encode=False, decode=False),
    "decoder": Stage(0.2, 8e-4, 192, 4, ("decoder.network", "decoder_offsets"), encode=False),
    "joint": Stage(0.3, 3e-4, 192, 4, SINGLE_VIEW),
    "stereo": Stage(0.3, 8e-4, 256, 2, INTER_VIEW, encode=False, on_grid=True, pairs=True),
    "stereo_joint": Stage(0.25, 3e-4, 256, 2, ALL, on_grid=True, pairs=True, both_views=True),
}

"""What an encoder spends its time on: the levels of `--effort`, from 1, the fastest, to 9, the smallest files."""

from __future__ import annotations

from dataclasses import dataclass

from snncodec.decoder.inter_view import UNITS


@dataclass(frozen=True)
class Effort:
    """Everything that takes time and makes files smaller. Decoders know nothing of it."""

    refinements: int = 4  # scans in which a displacement field settles
    units: tuple[int, ...] = UNITS  # of displacements, coarser ones as far as they save bits
    search_again: bool = True  # with the interpolation kernel that suits the views
    inter_trial: bool = True  # the right view is coded twice: blocks can be skipped, and latents are better
    left_trial: bool = True  # and the left view, and views that are coded alone


LEVELS = {
    1: Effort(1, (1,), False, False, False),
    2: Effort(2, (1,), False, False, False),
    3: Effort(2, (1,), True, False, False),
    4: Effort(2, (1,), True, True, False),
    5: Effort(2, UNITS, True, True, False),
    6: Effort(4, UNITS, True, True, False),
    7: Effort(2, UNITS, True, True, True),
    8: Effort(3, UNITS, True, True, True),
    9: Effort(),
}

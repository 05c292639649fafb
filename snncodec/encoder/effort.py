"""What an encoder spends its time on: the levels of `--effort`, from 1, the fastest, to 9, the smallest files."""

from __future__ import annotations

from dataclasses import dataclass

from snncodec.decoder.inter_view import UNITS


@dataclass(frozen=True)
class Effort:
    """Everything that takes time and makes files smaller. Decoders know nothing of it."""

    refinements: int = 4  # scans in which a displacement field settles
    units: tuple[int, ...] = UNITS  # of displacements, coarser ones as far as they save bits
    kernels: bool = True  # the interpolation kernel that suits the views is looked for
    search_again: bool = True  # and the field, once more, with that kernel
    intra_blocks: bool = True  # blocks that are matched but would gain too little are coded without the prediction
    synthesis: bool = True  # latents are made better by a look at what the decoder makes of them
    inter_trial: bool = True  # the right view is coded twice: which blocks to skip is measured, and latents are better
    left_trial: bool = True  # and the left view, and views that are coded alone


LEVELS = {
    1: Effort(1, (1,), False, False, False, False, False, False),
    2: Effort(1, (1,), True, False, True, True, False, False),
    3: Effort(1, (1,), True, True, True, True, False, False),
    4: Effort(1, (1, 2), True, True, True, True, False, False),
    5: Effort(1, inter_trial=False, left_trial=False),
    6: Effort(2, inter_trial=False, left_trial=False),
    7: Effort(2, left_trial=False),
    8: Effort(2),
    9: Effort(),
}

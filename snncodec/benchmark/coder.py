"""What a codec must offer to be measured: `Coder`, and `Baseline` for what snncodec is compared with.

Only the shape of a codec stands here; snncodec as a coder is in `runner.py`, the others are in `baselines`.
"""

from __future__ import annotations

from typing import Protocol

from snncodec.io.images import StereoPair


class Coder(Protocol):
    """A codec of stereo pairs at several qualities; `encode` and `decode` mirror each other.

    A higher quality costs more bytes. All bytes that `decode` needs are in the files of `encode`, and all are counted.
    """

    @property
    def name(self) -> str: ...

    @property
    def qualities(self) -> tuple[int, ...]: ...

    @property
    def settings(self) -> str: ...

    def encode(self, pair: StereoPair, quality: int) -> tuple[bytes, ...]: ...

    def decode(self, files: tuple[bytes, ...]) -> StereoPair: ...

    def view_bytes(self, files: tuple[bytes, ...]) -> tuple[int, int]: ...


class Baseline(Coder, Protocol):
    """A `Coder` around another library, which may be missing or too old."""

    @property
    def settings(self) -> str:
        """Every option and library version that its figures depend on, in one line; asked for after `check`."""
        ...

    def check(self) -> None:
        """InputError, naming what to install, unless a small pair can be coded and decoded here."""
        ...

"""Every error snncodec raises on purpose; each carries one sentence for the user.

SnncodecError
├── InputError        a picture, folder or option that cannot be used
├── LimitError        larger than a stated limit
├── FormatError       not a snncodec file, or a damaged one
├── UnsupportedError  a sound file that this version or these weights cannot decode
├── WeightsError      weights that are missing, damaged or not provably exact
└── TrainingError     training that cannot start or go on
"""


class SnncodecError(Exception):
    """Base of all errors below; the command line prints it and exits with 1."""


class InputError(SnncodecError):
    """A picture, folder or option that cannot be used."""


class LimitError(SnncodecError):
    """Larger than a stated limit; checked before anything is allocated."""


class FormatError(SnncodecError):
    """Not a snncodec file, or a damaged one."""


class UnsupportedError(SnncodecError):
    """A sound file that this version, or the weights at hand, cannot decode."""


class WeightsError(SnncodecError):
    """Weights that are missing, damaged, or cannot be proved to compute exactly."""


class TrainingError(SnncodecError):
    """Training that cannot start, or must not go on."""

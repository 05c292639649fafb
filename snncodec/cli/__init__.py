"""The command line."""

from snncodec.cli.main import app

__all__ = ["app"]

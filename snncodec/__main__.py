"""`python -m snncodec` is the command `snncodec`."""

from snncodec.cli import app

app(prog_name="snncodec")

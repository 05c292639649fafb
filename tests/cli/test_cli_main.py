"""Promises of the command line as a whole: its commands, its help, and how it is started."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from cli_helpers import run

import snncodec
from snncodec.cli import app

ROOT = Path(__file__).parents[2]
COMMANDS = ["encode", "decode", "info", "train", "bench", "export", "publish-weights"]


def test_no_command_at_all_shows_the_help():
    assert run("").exit_code == 2
    assert run("").output.split() == run("--help").output.split()


def test_the_help_names_every_command_there_is():
    assert [command.callback.__name__.replace("_", "-") for command in app.registered_commands] == COMMANDS
    assert all(name in run("--help").output for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    result = run(f"{command} --help")
    assert result.exit_code == 0 and f"{command} [OPTIONS]" in result.output
    assert f"snncodec {command} " in result.output.partition("[OPTIONS]")[2]  # an example


EXAMPLES = re.findall(
    r"^ +snncodec (.+)", "\n".join(command.callback.__doc__ for command in app.registered_commands), re.MULTILINE
)


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_are_understood(line):
    command, *arguments = line.split()
    assert typer.main.get_command(app).commands[command].make_context(command, arguments).params


def test_the_module_runs_as_a_command():
    done = subprocess.run([sys.executable, "-m", "snncodec", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"snncodec {snncodec.__version__}\n", "")

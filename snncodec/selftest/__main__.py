"""`python -m snncodec.selftest`: one line for each condition: ok, differs, or not here. Ends with 1 if any differs."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from snncodec.errors import SnncodecError
from snncodec.selftest.conditions import Condition, NotHere, Process, conditions, processes
from snncodec.selftest.golden import GoldenFile, golden_files, golden_folder

SHORT = 2  # files of the short form: the smallest ones
LONGEST_SECONDS = 900  # of one process


def main(arguments: list[str] | None = None) -> int:
    """Run the matrix, or one process of it; returns the exit status."""
    parser = argparse.ArgumentParser("python -m snncodec.selftest", description=__doc__)
    parser.add_argument("--golden", type=Path, default=golden_folder(), metavar="DIR", help="where golden files lie")
    parser.add_argument("--short", action="store_true", help="few files and processes")
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    try:
        files = sorted(golden_files(given.golden), key=lambda file: len(file.data))[: SHORT if given.short else None]
    except SnncodecError as error:
        sys.stderr.write(f"snncodec: {error}\n")
        return 1
    matrix = processes(given.short)
    if given.process is not None:
        return run_process(matrix[given.process], files)
    sys.stdout.write(f"{len(files)} golden files\n")
    options = ["--golden", str(given.golden), *["--short"] * given.short]
    results = [start_process(number, process, options) for number, process in enumerate(matrix)]
    return int(any(results))


def start_process(number: int, process: Process, options: list[str]) -> bool:
    """Run one process of the matrix with its environment; whether anything differed or went wrong."""
    sys.stdout.flush()
    command = [sys.executable, "-m", "snncodec.selftest", *options, "--process", str(number)]
    environment = {"OMP_WAIT_POLICY": "PASSIVE"} | os.environ | process.variables  # threads need not spin
    try:
        status = subprocess.run(command, env=environment, timeout=LONGEST_SECONDS).returncode
    except subprocess.TimeoutExpired:
        status = -1
    if status not in (0, 1):  # a kernel that crashes takes its process along
        sys.stdout.write(f"differs   {process.name or 'as it comes'}: the process ended with {status}\n")
    return status != 0


def run_process(process: Process, files: list[GoldenFile]) -> int:
    """Decode all files under every condition of this process."""
    import warnings

    warnings.filterwarnings("ignore")  # of torch, about settings that are changed on purpose
    lines = [run_condition(condition, files) for condition in conditions(process)]
    lines.append(run_kernels(process))
    return int(any(line.startswith("differs") for line in lines))


def run_condition(condition: Condition, files: list[GoldenFile]) -> str:
    """Decode all files under one condition; prints its line and returns it."""
    try:
        with condition.hold(), ThreadPoolExecutor(condition.at_once) as pool:
            work = partial(differing, device=condition.device)
            found = pool.map(work, [files] * condition.at_once) if condition.at_once > 1 else [work(files)]
            different = sorted({name for names in found for name in names})
        line = f"differs   {condition.name}: {', '.join(different)}" if different else f"ok        {condition.name}"
    except NotHere as reason:
        line = f"not here  {condition.name}: {reason}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return line


def run_kernels(process: Process) -> str:
    """Compare layers in bytes with layers in floats; prints a line and returns it."""
    import torch

    from snncodec.model.shipped_weights import load_weights
    from snncodec.selftest.kernels import differing_maps
    from snncodec.spiking.byte_convolution import bytes_are_fast

    name = f"{process.name}, byte kernels" if process.name else "byte kernels"
    cpu = torch.device("cpu")
    different = differing_maps(load_weights("base", cpu).codec) if bytes_are_fast(cpu) else None
    line = f"not here  {name}: this CPU has no instructions for bytes" if different is None else f"ok        {name}"
    if different:
        line = f"differs   {name}: {', '.join(different)}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return line


def differing(files: list[GoldenFile], device: str) -> list[str]:
    """The names of the files that decode to other pixels, or not at all."""
    from snncodec.bitstream.container import read_header
    from snncodec.codec import Codec
    from snncodec.model.weights_manifest import find_by_id

    codecs: dict[str, Codec] = {}
    different = []
    for file in files:
        weights = str(file.weights or find_by_id(read_header(file.data)[0].weights_id))
        try:
            if weights not in codecs:
                codecs[weights] = Codec(weights, device)
            if not file.decodes_alike(codecs[weights]):
                different.append(file.name)
        except (RuntimeError, SnncodecError) as error:
            different.append(f"{file.name} ({error})")
    return different


def main_of_program() -> int:
    """`main`, where what stdout does not take is one sentence, or none if whoever reads it has seen enough."""
    if sys.stdout is None:
        sys.stderr.write("snncodec: cannot write the output: stdout is closed\n")
        return 1
    try:
        status = main()
        sys.stdout.flush()
        return status
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # and nothing is tried again as Python ends
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"snncodec: cannot write the output: {error.strerror}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main_of_program())

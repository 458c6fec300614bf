"""The program: its signals, its streams and its exit codes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import run_in_shell, start_npbert
from tests.support.platforms import needs_signals

pytestmark = [needs_signals, pytest.mark.usefixtures("obeyed_ctrl_c")]
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture
def endless(folder: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the middle of its work, which waits for more lines to label."""
    output = str(tmp_path / "out.jsonl")
    arguments = ["classify", "--model", folder, "-", "--output", output]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start_npbert(*arguments, **pipes)
    assert process.stdin is not None
    process.stdin.write(b"good\n" * 10)
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)  # the model is loaded meanwhile
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_signals_end_it_quietly(
    endless: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    assert len(list(tmp_path.iterdir())) == 1  # the temporary file
    endless.send_signal(number)
    out, err = endless.communicate(timeout=20)
    assert (endless.returncode, out, err) == (code, b"", b"")
    assert not list(tmp_path.iterdir())


# Sends a signal to itself when a module is imported.
SIGNALLED_BY_ITSELF = """
import os, sys

module, number = sys.argv.pop(1), int(sys.argv.pop(1))

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), number)

sys.meta_path.insert(0, Finder())
from npbert.cli.main import program
program()
"""
MODULES = ["npbert.cli.commands", "argparse", "npbert.tables.formats", "npbert.pipelines.factory"]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("module", [*MODULES, "numpy", "tokenizers", "threadpoolctl"])
def test_signals_at_the_beginning(
    folder: str, module: str, number: signal.Signals, code: int
) -> None:
    command = [sys.executable, "-c", SIGNALLED_BY_ITSELF, module, str(int(number)), "classify"]
    done = subprocess.run([*command, "--model", folder, "x"], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_a_program_in_the_background_ignores_ctrl_c(folder: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    command = [sys.executable, "-c", SIGNALLED_BY_ITSELF, "numpy", str(int(signal.SIGINT))]
    done = subprocess.run(
        [*command, "classify", "--model", folder, "x"], capture_output=True, check=False
    )
    assert done.returncode == 0
    assert b"label" in done.stdout


@pytest.mark.parametrize("arguments", ["-", "--input -", "--input - --output out.jsonl"])
def test_a_closed_standard_input_is_one_line(folder: str, tmp_path: Path, arguments: str) -> None:
    done = run_in_shell(f"cd {tmp_path}; $N {arguments} <&-", folder)
    assert done.returncode == 1
    assert done.stderr == "npbert: error: standard input is closed; give --input FILE, or a pipe\n"
    assert not list(tmp_path.iterdir())
    done = run_in_shell(f"cd {tmp_path}; echo good > in.txt; $N --input in.txt <&-", folder)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)

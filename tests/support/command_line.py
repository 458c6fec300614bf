"""The command line in this process, in a process of its own, in a shell and on terminals."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TEXTS = ["I love this film.", "I want my two hours back.", "東京 é"]

# Runs `npbert classify` in this process: exit code, standard output, standard error.
Classify = Callable[..., tuple[int, str, str]]

_COMMAND = [sys.executable, "-m", "npbert"]


def read_json_lines(content: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def start_npbert(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command line in a process of its own."""
    return subprocess.Popen([*_COMMAND, *arguments], **options)


def wait_for_checkpoints(process: subprocess.Popen[bytes], journal: Path) -> None:
    """Wait until the journal of a process has the recipe, the beginning and two chunks."""
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.read_text().count("\n") > 3):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill_after_checkpoints(process: subprocess.Popen[bytes], journal: Path) -> None:
    """Kill a process as soon as its journal has the recipe, the beginning and two chunks."""
    wait_for_checkpoints(process, journal)
    process.kill()
    process.wait()


def run_npbert(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a process of its own, until it ends."""
    command = [*_COMMAND, *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, **options)


def run_in_shell(command: str, folder: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell, in which $N is `npbert classify` with the model in a folder.

    The environment has the variables, too.
    """
    npbert = f"{sys.executable} -m npbert classify --model {folder}"
    return subprocess.run(
        ["sh", "-c", command],
        env=os.environ | {"N": npbert} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_on_terminals(*arguments: str) -> tuple[str, str]:
    """Run the command line with two terminals: as its standard output and its standard error.

    Returns what each of them shows.
    """
    ends = [pty.openpty() for _ in range(2)]
    for _, theirs in ends:
        termios.tcsetwinsize(theirs, (24, 80))
    process = start_npbert(
        *arguments, stdout=ends[0][1], stderr=ends[1][1], stdin=subprocess.DEVNULL
    )
    shown = []
    for ours, theirs in ends:
        os.close(theirs)
        content = b""
        try:
            while part := os.read(ours, 4096):
                content += part
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        shown.append(content.decode())
    assert process.wait(60) == 0
    return shown[0], shown[1]

"""The command line in this process, in a process of its own, and in a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.platforms import shell

TEXTS = ["I love this film.", "I want my two hours back.", "東京 é"]

# Runs `npbert classify` in this process: exit code, standard output, standard error.
Classify = Callable[..., tuple[int, str, str]]

_COMMAND = [sys.executable, "-m", "npbert"]


def unmeasured() -> dict[str, str]:
    """Return the environment of this process, without the wish to measure the lines that are run.

    Where CI measures them, each process of Python imports what this needs, and writes a file. That
    shows where imports or standard error are compared, and fails for another user.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


def read_json_lines(content: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def start_npbert(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command line in a process of its own."""
    return subprocess.Popen([*_COMMAND, *arguments], **options)


def wait_for_checkpoints(process: subprocess.Popen[bytes], journal: Path) -> None:
    """Wait until the journal of a process has the recipe, the beginning and two chunks."""
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.read_text(encoding="utf-8").count("\n") > 3):
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
        [shell(), "-c", command],
        env=os.environ | {"N": npbert} | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

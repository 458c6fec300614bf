"""The program `npbert serve`, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from tests.support.command_line import start_npbert

READY = re.compile(r"npbert: serving (.+) \((.+)\) on (http://\S+)\n")


class Program(NamedTuple):
    """A running `npbert serve`."""

    process: subprocess.Popen[bytes]
    model: str
    url: str

    def predict(self, text: str, **headers: str) -> Any:
        body = json.dumps({"inputs": text}).encode()
        headers = {"content-type": "application/json", **headers}
        request = urllib.request.Request(f"{self.url}/predict", body, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def metrics(self) -> str:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=20) as answer:
            return str(answer.read().decode())

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal, and return the exit code and what was written after the ready line."""
        if os.name != "posix":
            pytest.skip("the system sends no signals to programs")
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors.decode()


@contextmanager
def program(*arguments: str, **options: Any) -> Iterator[Program]:
    """Start `npbert serve` on a free port, and wait until it is ready."""
    process = start_npbert(
        "serve",
        "--port",
        "0",
        *arguments,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        **options,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        found = READY.fullmatch(line)
        assert found, line
        yield Program(process, found[1], found[3])
    finally:
        process.kill()
        process.communicate()

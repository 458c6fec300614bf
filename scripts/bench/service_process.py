"""A service in a process of its own: `npbert serve`, or one of services.py."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Self

from bench.material import CHECKOUT
from bench.measure import MIB, OURS, PAUSE_S, Host

if TYPE_CHECKING:
    import psutil

START_S = 120  # the longest time until a service is ready
ANSWER_S = 60  # the longest time until an answer is there
STOP_S = 40  # the longest time between SIGTERM and the end of a process
ADDRESS = "127.0.0.1"

_READY = re.compile(rf" on http://{re.escape(ADDRESS)}:(\d+)$", re.MULTILINE)


class ServiceProcess:
    """A service that is started when a ``with`` statement begins, and ended after it.

    Parameters
    ----------
    name : str
    command : sequence of str
        The program. When it is ready, it says on standard error where it listens.
    environment : mapping
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._command = command
        paths = (str(CHECKOUT), str(CHECKOUT / "scripts"))
        self._environment = {**environment, "PYTHONPATH": os.pathsep.join(paths)}

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(self._command, env=self._environment, stderr=self._log)
        try:
            self.port = self._wait_for_port()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def stop(self) -> int:
        """Ask the process to end, as a supervisor does; return its status."""
        self._process.terminate()
        return self._process.wait(STOP_S)

    def _wait_for_port(self) -> int:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if ready := _READY.search(self.log()):
                return int(ready[1])
            time.sleep(0.05)
        raise SystemExit(f"{shlex.join(self._command)} does not serve:\n{self.log()}")

    def log(self) -> str:
        """Return what the process has written to standard error."""
        # The process writes at the position of the file, which pread does not move.
        n_bytes = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), n_bytes, 0).decode("utf-8", "replace")

    def processes(self) -> list[psutil.Process]:
        """Return the process and its workers."""
        import psutil

        process = psutil.Process(self._process.pid)
        return [process, *process.children(recursive=True)]

    def pss_mib(self) -> float:
        """Return the memory of all processes, in MiB; what they share is counted once."""
        return float(sum(one.memory_full_info().pss for one in self.processes()) / MIB)

    def score(self, text: str) -> float:
        """Return the score of POSITIVE for one text."""
        connection = HTTPConnection(ADDRESS, self.port, timeout=ANSWER_S)
        connection.request("POST", "/predict", body_of(text), {"Content-Type": "application/json"})
        with connection.getresponse() as response:
            answer = response.read()
        connection.close()
        if response.status != 200:
            raise SystemExit(f"{self.name}: status {response.status}: {answer.decode()}")
        return float(next(row["score"] for row in json.loads(answer) if row["label"] == "POSITIVE"))

    def scores(self, texts: Sequence[str], n_clients: int) -> list[float]:
        """Return the score of POSITIVE for each text; so many clients ask at the same time."""
        with ThreadPoolExecutor(n_clients) as pool:
            return list(pool.map(self.score, texts))

    def wait_until_idle(self) -> None:
        """Wait until the requests of clients that have left take no more time."""
        before, used = -1.0, 0.0
        while used - before > 0.02:
            time.sleep(PAUSE_S)
            times = [process.cpu_times() for process in self.processes()]
            before, used = used, sum(of_one.user + of_one.system for of_one in times)


def service_of(name: str, host: Host, *options: str) -> ServiceProcess:
    """Return the process of a service.

    Parameters
    ----------
    name : str
        "npbert", or a key of `services.SERVICES`.
    host : Host
    *options : str
        Options of `npbert serve`.
    """
    folder = str(host.folder.resolve())
    if name == OURS:
        command = [sys.executable, "-m", "npbert", "serve", "--port", "0", "--model", folder]
        command += ["--threads", str(host.n_threads), *options]
    else:
        command = [sys.executable, "-m", "bench.services", name, folder, str(host.n_threads)]
    return ServiceProcess(name, command, host.environment)


def body_of(text: str) -> str:
    """Return the body of a request with one text, on one line."""
    return json.dumps({"inputs": text, "truncate": True})

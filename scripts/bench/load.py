"""The load of many clients on a service, and how it answers meanwhile.

The load comes from wrk (https://github.com/wg/wrk, `apt install wrk`): each client sends a request,
and the next one when the answer is there.
"""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from bench.service_process import ADDRESS, ANSWER_S, ServiceProcess, body_of

HEALTH_EVERY_S = 0.1
WRK_SCRIPT = Path(__file__).with_name("wrk.lua")


class Load(NamedTuple):
    """What a service did under the load of some clients, for some seconds."""

    rate: float  # answers per second
    p50_ms: float  # half of the answers came in this time
    p99_ms: float
    health_ms: list[float]  # how long each GET /health took meanwhile


def p99(times: Iterable[float]) -> float:
    """Return the time that 99 of 100 did not exceed."""
    in_order = sorted(times)
    return in_order[math.ceil(0.99 * len(in_order)) - 1]


@contextmanager
def bodies_file(texts: Iterable[str]) -> Iterator[Path]:
    """Write the bodies that wrk sends, one per line."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(f"{body_of(text)}\n" for text in texts)
        file.flush()
        yield Path(file.name)


def put_under_load(service: ServiceProcess, bodies: Path, n_clients: int, seconds: int) -> Load:
    """Let so many clients ask for so many seconds, or longer if there are fewer answers.

    An answer that is an error ends the program, because then the figures mean nothing.
    """
    service.wait_until_idle()
    with watched_health(service.port) as health_ms:
        answered = _run_wrk(service, bodies, n_clients, seconds)
    if answered["answers"] < n_clients:
        return put_under_load(service, bodies, n_clients, 2 * seconds)
    rate = answered["answers"] / answered["elapsed_s"]
    return Load(rate, answered["p50_ms"], answered["p99_ms"], health_ms)


def _run_wrk(
    service: ServiceProcess, bodies: Path, n_clients: int, seconds: int
) -> dict[str, float]:
    """Return what wrk.lua prints at the end."""
    command: list[str | Path] = ["wrk", "--threads", "1", "--connections", str(n_clients)]
    command += ["--duration", f"{seconds}s", "--timeout", f"{ANSWER_S}s"]
    command += ["--script", WRK_SCRIPT, f"http://{ADDRESS}:{service.port}", "--", bodies]
    said = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    figures: dict[str, float] = json.loads(said.splitlines()[-1])
    if figures["errors"]:
        raise SystemExit(f"{service.name}, {n_clients} clients: wrk saw errors:\n{said}")
    return figures


@contextmanager
def watched_health(port: int) -> Iterator[list[float]]:
    """Ask for /health every 100 ms; the list receives the milliseconds until each answer."""
    times_ms: list[float] = []
    is_over = threading.Event()

    def watch() -> None:
        connection = HTTPConnection(ADDRESS, port, timeout=ANSWER_S)
        while not is_over.wait(HEALTH_EVERY_S):
            started = time.perf_counter()
            connection.request("GET", "/health")
            with connection.getresponse() as response:
                response.read()
            times_ms.append((time.perf_counter() - started) * 1000)
            assert response.status == 200, response.status
        connection.close()

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield times_ms
    finally:
        is_over.set()
        watching.join()

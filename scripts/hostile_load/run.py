"""A whole run: a service is started, put under load, measured, and ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.request import urlopen

from bench.load import p99
from bench.material import sentences
from bench.measure import MIB
from bench.service_process import ADDRESS, ServiceProcess

from hostile_load.load import ONE_IN, Played, play, watch_health
from hostile_load.truth import MODEL, Truth

RECEIVE_S = 2  # for a whole request: less than `npbert serve` gives, so that a run is short
CLOSED_AFTER_S = 10  # the connections of clients that have left, on a busy machine
MOST_HEALTH_MS = 1000  # the clients keep the processors busy too
# Of the resident memory, in the second half of the requests. The heaps of the threads fill up with
# the first thousands of requests, so a short run has to allow for more than a long one shows.
MOST_GROWTH_MIB = 50
N_MEASUREMENTS = 20
N_TEXTS = 100

PROGRAM = f"""
from npbert.serve.server import serve
from npbert.serve.settings import Limits, Settings
serve(Settings({MODEL!r}, port=0, limits=Limits(receive_timeout={RECEIVE_S})))
"""


@dataclass
class Found:
    """What a run found.

    Attributes
    ----------
    played : Played
    seconds : float
        How long the load lasted.
    health_ms : list of float
        How long /health took, each time.
    memory_mib : list of float
        The resident memory of the service, measured twenty times while the requests were made.
    faults : list of str
        What was wrong; there should be none.
    """

    played: Played
    seconds: float
    health_ms: list[float]
    memory_mib: list[float]
    faults: list[str]

    def report(self) -> Iterator[str]:
        """Yield lines that say what was done, and how the service was."""
        n_scenes = self.played.scenes.total()
        yield (
            f"{n_scenes:,} requests in {self.seconds:.0f} s, {len(self.played.scenes)} kinds, one "
            f"in {ONE_IN} wrong: {len(self.faults)} faults"
        )
        yield (
            f"/health: p99 {p99(self.health_ms):.0f} ms, worst {max(self.health_ms):.0f} ms, "
            f"{len(self.health_ms)} times"
        )
        yield f"resident memory, MiB: {' '.join(f'{mib:.0f}' for mib in self.memory_mib)}"


def run(n_requests: int, seed: int) -> Found:
    """Start a service, play the scenes, and look at the service afterwards."""
    shortest = sorted(set(sentences()), key=len)[:N_TEXTS]
    truth = Truth(shortest, seed)
    with ServiceProcess("npbert", [sys.executable, "-c", PROGRAM], os.environ) as service:
        (process,) = service.processes()
        service.scores(shortest, n_clients=64)  # so that all threads are there
        n_descriptors = process.num_fds()
        memory_mib: list[float] = []

        def measure(n_played: int) -> None:
            if n_played % max(1, n_requests // N_MEASUREMENTS) == 0:
                memory_mib.append(process.memory_info().rss / MIB)

        began = time.perf_counter()
        played, health_ms = asyncio.run(_load(service.port, truth, n_requests, seed, measure))
        seconds = time.perf_counter() - began
        found = Found(played, seconds, health_ms, memory_mib, played.faults)
        found.faults += faults_of_state(service, n_descriptors)
        found.faults += faults_of_figures(found)
        if (status := service.stop()) not in (0, -signal.SIGTERM):
            found.faults.append(f"the service ended with the status {status}")
        if len(lines := service.log().splitlines()) > 1:
            found.faults.append(f"the log says: {lines[1:20]}")
    return found


async def _load(
    port: int, truth: Truth, n_requests: int, seed: int, measure: Callable[[int], None]
) -> tuple[Played, list[float]]:
    health_ms: list[float] = []
    watching = asyncio.create_task(watch_health(port, health_ms))
    played = await play(port, truth, n_requests, seed, measure)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return played, health_ms


def faults_of_state(service: ServiceProcess, n_descriptors: int) -> Iterator[str]:
    """Yield what the service still has that it should have given back."""
    service.wait_until_idle()
    inside = _metric(service.port, "npbert_requests_inside")
    if inside != 0:
        yield f"{inside:g} requests are still in the service"
    process = service.processes()[0]
    until = time.monotonic() + CLOSED_AFTER_S
    while (n_now := process.num_fds()) > n_descriptors and time.monotonic() < until:
        time.sleep(0.1)
    if n_now > n_descriptors:
        yield f"{n_now} files and connections are open, {n_descriptors} before"


def _metric(port: int, name: str) -> float:
    with urlopen(f"http://{ADDRESS}:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


def faults_of_figures(found: Found) -> Iterator[str]:
    """Yield which figures are too large."""
    if (worst := max(found.health_ms)) > MOST_HEALTH_MS:
        yield f"/health took up to {worst:.0f} ms"
    late = found.memory_mib[len(found.memory_mib) // 2 :]
    growth = late[-1] - late[0] if late else 0  # none is there if the clients stopped early
    if growth > MOST_GROWTH_MIB:
        yield f"the memory grew by {growth:.0f} MiB in the second half"

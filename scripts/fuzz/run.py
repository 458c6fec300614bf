"""Processes try mutants; one that ends, or that hangs, is a fault, and another takes its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_PROGRAM: Final = Path(__file__).parent
_SILENT_SECONDS: Final = 60  # in which a process waits, though nothing that it does takes two
# One thread per process; and no allocator that reserves a gigabyte before it needs any.
_ENVIRONMENT: Final = {
    **{"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RUST_BACKTRACE": "0"},
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


@dataclass
class Found:
    """What came of a run.

    Attributes
    ----------
    outcomes : Counter
        How many mutants of a kind had an outcome.
    comparisons : Counter
        How many answers were compared with what, or why not.
    faults : list of str
        Each with its kind and its number.
    slowest, largest : (float, str)
        The largest time of the processor in seconds, and memory in bytes, and the mutant.
    """

    seed: int
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    comparisons: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _n_shown: int = 0
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[float, str] = (0.0, "")

    def add(self, number: int, verdict: dict[str, Any]) -> None:
        """Count what came of a mutant."""
        kind = verdict["kind"]
        self.outcomes[kind, verdict["outcome"]] += 1
        if verdict["comparison"]:
            self.comparisons[verdict["comparison"]] += 1
        if verdict["fault"]:
            self.add_fault(number, f"({kind}) {verdict['fault']}")
        name = f"{kind}, number {number}"
        self.slowest = max(self.slowest, (verdict["seconds"], name))
        self.largest = max(self.largest, (verdict["memory"], name))

    def add_fault(self, number: int, fault: str) -> None:
        """Add what must not have happened."""
        self.faults.append(
            f"{fault}\n    python scripts/fuzz --seed {self.seed} --only {number} --keep FOLDER"
        )

    def new_faults(self) -> list[str]:
        """Return the faults since this was last called."""
        new = self.faults[self._n_shown :]
        self._n_shown = len(self.faults)
        return new

    @property
    def n_mutants(self) -> int:
        """The number of mutants that were tried."""
        return self.outcomes.total()

    def report(self) -> list[str]:
        """Return the lines of the summary."""
        kinds = sorted({kind for kind, _ in self.outcomes})
        lines = [f"seed {self.seed}: {self.n_mutants:,} mutants, {len(self.faults):,} faults"]
        for kind in kinds:
            of_kind = {name: n for (k, name), n in self.outcomes.items() if k == kind}
            parts = ", ".join(f"{name} {of_kind[name]:,}" for name in sorted(of_kind))
            lines.append(f"    {kind}: {parts}")
        lines += [
            f"    answers compared: {what}: {n:,}" for what, n in self.comparisons.most_common()
        ]
        lines.append(f"    slowest: {self.slowest[0]:.2f} s ({self.slowest[1]})")
        lines.append(f"    largest: {self.largest[0] / (1 << 20):.0f} MiB ({self.largest[1]})")
        return lines


def run(
    seed: int,
    numbers: range,
    *,
    n_workers: int = 1,
    share: float = 1.0,
    most_faults: int = 20,
    on_verdict: Callable[[Found], object] = id,
) -> Found:
    """Try the mutants of a seed that have these numbers.

    Parameters
    ----------
    seed : int
    numbers : range
    n_workers : int
        The number of processes.
    share : float
        The share of the answers of models that are compared with transformers.
    most_faults : int
        After so many faults the run ends.
    on_verdict : callable
        Called after each mutant.
    """
    found = Found(seed)
    lock = threading.Lock()

    def take(own: range) -> None:
        while own and len(found.faults) < most_faults:
            number = None
            for number, verdict in _watched(seed, own, share):
                with lock:
                    if isinstance(verdict, str):
                        found.outcomes["", "process ended"] += 1
                        found.add_fault(number, verdict)
                    else:
                        found.add(number, verdict)
                    on_verdict(found)
                if len(found.faults) >= most_faults:
                    return
            own = own[own.index(number) + 1 :] if number is not None else own[len(own) :]

    shares = [numbers[first::n_workers] for first in range(n_workers)]
    with ThreadPoolExecutor(n_workers) as threads:
        list(threads.map(take, shares))  # raises what a thread has raised
    return found


def _watched(seed: int, numbers: range, share: float) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield what a process says of each mutant; at last, what happened if it ended too early."""
    command = [sys.executable, str(_PROGRAM), "--seed", str(seed), "--share", str(share)]
    command += ["--worker", *map(str, (numbers.start, numbers.stop, numbers.step))]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **_ENVIRONMENT}
    )
    assert process.stdout is not None
    watchdog = _Watchdog(process)
    number = None
    try:
        for line in process.stdout:
            watchdog.hear()
            said = json.loads(line)
            if "number" in said:
                number = said["number"]
            elif number is not None:
                yield number, said
        code = process.wait()
        if number is None:
            raise RuntimeError(f"a process ended with the code {code} before it tried a mutant")
        if watchdog.has_bitten:
            yield number, f"did nothing for {_SILENT_SECONDS} s"
        elif code:
            yield number, f"the process ended with the code {code}"
    finally:
        watchdog.stop()
        process.kill()
        process.wait()
        process.stdout.close()


class _Watchdog:
    """Ends a process that waits and says nothing. The system ends one that computes for ever.

    On a busy machine, a process can be silent because it is not its turn. Then it does not wait.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._stopped = threading.Event()
        self._n_seconds = 0  # in which the process waited and said nothing
        self.has_bitten = False
        threading.Thread(target=self._look, daemon=True).start()

    def hear(self) -> None:
        """Note that the process has said something."""
        self._n_seconds = 0

    def stop(self) -> None:
        """Let the process alone."""
        self._stopped.set()

    def _look(self) -> None:
        while not self._stopped.wait(1):
            self._n_seconds = self._n_seconds + 1 if _waits(self._process.pid) else 0
            if self._n_seconds > _SILENT_SECONDS:
                self.has_bitten = True
                self._process.kill()
                return


def _waits(number: int) -> bool:
    """Tell whether no thread of a process could go on if it were its turn."""
    states = []
    for path in Path(f"/proc/{number}/task").glob("*/stat"):
        with suppress(OSError):  # the thread has ended
            states.append(path.read_text().rpartition(")")[2].split()[0])
    return "R" not in states

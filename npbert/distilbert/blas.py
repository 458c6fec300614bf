"""The number of threads that BLAS uses, the library that multiplies matrices."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from threadpoolctl import LibController, ThreadpoolController

_MEASURED_S: Final = 0.05  # the shortest time from which the number of processors is judged
_FORGOTTEN_AFTER: Final = 10  # times the time that was measured
# Processors that are missing before the host counts as busy. On a quiet host 0.0 to 0.2 are, and
# 0.3 in a service, whose event loop and client want some time too; beside a busy process, 0.5 to 1.
_MISSING: Final = 0.4


class ProcessorShare:
    """How many processors this process got of late, while BLAS computed on several threads.

    The threads of OpenBLAS wait for each other in a busy loop, and they meet in every product.
    Where another process takes one of the processors, all of them wait for the slowest one. One
    thread alone is then two to four times as fast as two threads. So the processor time of such
    computations is compared with the time that went by. If processors were missing, the next
    computations use only as many threads as there were processors. After ten times the time that
    was measured, all threads are tried again.
    """

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._cpu_s = 0.0
        self._most: float = math.inf
        self._until_s = 0.0

    def at_most(self, n_threads: int, now_s: float) -> int:
        """Return how many threads to use, of `n_threads`, at the time `now_s`."""
        return n_threads if now_s >= self._until_s else int(min(n_threads, self._most))

    def measured(self, n_threads: int, elapsed_s: float, cpu_s: float, now_s: float) -> None:
        """Take note of a computation on `n_threads` threads that ended at the time `now_s`."""
        self._elapsed_s += elapsed_s
        self._cpu_s += cpu_s
        if self._elapsed_s < _MEASURED_S:
            return
        n_cpus = self._cpu_s / self._elapsed_s
        if n_cpus < n_threads - _MISSING:
            self._most = max(1, int(n_cpus + _MISSING))
            self._until_s = now_s + _FORGOTTEN_AFTER * self._elapsed_s
        self._elapsed_s = self._cpu_s = 0.0


class BlasThreads:
    """A limit on the number of threads that BLAS uses, while callers are inside.

    BLAS has one such number for the whole process, so callers on several threads share it: the
    threads are shared out equally, and the lowest limit of all callers inside counts. The last
    caller that leaves restores the number that the first caller found. The number is never raised
    above the one that was found.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: list[int] = []
        self._original: dict[LibController, int] = {}  # what the first caller found
        self._share = ProcessorShare()

    def restart(self) -> None:
        """Forget the callers, which a process that a fork makes does not have, and their limits."""
        self._lock = threading.Lock()
        self._limits = []
        self._apply()

    @contextmanager
    def at_most(self, limit: int) -> Iterator[None]:
        """Limit BLAS to `limit` threads while the caller is inside."""
        with self._lock:
            self._limits.append(limit)
            self._apply()
        try:
            yield
        finally:
            with self._lock:
                self._limits.remove(limit)
                self._apply()

    @contextmanager
    def at_most_free(self, limit: int) -> Iterator[None]:
        """Limit BLAS to `limit` threads, and to the processors that nobody else uses."""
        with self.at_most(self._share.at_most(limit, time.monotonic())):
            n_threads = max(map(_spinning_threads, _blas_libraries()), default=1)
            if n_threads == 1:
                yield
                return
            started_s, cpu_s = time.perf_counter(), time.process_time()
            yield
            cpu_s = time.process_time() - cpu_s
            elapsed_s = time.perf_counter() - started_s
            self._share.measured(n_threads, elapsed_s, cpu_s, time.monotonic())

    def _apply(self) -> None:
        if not self._original and self._limits:
            self._original = {library: library.num_threads or 1 for library in _blas_libraries()}
        for library, n_threads in self._original.items():
            share = n_threads // max(len(self._limits), 1)
            wanted = max(1, min([share, *self._limits]))
            if library.num_threads != wanted:
                _set_threads(library, wanted)
        if not self._limits:
            self._original = {}


blas_threads = BlasThreads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=blas_threads.restart)


def _set_threads(library: LibController, n_threads: int) -> None:
    # threadpoolctl 3.8 obeys only the thread that was the first to set a limit, as long as that
    # thread lives. Here any thread may have to restore the limit that another one has set. The
    # lock of BlasThreads keeps them in order.
    disown = getattr(library, "clear_controlling_thread", None)
    if disown is not None:
        disown(force=True)
    library.set_num_threads(n_threads)
    if disown is not None:
        disown(force=True)


@cache
def _blas_libraries() -> list[LibController]:
    # The controller looks through all loaded libraries, and once is enough.
    libraries: list[LibController] = ThreadpoolController().select(user_api="blas").lib_controllers
    return libraries


def _spinning_threads(library: LibController) -> int:
    """Return how many threads of a library wait in a busy loop; 1 if they sleep while they wait.

    The processor time of threads that sleep says nothing of how busy the host is.
    """
    info = library.info()
    spins = info["internal_api"] == "openblas" and info.get("threading_layer") == "pthreads"
    return (library.num_threads or 1) if spins else 1

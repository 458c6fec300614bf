"""The number of processors that this process may use, and work on several threads."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

import numpy as np
from threadpoolctl import LibController, ThreadpoolController

Item = TypeVar("Item")
T = TypeVar("T")

_CGROUPS: Final = Path("/sys/fs/cgroup")


def available_cpus() -> int:
    """Return the number of processors that this process may use.

    Both the affinity of the process (`taskset`, cpusets) and the quota of its control group
    (`docker run --cpus`, limits of Kubernetes) count. The quota is rounded up, because one thread
    cannot use up a quota of 1.5 processors, but two threads can.
    """
    if hasattr(os, "sched_getaffinity"):
        n_cpus = len(os.sched_getaffinity(0))
    else:
        n_cpus = os.cpu_count() or 1
    quota = _cpu_quota()
    return n_cpus if quota is None else max(1, min(n_cpus, math.ceil(quota)))


@cache
def _cpu_quota(root: Path = _CGROUPS, membership: Path = Path("/proc/self/cgroup")) -> float | None:
    """Return how many processors the control groups of this process allow; None for no limit.

    Both versions of control groups are read: https://docs.kernel.org/admin-guide/cgroup-v2.html,
    `cpu.max`, and https://docs.kernel.org/scheduler/sched-bwc.html, `cpu.cfs_quota_us`.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # the system is not Linux
        return None
    quotas = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        folders = [root / controllers, root / "cpu"] if controllers else [root, root / "unified"]
        # The limits of all groups above this one count too. Inside a container, the path may be
        # the one on the host. Then only the container's own group is visible, at the top.
        group = PurePosixPath(path.removeprefix("/"))
        for folder in folders:
            for level in (group, *group.parents):
                quotas.append(_quota_of(folder / level))
    return min((quota for quota in quotas if quota is not None), default=None)


def _quota_of(group: Path) -> float | None:
    """Return how many processors one control group allows; None for no limit."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text()
            period = (group / "cpu.cfs_period_us").read_text()
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return None


def map_on_threads(
    function: Callable[[Item], T],
    items: Sequence[Item],
    n_threads: int,
    may_go_on: Callable[[], bool] = lambda: True,
) -> list[T]:
    """Apply a function to every item, on several threads.

    Several items are shared out to threads, and BLAS (the library that multiplies matrices) uses
    one thread for each item. So the element-wise work runs in parallel too. A single item is
    computed on the thread of the caller, where BLAS uses up to `n_threads` threads.

    Parameters
    ----------
    function : callable
        Called with one item at a time. An exception that it raises is raised here.
    items : sequence
    n_threads : int
        The most threads that compute at a time.
    may_go_on : callable, optional
        Asked before every item, except for the first one of each thread. If it returns False, the
        rest of the items is left out.

    Returns
    -------
    list
        The results, in the order of the items; fewer if items at the end were left out.
    """
    _keep_freed_memory()
    n_workers = min(n_threads, len(items))
    left = _take(items, n_workers, may_go_on)
    if n_workers < 2:
        with _blas_threads.at_most(n_threads):
            return [function(item) for _, item in left]
    results: dict[int, T] = {}
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                taken = next(left, None)
            if taken is None:
                return
            number, item = taken
            try:
                results[number] = function(item)
            except BaseException:
                with lock:
                    left.close()
                raise

    with _blas_threads.at_most(1), ThreadPoolExecutor(n_workers) as pool:
        for future in [pool.submit(work) for _ in range(n_workers)]:
            future.result()
    return [results[number] for number in range(len(results))]


def _take(
    items: Sequence[Item], n_first: int, may_go_on: Callable[[], bool]
) -> Generator[tuple[int, Item], None, None]:
    """Yield items and their numbers; after the first ones, only as long as it may go on."""
    for number, item in enumerate(items):
        if number >= n_first and not may_go_on():
            return
        yield number, item


@cache
def _keep_freed_memory() -> None:
    """Make malloc keep the memory that one layer frees, so that the next layer can use it at once.

    glibc returns freed blocks to the system if they are larger than the largest block that was
    ever freed, up to 32 MB (mallopt(3), "dynamic mmap threshold"). So one large block is allocated
    and freed here. It is never written to, so it takes no memory. With one text of 128 tokens,
    this saves 2,000 page faults, which were 4 % of the time.
    """
    np.empty(31 << 20, np.uint8)


class _BlasThreads:
    """A limit on the number of threads that BLAS uses, while callers are inside `at_most`.

    BLAS has one such number for the whole process, so callers on several threads share it. The
    lowest limit of all callers inside counts. The last caller that leaves restores the number that
    the first caller found. The number is never raised above the one that was found.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: list[int] = []
        self._original: dict[LibController, int] = {}  # what the first caller found

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

    def _apply(self) -> None:
        if not self._original and self._limits:
            self._original = {library: library.num_threads or 1 for library in _blas_libraries()}
        for library, n_threads in self._original.items():
            wanted = min([n_threads, *self._limits])
            if library.num_threads != wanted:
                _set_threads(library, wanted)
        if not self._limits:
            self._original = {}


_blas_threads = _BlasThreads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_blas_threads.restart)


def _set_threads(library: LibController, n_threads: int) -> None:
    # threadpoolctl 3.8 obeys only the thread that was the first to set a limit, as long as that
    # thread lives. Here any thread may have to restore the limit that another one has set. The
    # lock of _BlasThreads keeps them in order.
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

"""How many processors there are, and work shared out to threads that do not fight over them."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
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
    """Number of processors that this process may use.

    Its affinity (`taskset`, cpusets) and the quota of its control group (`docker run
    --cpus`, limits of Kubernetes) both count, the latter rounded up: two threads use a
    quota of 1.5 processors, one thread does not.
    """
    if hasattr(os, "sched_getaffinity"):
        n_cpus = len(os.sched_getaffinity(0))
    else:
        n_cpus = os.cpu_count() or 1
    quota = _cpu_quota()
    return n_cpus if quota is None else max(1, min(n_cpus, math.ceil(quota)))


@cache
def _cpu_quota(root: Path = _CGROUPS, membership: Path = Path("/proc/self/cgroup")) -> float | None:
    """Processors that the control groups of this process allow; None where nothing is said.

    Both versions of control groups: https://docs.kernel.org/admin-guide/cgroup-v2.html,
    `cpu.max`, and https://docs.kernel.org/scheduler/sched-bwc.html, `cpu.cfs_quota_us`.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # no Linux
        return None
    quotas = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        folders = [root / controllers, root / "cpu"] if controllers else [root, root / "unified"]
        # The limits of all groups above count too.  Inside a container the path may be the
        # host's; what is visible then is the container's own group, at the top.
        group = PurePosixPath(path.removeprefix("/"))
        for folder in folders:
            for level in (group, *group.parents):
                quotas.append(_quota_of(folder / level))
    return min((quota for quota in quotas if quota is not None), default=None)


def _quota_of(group: Path) -> float | None:
    """Processors that one control group allows."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text()
            period = (group / "cpu.cfs_period_us").read_text()
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError):  # no such file, or "max"
        return None


def map_on_threads(function: Callable[[Item], T], items: Sequence[Item], n_threads: int) -> list[T]:
    """Apply `function` to every item; results in the order of the items.

    Several items are shared out to threads, each with BLAS on that thread alone: the
    element-wise work then runs in parallel too.  One item alone is computed here, by BLAS
    with at most `n_threads`.
    """
    _keep_freed_memory()
    n_workers = min(n_threads, len(items))
    if n_workers < 2:
        with _blas_threads.at_most(n_threads):
            return [function(item) for item in items]
    with _blas_threads.at_most(1), ThreadPoolExecutor(n_workers) as pool:
        return list(pool.map(function, items))


@cache
def _keep_freed_memory() -> None:
    """Have malloc keep what one layer frees, so that the next one need not fault it in again.

    glibc takes the largest block that was ever freed, up to 32 MB, as its measure of what
    to return to the system (mallopt(3), "dynamic mmap threshold").  This block is never
    touched, so it takes no memory.  One text of 128 tokens: no page faults where there were
    2,000, 4 % of the time.
    """
    np.empty(31 << 20, np.uint8)


class _BlasThreads:
    """Holds BLAS to few threads while a caller is inside.

    The number is one for the whole process, so callers on several threads share it: the
    lowest limit of those inside counts, and the last one out restores what was there.  It
    is never raised above that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: list[int] = []
        self._original: dict[LibController, int] = {}  # threads before the first came in

    @contextmanager
    def at_most(self, limit: int) -> Iterator[None]:
        """Hold BLAS to `limit` threads or fewer."""
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
        if not self._original:
            self._original = {library: int(library.num_threads) for library in _blas_libraries()}
        for library, n_threads in self._original.items():
            wanted = min([n_threads, *self._limits])
            if library.num_threads != wanted:
                _set_threads(library, wanted)
        if not self._limits:
            self._original = {}


_blas_threads = _BlasThreads()


def _set_threads(library: LibController, n_threads: int) -> None:
    # threadpoolctl 3.8 heeds only the thread that was the first to set a limit, as long as
    # it lives.  Here the last caller out, on whatever thread, has to restore the limit that
    # the first one in set; the lock of _BlasThreads is what keeps them in order.
    disown = getattr(library, "clear_controlling_thread", None)
    if disown is not None:
        disown(force=True)
    library.set_num_threads(n_threads)
    if disown is not None:
        disown(force=True)


@cache
def _blas_libraries() -> list[LibController]:
    # It looks through all loaded libraries: once is enough.
    libraries: list[LibController] = ThreadpoolController().select(user_api="blas").lib_controllers
    return libraries

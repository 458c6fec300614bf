"""The number of processors that this process may use, and the number of its threads."""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

THREADS_VARIABLE: Final = "NPBERT_THREADS"

# The variables that OpenBLAS and OpenMP read, in the order in which OpenBLAS obeys them, and the
# one of Accelerate on macOS, whose threads cannot be limited in another way.
_BLAS_VARIABLES: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

_CGROUPS: Final = Path("/sys/fs/cgroup")


def default_threads() -> int:
    """Return the number of threads that compute where no option says otherwise.

    This is the number in the environment variable NPBERT_THREADS. Without it, there is one thread
    per processor that this process may use, but no more than OPENBLAS_NUM_THREADS, OMP_NUM_THREADS
    or VECLIB_MAXIMUM_THREADS allow, with which other programs of the host are limited too.

    Raises
    ------
    ValueError
        If NPBERT_THREADS is set, and is not a whole number above 0.
    """
    ours = os.environ.get(THREADS_VARIABLE, "").strip()
    if ours:
        if not _is_count(ours):
            raise ValueError(
                f"the environment variable {THREADS_VARIABLE} is {ours[:40]!r}, expected a whole "
                "number above 0; unset it for one thread per processor"
            )
        return int(ours)
    for variable in _BLAS_VARIABLES:
        # OpenMP allows one number per level of nesting, such as "4,2".
        theirs = os.environ.get(variable, "").partition(",")[0].strip()
        if _is_count(theirs):
            return min(int(theirs), available_cpus())
    return available_cpus()


def _is_count(value: str) -> bool:
    """Tell whether a value is a whole number above 0, of at most nine digits."""
    return value.isascii() and value.isdecimal() and len(value) < 10 and int(value) > 0


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
        lines = membership.read_text(encoding="utf-8").splitlines()
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
            quota, period = (group / "cpu.max").read_text(encoding="utf-8").split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text(encoding="utf-8")
            period = (group / "cpu.cfs_period_us").read_text(encoding="utf-8")
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return None

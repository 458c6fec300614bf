"""Threads: how many there are, the order of their results, and the setting of BLAS."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from npbert.distilbert import threads
from npbert.distilbert.threads import _cpu_quota, available_cpus, map_on_threads
from tests.support.blas import blas_threads


@pytest.fixture(autouse=True)
def _two_blas_threads() -> Iterator[None]:
    with threadpool_limits(2, user_api="blas"):
        yield


def test_results_keep_the_order_of_the_items() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.05 if number == 0 else 0)
        return number

    assert map_on_threads(slow_first, range(9), 2) == list(range(9))


@pytest.mark.parametrize("n_threads", [2, 3])
def test_several_threads_have_one_blas_thread_each_and_restore_it(n_threads: int) -> None:
    inside: list[set[int]] = []
    seen: set[int] = set()

    def look(_: int) -> None:
        inside.append(blas_threads())
        seen.add(threading.get_ident())
        time.sleep(0.02)

    map_on_threads(look, range(6), n_threads)
    assert inside == [{1}] * 6
    assert len(seen) == n_threads
    assert blas_threads() == {2}


@pytest.mark.parametrize(("n_threads", "in_blas"), [(1, 1), (2, 2), (3, 2)])
def test_one_item_is_computed_by_the_caller_with_blas_threads(n_threads: int, in_blas: int) -> None:
    """BLAS never gets more threads than it was set to before."""

    def look(_: int) -> int:
        assert blas_threads() == {in_blas}
        return threading.get_ident()

    assert map_on_threads(look, [0], n_threads) == [threading.get_ident()]
    assert blas_threads() == {2}


def test_one_thread_computes_all_items_in_the_caller() -> None:
    def look(_: int) -> int:
        assert blas_threads() == {1}
        return threading.get_ident()

    assert map_on_threads(look, range(3), 1) == [threading.get_ident()] * 3


def test_callers_on_several_threads_leave_blas_as_it_was() -> None:
    def work(number: int) -> int:
        def short(_: int) -> set[int]:
            time.sleep(0.001)
            return blas_threads()

        n_items = number % 2 * 4 + 1  # one item or five
        seen = map_on_threads(short, range(n_items), 2)
        assert n_items == 1 or seen == [{1}] * 5
        return len(seen)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(60))) == [1, 5] * 30
    assert blas_threads() == {2}


def test_a_limit_that_another_thread_has_set() -> None:
    """Only the thread that set a limit can change it, and it finds the limit as it was."""
    threads._set_threads(threads._blas_libraries()[0], 2)  # this is no limit of threadpoolctl
    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(1) as pool:
        inside = pool.submit(map_on_threads, lambda _: blas_threads(), range(4), 2).result()
        assert blas_threads() == {2}
    assert inside == [{1}] * 4


def test_an_error_in_a_thread_reaches_the_caller_and_restores_blas() -> None:
    def fail(number: int) -> None:
        raise ValueError(f"item {number}")

    with pytest.raises(ValueError, match="item 0"):
        map_on_threads(fail, range(4), 2)
    with pytest.raises(ValueError, match="item 0"):
        map_on_threads(fail, [0], 1)
    assert blas_threads() == {2}


# ------------------------------------------------------------------------------- processors


def test_affinity_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    monkeypatch.setattr(threads, "_cpu_quota", lambda: None)
    assert available_cpus() == 3


@pytest.mark.parametrize(("quota", "n_cpus"), [(0.1, 1), (1, 1), (1.5, 2), (2.01, 3), (64, 4)])
def test_a_quota_counts_rounded_up(
    monkeypatch: pytest.MonkeyPatch, quota: float, n_cpus: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(threads, "_cpu_quota", lambda: quota)
    assert available_cpus() == n_cpus


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        pytest.param("0::/", {}, None, id="no quota"),
        pytest.param("0::/", {"cpu.max": "150000 100000\n"}, 1.5, id="version 2, in a container"),
        pytest.param("0::/", {"cpu.max": "max 100000\n"}, None, id="version 2, unlimited"),
        pytest.param("0::/a/b", {"a/b/cpu.max": "50000 100000"}, 0.5, id="version 2, on the host"),
        pytest.param(
            "0::/a/b",
            {"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000"},
            3,
            id="version 2, a group above",
        ),
        pytest.param(
            "0::/a/b",
            {"a/b/cpu.max": "400000 100000", "a/cpu.max": "200000 100000"},
            2,
            id="version 2, the lower of two",
        ),
        pytest.param(
            "12:cpu,cpuacct:/docker/1f\n3:cpuset:/docker/1f",
            {"cpu,cpuacct/cpu.cfs_quota_us": "250000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            2.5,
            id="version 1, in a container that sees the host's path",
        ),
        pytest.param(
            "2:cpuacct:/\n1:cpu:/a\n0::/",
            {"cpu/a/cpu.cfs_quota_us": "80000", "cpu/a/cpu.cfs_period_us": "20000"},
            4,
            id="version 1, on the host",
        ),
        pytest.param(
            "1:cpu:/",
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            None,
            id="version 1, unlimited",
        ),
        pytest.param("0::/", {"cpu.max": "nonsense"}, None, id="not to be read"),
    ],
)
def test_quota_of_control_groups(
    tmp_path: Path, membership: str, files: dict[str, str], quota: float | None
) -> None:
    (tmp_path / "cgroup").write_text(membership + "\n")
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert _cpu_quota(tmp_path, tmp_path / "cgroup") == quota


def test_where_there_are_no_control_groups(tmp_path: Path) -> None:
    assert _cpu_quota(tmp_path, tmp_path / "nothing") is None

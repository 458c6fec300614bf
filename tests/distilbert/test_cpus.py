"""The number of processors and of threads: affinity, quotas and variables of the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import npbert
from npbert.distilbert import cpus
from npbert.distilbert.cpus import _cpu_quota, available_cpus, default_threads


def test_affinity_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    monkeypatch.setattr(cpus, "_cpu_quota", lambda: None)
    assert available_cpus() == 3


@pytest.mark.parametrize(("quota", "n_cpus"), [(0.1, 1), (1, 1), (1.5, 2), (2.01, 3), (64, 4)])
def test_a_quota_counts_rounded_up(
    monkeypatch: pytest.MonkeyPatch, quota: float, n_cpus: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(cpus, "_cpu_quota", lambda: quota)
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


# --------------------------------------------------------------------------------- variables


@pytest.mark.parametrize(
    ("variables", "n_threads"),
    [
        pytest.param({}, 8, id="none"),
        pytest.param({"NPBERT_THREADS": "3"}, 3, id="ours"),
        pytest.param({"NPBERT_THREADS": " 12 "}, 12, id="ours, above the number of processors"),
        pytest.param({"NPBERT_THREADS": "", "OMP_NUM_THREADS": "2"}, 2, id="ours is empty"),
        pytest.param({"OMP_NUM_THREADS": "2"}, 2, id="OpenMP's"),
        pytest.param({"OMP_NUM_THREADS": "4,2"}, 4, id="OpenMP's, by level"),
        pytest.param({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "2"}, 1, id="OpenBLAS first"),
        pytest.param({"VECLIB_MAXIMUM_THREADS": "3"}, 3, id="Accelerate's"),
        pytest.param({"OPENBLAS_NUM_THREADS": "0", "OMP_NUM_THREADS": "2"}, 2, id="no number"),
        pytest.param({"OMP_NUM_THREADS": "64"}, 8, id="OpenMP's, above the number of processors"),
        pytest.param({"OMP_NUM_THREADS": "many"}, 8, id="OpenMP's own errors are not ours"),
        pytest.param({"NPBERT_THREADS": "5", "OMP_NUM_THREADS": "2"}, 5, id="ours first"),
    ],
)
def test_the_environment_says_how_many_threads(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], n_threads: int
) -> None:
    for name in ("NPBERT_THREADS", *cpus._BLAS_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cpus, "available_cpus", lambda: 8)
    assert default_threads() == n_threads


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "²", "9" * 5000])
def test_a_number_of_threads_that_is_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NPBERT_THREADS", value)
    with pytest.raises(ValueError, match=r"NPBERT_THREADS is '.{1,40}', expected a whole number"):
        npbert.classify("A film.", model="mini")
    npbert.classify("A film.", model="mini", threads=1)  # an option is stronger

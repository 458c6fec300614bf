"""Which tests are slow, and what holds for all tests.

`scripts/check` leaves the slow tests out, and `pytest` runs them. The rule is the subject of a
file, and not the time that a test took on some day. These files compare many shapes with PyTorch,
start many processes, or wait.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence

import pytest

from npbert.distilbert.blas import ProcessorShare, blas_threads
from npbert.distilbert.cpus import available_cpus

SLOW = {
    "models/test_*_parity.py": "many shapes of random weights, computed by npbert and PyTorch",
    "pipelines/test_*_parity.py": "pipelines of npbert and of transformers side by side",
    "tokenization/test_*_parity.py": "strange files, read as tokenizers by both libraries",
    "checkpoints/test_mini*.py": "the accuracy of the bundled model on 872 sentences",
    "checkpoints/test_hub*.py": "downloads from a server on this machine, some of which time out",
    "cli/test_classify_huge_cells.py": "files that unpack to 100 MB",
    "cli/test_classify_full_disk.py": "runs in processes of their own, on disks that become full",
    "tables/test_resumable_kills*.py": "runs in processes of their own, killed at random points",
    "tables/test_spark_schema.py": "a session of Spark",
    "scripts/test_*.py": "whole benchmarks on small models, and scripts in processes of their own",
    "scripts/learn/test_experiments.py": "24 changed models, each on dozens of sentences",
    "scripts/learn/test_notebook_runs.py": "all chapters of the course, run in Jupyter",
    "serve/test_protocol.py": "clients that are too slow, for which it waits",
    "serve/test_server.py": "services in processes of their own",
    "serve/test_page*.py": "a service and its page in a real browser",
    "examples/test_*.py": "packages are installed for a zip file and an image, and a job is killed",
    "exercises/test_*.py": "a hundred mistakes in models, and pytest in processes of its own",
    "serve/test_server_hostile.py": "two thousand requests, a tenth of which are malformed",
    "test_distributed*.py": "workers of Ray and Spark",
    "test_typing.py": "mypy in a process of its own; scripts/check runs it on this file too",
    "test_docs*.py": "every block of the documents, in a process of its own",
}


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """Let ``--numprocesses auto`` count the processors that this process may use."""
    return available_cpus()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: Sequence[object]) -> None:
    """Share the processors out among the processes: their threads would wait for each other."""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, available_cpus() // len(specs))))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.match(pattern) for pattern in SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _quiet_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use all threads of BLAS however busy the host is: the last digits can depend on it."""
    share = ProcessorShare()
    monkeypatch.setattr(share, "measured", lambda *_: None)
    monkeypatch.setattr(blas_threads, "_share", share)


@pytest.fixture
def obeyed_ctrl_c() -> Iterator[None]:
    """Let programs that a test starts obey Ctrl-C, also if the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)

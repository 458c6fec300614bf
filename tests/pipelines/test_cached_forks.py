"""Labelling in the processes that a fork makes, while other threads do what they do."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from threadpoolctl import threadpool_limits

import npbert
from npbert.distilbert import blas
from npbert.pipelines import cached
from tests.support.blas import blas_threads
from tests.support.oracles import make_folder

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
SECONDS = 60  # until a child that hangs is ended


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_folder(tmp_path_factory.mktemp("model")))


@pytest.fixture(autouse=True)
def _two_blas_threads() -> Iterator[None]:
    with threadpool_limits(2, user_api="blas"):
        yield


def succeeds_in_a_child(work: Callable[[], bool]) -> bool:
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class HeldElsewhere:
    """Another thread is inside a context manager."""

    def __init__(self, context: AbstractContextManager[object]) -> None:
        self._inside, self._leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold, args=(context,))

    def _hold(self, context: AbstractContextManager[object]) -> None:
        with context:
            self._inside.set()
            self._leave.wait()

    def __enter__(self) -> None:
        self._thread.start()
        self._inside.wait()

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()


def test_locks_that_another_thread_holds(folder: str) -> None:
    expected = npbert.classify("film", folder, threads=1)
    for lock in (cached._loading, blas.blas_threads._lock):
        with HeldElsewhere(lock):
            assert succeeds_in_a_child(
                lambda: npbert.classify("film", folder, threads=1) == expected
            )


def test_blas_has_the_threads_that_it_had_before_the_limit_of_another_thread() -> None:
    with HeldElsewhere(blas.blas_threads.at_most(1)):
        assert blas_threads() == {1}
        assert succeeds_in_a_child(lambda: blas_threads() == {2})
        assert blas_threads() == {1}
    assert blas_threads() == {2}


def test_a_fork_while_nobody_labels(folder: str) -> None:
    expected = npbert.classify(["film"] * 300, folder, threads=2)
    for _ in range(3):
        assert succeeds_in_a_child(
            lambda: len(npbert.classify(["film"] * 300, folder, threads=2)) == len(expected)
        )


def test_a_fork_while_another_thread_labels_with_one_thread(folder: str) -> None:
    stop = threading.Event()

    def label() -> None:
        while not stop.is_set():
            npbert.classify(["film"] * 50, folder, threads=1)

    label_once = npbert.classify("film", folder, threads=1)
    thread = threading.Thread(target=label)
    thread.start()
    try:
        for _ in range(5):
            assert succeeds_in_a_child(
                lambda: len(npbert.classify("film", folder, threads=1)) == len(label_once)
            )
    finally:
        stop.set()
        thread.join()

"""The threads of BLAS: limits of several callers, and processors that other processes take."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from threadpoolctl import threadpool_limits

from npbert.distilbert import blas
from npbert.distilbert.blas import BlasThreads, ProcessorShare
from npbert.distilbert.threads import map_on_threads
from tests.support.blas import blas_threads


@pytest.fixture(autouse=True)
def _two_blas_threads() -> Iterator[None]:
    with threadpool_limits(2, user_api="blas"):
        yield


def test_a_limit_that_another_thread_has_set() -> None:
    """Only the thread that set a limit can change it, and it finds the limit as it was."""
    blas._set_threads(blas._blas_libraries()[0], 2)  # this is no limit of threadpoolctl
    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(1) as pool:
        inside = pool.submit(map_on_threads, lambda _: blas_threads(), range(4), 2).result()
        assert blas_threads() == {2}
    assert inside == [{1}] * 4


def test_callers_share_the_threads_out() -> None:
    threads = BlasThreads()
    with threads.at_most(2):
        assert blas_threads() == {2}
        with threads.at_most(2):
            assert blas_threads() == {1}
            with threads.at_most(2):
                assert blas_threads() == {1}
        assert blas_threads() == {2}
    assert blas_threads() == {2}


# ---------------------------------------------------------------------------- a busy host


def share_after(n_threads: int, elapsed_s: float, cpu_s: float) -> ProcessorShare:
    share = ProcessorShare()
    share.measured(n_threads, elapsed_s, cpu_s, now_s=100)
    return share


@pytest.mark.parametrize(
    ("n_threads", "n_cpus", "n_next"),
    [
        pytest.param(2, 1.97, 2, id="quiet"),
        pytest.param(2, 1.7, 2, id="the event loop and the client of a service"),
        pytest.param(2, 1.5, 1, id="one busy process, at most"),
        pytest.param(2, 1.2, 1, id="one busy process"),
        pytest.param(2, 0.9, 1, id="two busy processes"),
        pytest.param(2, 0.01, 1, id="very busy"),
        pytest.param(8, 7.8, 8, id="quiet, 8 processors"),
        pytest.param(8, 7.5, 7, id="one busy process, 8 processors"),
        pytest.param(8, 4.1, 4, id="half of 8 processors"),
    ],
)
def test_as_many_threads_as_there_were_processors(
    n_threads: int, n_cpus: float, n_next: int
) -> None:
    share = share_after(n_threads, 1.0, n_cpus)
    assert share.at_most(n_threads, 100) == n_next
    assert share.at_most(1, 100) == 1


def test_all_threads_are_tried_again() -> None:
    share = share_after(2, 0.25, 0.25)
    assert [share.at_most(2, now) for now in (102.4, 102.6)] == [1, 2]


def test_short_computations_are_judged_together() -> None:
    share = ProcessorShare()
    for number in range(6):
        assert share.at_most(2, 100) == 2, number
        share.measured(2, elapsed_s=0.009, cpu_s=0.009, now_s=100)
    assert share.at_most(2, 100) == 1
    share.measured(2, elapsed_s=0.009, cpu_s=0.009, now_s=101)  # a new judgement begins
    assert share.at_most(2, 101) == 2


def test_a_computation_measures_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clocks are set, because a real host is busy only at times."""
    threads = BlasThreads()
    elapsed_s, cpu_s = iter([10.0, 11.0]), iter([3.0, 4.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(elapsed_s))
    monkeypatch.setattr("time.process_time", lambda: next(cpu_s))
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    with threads.at_most_free(2):
        assert blas_threads() == {2}
    with threads.at_most_free(2):  # one thread is not measured: the clocks have ended
        assert blas_threads() == {1}
    assert blas_threads() == {2}


def test_threads_that_sleep_while_they_wait_say_nothing() -> None:
    (library,) = blas._blas_libraries()
    assert blas._spinning_threads(library) == 2
    library.threading_layer = "openmp"
    try:
        assert blas._spinning_threads(library) == 1
    finally:
        library.threading_layer = "pthreads"

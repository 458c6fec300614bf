"""Work on threads: how many there are, the order of their results, and the setting of BLAS."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from threadpoolctl import threadpool_limits

from npbert.distilbert.threads import map_on_threads
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


def test_an_error_in_a_thread_reaches_the_caller_and_restores_blas() -> None:
    def fail(number: int) -> None:
        raise ValueError(f"item {number}")

    with pytest.raises(ValueError, match="item 0"):
        map_on_threads(fail, range(4), 2)
    with pytest.raises(ValueError, match="item 0"):
        map_on_threads(fail, [0], 1)
    assert blas_threads() == {2}

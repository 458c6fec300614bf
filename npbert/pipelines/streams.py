"""The results of a data set whose number of items is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Self, TypeVar

ResultT = TypeVar("ResultT")


class SizedResults(Iterator[ResultT], Generic[ResultT]):
    """An iterator over results that has a length, as the data set has.

    Parameters
    ----------
    results : iterator
    n_results : int
        The number of all results, those that were already taken included.
    """

    def __init__(self, results: Iterator[ResultT], n_results: int) -> None:
        self._results = results
        self._n_results = n_results

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ResultT:
        return next(self._results)

    def __len__(self) -> int:
        return self._n_results

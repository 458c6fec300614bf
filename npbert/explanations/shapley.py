"""Shapley values: the whole effect of a text, shared out fairly among its words.

A word's value is what it adds to the words before it, on average over all orders in which the
words can come (Shapley 1953; as explanations of models: Lundberg and Lee 2017, arXiv:1705.07874).
Unlike the effects of leaving out one word, the values have a sum: the lead of the whole text minus
the lead of the empty text. The price is the number of texts that the model must read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_EXACT: Final = 10  # words; there are 2 ** 10 texts then
_SAMPLED_TEXTS: Final = 2048  # about as many for longer texts, in all
_LEAST_PAIRS: Final = 2  # with one pair of orders there is no standard error
_SEED: Final = 0

Kept = frozenset[int]  # the numbers of the words that a shortened text still has
_NOTHING: Final = Kept()
LeadsOf = Callable[[Sequence[Kept]], Sequence[float]]


class ShapleyValues(NamedTuple):
    """The values of the words of a text.

    Attributes
    ----------
    values : list of float
    errors : list of float or None
        The standard error of each value; None if the values are exact.
    lead_of_nothing : float
        The lead for the empty text. The values have the sum of the whole lead minus this one.
    """

    values: list[float]
    errors: list[float] | None
    lead_of_nothing: float


def shapley_values(n_words: int, leads_of: LeadsOf) -> ShapleyValues:
    """Compute the Shapley value of each word of a text: exactly, or sampled if there are many.

    Parameters
    ----------
    n_words : int
    leads_of : callable
        Computes the lead of the label for texts that keep some of the words.

    Returns
    -------
    ShapleyValues
    """
    return (_exact if n_words <= MOST_EXACT else _sampled)(n_words, leads_of)


def _exact(n_words: int, leads_of: LeadsOf) -> ShapleyValues:
    """Compute the sum over all sets S of words without word i.

    |S|! (n - |S| - 1)! / n! · (lead(S with i) - lead(S)), Lundberg and Lee 2017, equation 4.
    """
    sets = [
        frozenset(word for word in range(n_words) if bits >> word & 1) for bits in range(2**n_words)
    ]
    lead_of = dict(zip(sets, leads_of(sets), strict=True))
    weights = [1 / (n_words * math.comb(n_words - 1, size)) for size in range(n_words)]
    values = [
        sum(
            weights[len(kept)] * (lead_of[kept | {word}] - lead_of[kept])
            for kept in sets
            if word not in kept
        )
        for word in range(n_words)
    ]
    return ShapleyValues(values, None, lead_of[_NOTHING])


def _sampled(n_words: int, leads_of: LeadsOf) -> ShapleyValues:
    """Let the words come in random orders, each of them forwards and then backwards.

    The two values of a word in such a pair vary in opposite directions, so that their mean varies
    less (Mitchell et al. 2022, arXiv:2104.12199). The values of every order have the same sum,
    and so have their means.
    """
    rng = np.random.default_rng(_SEED)
    n_pairs = max(_SAMPLED_TEXTS // (2 * n_words), _LEAST_PAIRS)
    orders = [[int(word) for word in rng.permutation(n_words)] for _ in range(n_pairs)]
    wanted = {kept for order in orders for kept in (*_growing(order), *_growing(order[::-1]))}
    sets = sorted(wanted, key=sorted)
    lead_of = dict(zip(sets, leads_of(sets), strict=True))
    added = np.zeros((n_pairs, n_words), np.float64)  # the mean of both directions
    for row, order in zip(added, orders, strict=True):
        for one_way in (order, order[::-1]):
            row[one_way] += _differences(lead_of[kept] for kept in _growing(one_way)) / 2
    errors = added.std(axis=0, ddof=1) / math.sqrt(n_pairs)  # (words,)
    return ShapleyValues(added.mean(axis=0).tolist(), errors.tolist(), lead_of[_NOTHING])


def _growing(order: Sequence[int]) -> list[Kept]:
    """Return the sets of words that are there before, between and after the words of an order."""
    return [frozenset(order[:size]) for size in range(len(order) + 1)]


def _differences(leads: Iterable[float]) -> NDArray[np.float64]:
    return np.diff(np.fromiter(leads, np.float64))

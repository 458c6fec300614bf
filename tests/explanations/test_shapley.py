"""Shapley values of games whose values are known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from npbert.explanations.shapley import MOST_EXACT, Kept, shapley_values

Lead = Callable[[Kept], float]


def values_of(n_words: int, lead: Lead) -> list[float]:
    shares = shapley_values(n_words, lambda sets: [lead(kept) for kept in sets])
    assert (shares.errors is None) == (n_words <= MOST_EXACT)
    assert shares.lead_of_nothing == lead(frozenset())
    whole = lead(frozenset(range(n_words)))
    assert sum(shares.values) == pytest.approx(whole - shares.lead_of_nothing, abs=1e-9)
    return shares.values


@pytest.mark.parametrize("n_words", [1, 4, MOST_EXACT, MOST_EXACT + 1, 40])
def test_words_that_add_up_get_what_they_add(n_words: int) -> None:
    weights = np.linspace(-2, 3, n_words)
    found = values_of(n_words, lambda kept: 0.5 + sum(float(weights[word]) for word in kept))
    assert found == pytest.approx(weights.tolist(), abs=1e-9)


def test_three_gloves() -> None:
    """One left glove and two right ones: a pair is worth 1. The known values are 4, 1, 1 sixths."""
    found = values_of(3, lambda kept: float(0 in kept and len(kept) > 1))
    assert found == pytest.approx([4 / 6, 1 / 6, 1 / 6])


def random_game(n_words: int) -> Lead:
    """A game in which pairs of words count, with a lead that saturates."""
    rng = np.random.default_rng(3)
    alone, pairs = rng.normal(size=n_words), rng.normal(size=(n_words, n_words)) / 2

    def lead(kept: Kept) -> float:
        words = sorted(kept)
        return float(np.tanh(alone[words].sum() + pairs[np.ix_(words, words)].sum()) * 5)

    return lead


def test_exact_values_are_the_mean_over_all_orders() -> None:
    lead = random_game(5)
    expected = np.zeros(5)
    for order in itertools.permutations(range(5)):
        for place, word in enumerate(order):
            before = frozenset(order[:place])
            expected[word] += lead(before | {word}) - lead(before)
    expected /= math.factorial(5)
    assert values_of(5, lead) == pytest.approx(expected.tolist(), abs=1e-12)


def test_sampled_values_are_within_their_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    lead = random_game(MOST_EXACT)
    exact = values_of(MOST_EXACT, lead)
    monkeypatch.setattr("npbert.explanations.shapley.MOST_EXACT", 0)

    def leads_of(sets: Sequence[Kept]) -> list[float]:
        return [lead(kept) for kept in sets]

    sampled = shapley_values(MOST_EXACT, leads_of)
    assert sampled.errors is not None
    distances = np.abs(np.subtract(sampled.values, exact)) / sampled.errors
    assert distances.max() < 4
    assert (
        0.3 < np.sqrt(np.mean(distances**2)) < 2
    )  # errors that are neither too small nor too large
    assert sampled == shapley_values(MOST_EXACT, leads_of)  # the same in every run

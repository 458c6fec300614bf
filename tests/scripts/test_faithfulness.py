"""scripts/faithfulness.py: explanations find a shortcut that was planted."""

from __future__ import annotations

import pytest
from faithfulness import PLANTED, WAYS, at_random, n_found, plant, planted_sentences

import npbert

Planted = tuple[npbert.TextClassificationPipeline, list[str]]


@pytest.fixture(scope="module")
def planted() -> Planted:
    """The model with the shortcut, and 40 sentences whose label the planted word has turned."""
    classifier = plant(PLANTED, "terrible")
    return classifier, planted_sentences(classifier, 40)


def test_a_planted_word_is_the_strongest_one(planted: Planted) -> None:
    classifier, texts = planted
    assert len(texts) == 40
    assert n_found(classifier, texts, WAYS["leave-one-out"]) >= 30


def test_chance_does_not_find_it(planted: Planted) -> None:
    assert n_found(*planted, at_random) < 10


def test_every_way_gives_each_word_a_score(planted: Planted) -> None:
    classifier, _ = planted
    for way in WAYS.values():
        scores = way(classifier, "It isn't pepper, is it?")
        assert len(scores) == 7
        assert len(set(scores)) > 1

"""Explanations as JSON, and what cannot be changed about them."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import npbert
from npbert.explanations.results import ExplanationDict, PairDict, StepDict, WordDict


def test_the_json_form_says_everything(mini: npbert.TextClassificationPipeline) -> None:
    found = npbert.explain("Not bad.", mini, steps=True, attention=True)
    content = found.to_dict()
    again = json.loads(json.dumps(content))
    assert again == content
    assert set(content) == set(ExplanationDict.__annotations__)
    assert set(content["words"][0]) == set(WordDict.__annotations__)
    assert set(content["pairs"][0]) == set(PairDict.__annotations__)
    assert set(content["steps"][0]) == set(StepDict.__annotations__)
    for name in ("text", "label", "scores", "lead", "method", "unit", "note", "is_cut"):
        assert again[name] == getattr(found, name)
    assert [npbert.Word(**word) for word in again["words"]] == list(found.words)
    assert [npbert.Pair(**pair) for pair in again["pairs"]] == list(found.pairs)
    assert found.steps is not None
    assert [
        npbert.Step(**{**step, "shape": tuple(step["shape"]), "numbers": tuple(step["numbers"])})
        for step in again["steps"]
    ] == list(found.steps)
    assert found.attention is not None
    assert np.array_equal(np.array(again["attention"], np.float32), found.attention)
    assert again["tokens"] == ["[CLS]", "not", "bad", ".", "[SEP]"]


def test_what_was_not_asked_for_is_not_there(mini: npbert.TextClassificationPipeline) -> None:
    content = npbert.explain("Not bad.", mini).to_dict()
    assert not {"steps", "tokens", "attention"} & set(content)


def test_explanations_are_frozen(mini: npbert.TextClassificationPipeline) -> None:
    found = npbert.explain("Not bad.", mini)
    for value in (found, found.words[0], found.pairs[0]):
        with pytest.raises(dataclasses.FrozenInstanceError):
            value.effect = 1.0  # type: ignore[misc, union-attr]
    assert found.note.startswith("Each row is an experiment")
    assert "sentence" in npbert.explain("A. B.", mini, unit="sentence").note

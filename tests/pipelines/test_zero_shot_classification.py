"""Zero-shot classification: warnings and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

import npbert
from tests.support.pipelines import make_folder_for


def test_zero_shot_says_what_it_does(tmp_path: Path) -> None:
    folder = make_folder_for(tmp_path, "ForSequenceClassification", ["a", "b"])
    with pytest.warns(
        UserWarning, match="none of the model's labels .* says 'entailment'"
    ) as caught:
        ours = npbert.pipeline("zero-shot-classification", folder)
    assert [warning.filename for warning in caught] == [__file__]  # the line of the user
    with pytest.warns(UserWarning, match="1 of 2 texts had more than 512"):
        ours(["short", "word " * 600], "x, y")
    with pytest.raises(ValueError, match="expected at most 512"):
        ours("word " * 600, "x, y", long_text="error")
    for options, message in (
        ({}, "candidate_labels is missing"),
        ({"candidate_labels": []}, "candidate_labels is missing"),
        ({"candidate_labels": "a", "hypothesis_template": "x"}, "expected a sentence with {}"),
    ):
        with pytest.raises(ValueError, match=message):
            ours("text", **options)
    with pytest.raises(ValueError, match=r"text 1 \(counted from 0\) is empty"):
        ours(["a", ""], "x")

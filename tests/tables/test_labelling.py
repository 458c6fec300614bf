"""The columns that labelling adds to a table."""

from __future__ import annotations

from typing import Any

import npbert
from npbert.pipelines.text_classification import TextClassificationOptions
from npbert.tables.labelling import Labeller


def test_labels_that_are_numbers_are_text_in_a_table() -> None:
    classifier: Any = npbert.pipeline("text-classification", "mini")
    numbers: Any = {0: 1, 1: True}  # as keys of a dict they would be equal
    classifier.model.config.id2label = numbers
    labeller = Labeller(classifier, "", TextClassificationOptions(top_k=2))
    assert labeller.column_names == ["label", "score", "score_1", "score_True"]
    results: Any = [[{"label": True, "score": 0.75}, {"label": 1, "score": 0.25}], None]
    assert [list(column.values) for column in labeller.columns_from(results)] == [
        ["True", None],
        [0.75, None],
        [0.25, None],
        [0.75, None],
    ]

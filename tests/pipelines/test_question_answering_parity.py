"""Question answering beside recorded answers of transformers 4.57.6, the last that had it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.support.answering import OPTIONS, QUESTIONS, RECORDED
from tests.support.pipelines import assert_alike


def recorded() -> Iterator[dict[str, Any]]:
    contents = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert contents["versions"]["transformers"] == "4.57.6"
    yield from contents["answers"]


def test_answers_are_those_of_the_last_release_that_had_any(answerers: dict[int, Any]) -> None:
    rows = [row for row in recorded() if row["padding_side"] == "right"]
    assert len(rows) == 2 * len(QUESTIONS) * len(OPTIONS)
    for row in rows:
        question, context = QUESTIONS[row["question"]]
        answer = answerers[row["seed"]](question=question, context=context, **row["options"])
        assert_alike(answer, row["answer"], f"{question} {row['options']}")


def test_a_tokenizer_that_pads_on_the_left(answerers: dict[int, Any]) -> None:
    """The context comes first then, as in transformers.

    But 4.57.6 also looked for the answer in the question then, so its answers are not compared.
    """
    rows = [row for row in recorded() if row["padding_side"] == "left"]
    assert any(row["answer"]["end"] < row["answer"]["start"] for row in rows)
    for row in rows:
        question, context = QUESTIONS[row["question"]]
        answer = answerers[row["seed"]](question=question, context=context)
        assert answer["answer"] == context[answer["start"] : answer["end"]] != ""

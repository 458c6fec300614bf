"""Text classification: the inputs that are refused, windows of pairs, labels set later."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import pytest

import npbert
from npbert.pipelines import TextClassificationPipeline
from npbert.pipelines.base import TooLongError
from tests.support.pipelines import LONG, PAIR, assert_same_labels


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (
            None,
            TypeError,
            "inputs is a NoneType, expected a str, a dict of text and text_pair, a li",
        ),
        (3, TypeError, "inputs is a int"),
        (b"film", TypeError, "inputs is a bytes"),
        ({"a", "b"}, TypeError, "inputs is a set"),
        (np.array([["a"], ["b"]]), TypeError, "inputs is a ndarray"),
        (["a", None], TypeError, r"text 1 \(counted from 0\) is None"),
        (["a", 3], TypeError, "text 1 .* is 3"),
        (
            [["a", "b"]],
            TypeError,
            "input 0 .* is a list, expected a str, or for a pair of texts",
        ),
        *(
            ([item], TypeError, "input 0 .* is a list, expected a str")
            for item in ([], ["ab"], [["a"]], [["a", "b", "c"]], [["a", "b"], ["c", "d"]])
        ),
        (array.array("d", [1.5]), TypeError, "text 0 .* is 1.5"),
        ({"text": "a", "pair": "b"}, ValueError, "keys .'text', 'pair'., expected"),
        ({}, ValueError, "expected 'text'"),
        ({"text": None}, TypeError, "'text' of input 0"),
        ({"text": "a", "text_pair": 3}, TypeError, "'text_pair' of input 0"),
        ("a\udc80", ValueError, "lone surrogate"),
        (iter(["a", "b", 7]), TypeError, "text 2 "),
    ],
)
def test_bad_inputs(
    ours: TextClassificationPipeline, inputs: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        list(ours(inputs))


def test_windows_of_pairs_are_refused(ours: TextClassificationPipeline) -> None:
    pair = {"text": LONG, "text_pair": "short"}
    with pytest.raises(ValueError, match=r"input 1 .* only single texts can be read in windows"):
        ours([PAIR, pair], long_text="window")
    assert_same_labels(ours([PAIR], long_text="window"), ours([PAIR]))


def test_a_pair_whose_second_text_is_empty_is_one_text(ours: TextClassificationPipeline) -> None:
    for text in ("film", LONG):
        alone = ours(text, long_text="window")
        assert [ours({"text": text, "text_pair": ""}, long_text="window")] == alone


def test_labels_set_later_are_those_of_results() -> None:
    classifier = npbert.pipeline("text-classification", "mini")
    labels: dict[Any, str] = {"0": "bad", "1": "good"}  # as JSON has them
    classifier.model.config.id2label = labels
    assert classifier("I love this film.")[0]["label"] == "good"
    assert classifier.model.config.label2id == {"bad": 0, "good": 1}


def test_what_text_pair_cannot_be(ours: TextClassificationPipeline) -> None:
    options: dict[str, Any] = {"text_pair": 3}
    with pytest.raises(TypeError, match=r"text_pair is 3 \(int\), expected a str"):
        ours("a", **options)
    with pytest.raises(ValueError, match=r"text_pair is given twice, alone and in input 0"):
        ours({"text": "a", "text_pair": "b"}, text_pair="c")


def test_the_error_of_a_long_text_says_how_to_read_it(ours: TextClassificationPipeline) -> None:
    with pytest.raises(TooLongError) as caught:
        ours(LONG)
    assert caught.value.advice == (
        "pass long_text='window' (--long-text window) to read it in windows, or "
        "long_text='truncate' to label its beginning"
    )

"""Token classification: the options and the offsets that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from npbert.pipelines.base import TooLongError
from tests.support.pipelines import LONG, Sides

TEXT = "Maria lives."  # three tokens beside [CLS] and [SEP]
OFFSETS = [(0, 0), (0, 5), (6, 11), (11, 12), (0, 0)]
MISFITS: list[Any] = [
    *(5, [0, 1], [[]], [["a"]], [OFFSETS[0], 5], [OFFSETS, OFFSETS], np.zeros((5, 2))),
    *([(0, 1)] * 4 + [(0,)], [(0, 1, 2)] * 5, [("0", "1")] * 5),
]
MISFIT = "offset_mapping does not fit, expected a list of pairs of int"
ALONE = "offset_mapping is given, expected one text alone, which is not read in parts"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size is 0, expected a positive integer"),
        ({"stride": -1}, ValueError, "stride is -1, expected 0 or a positive integer"),
        (
            {"aggregation_strategy": "mean"},
            ValueError,
            "aggregation_strategy is 'mean', expected one of: none, simple, first, average, max$",
        ),
        ({"ignore_labels": "O"}, TypeError, "ignore_labels is a str, expected a list of labels"),
        *(({"offset_mapping": misfit}, ValueError, MISFIT) for misfit in MISFITS),
        ({"offset_mapping": []}, ValueError, "offset_mapping has 0 pairs, expected 5, one per tok"),
        ({"offset_mapping": [(0, 1)]}, ValueError, "offset_mapping has 1 pair, expected 5"),
        ({"offset_mapping": [[(0, 1)]]}, ValueError, "offset_mapping has 1 pair, expected 5"),
    ],
    ids=str,
)
def test_bad_options(
    ner: Sides, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ner.ours(TEXT, **options)


def test_offsets_are_those_of_one_text_that_is_read_whole(ner: Sides) -> None:
    expected = ner.ours(TEXT)
    for given in (OFFSETS, [OFFSETS], np.array(OFFSETS), np.array([OFFSETS])):
        assert ner.ours(TEXT, offset_mapping=given) == expected
        assert ner.ours([TEXT], offset_mapping=given) == [expected]
    with pytest.raises(ValueError, match=ALONE):
        ner.ours([TEXT, TEXT], offset_mapping=OFFSETS)
    in_parts = {"max_length": 4, "stride": 0, "aggregation_strategy": "simple"}
    assert ner.ours(TEXT, **in_parts)
    with pytest.raises(ValueError, match=ALONE):
        ner.ours(TEXT, offset_mapping=OFFSETS[:4], **in_parts)


def test_what_is_no_list_of_words_has_its_number(ner: Sides) -> None:
    for texts in ([["a"], "b"], (words for words in (["a"], "b"))):
        with pytest.raises(TypeError, match=r"text 1 \(counted from 0\) is a str, expected a list"):
            list(ner.ours(texts, is_split_into_words=True))


def test_the_error_of_a_long_text_says_how_to_read_it(ner: Sides) -> None:
    with pytest.raises(TooLongError) as caught:
        ner.ours(LONG)
    assert caught.value.advice == (
        "pass stride=… (and an aggregation_strategy) to read it in overlapping parts, or "
        "long_text='truncate' to read its beginning alone"
    )

"""Token ids that were published, bad input, and threads."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from npbert.tokenization.tokenizer import Tokenizer
from tests.support.paths import DATA
from tests.support.tokenizers import SENTENCES, Sides

PUBLISHED = [
    row
    for row in map(
        json.loads, (DATA / "published_logits.jsonl").read_text(encoding="utf-8").splitlines()
    )
    if row["text"]
]


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["text"][0][:20])
def test_published_ids(ours: Tokenizer, row: dict[str, Any]) -> None:
    inputs = ours(row["text"], padding=True, truncation=True, return_tensors="np")
    assert list(inputs) == ["input_ids", "attention_mask"]
    np.testing.assert_array_equal(inputs.input_ids, row["input_ids"])
    np.testing.assert_array_equal(inputs["attention_mask"], row["attention_mask"])
    assert inputs.input_ids.dtype == inputs.attention_mask.dtype == np.int64


def test_columns_of_texts_count_as_lists(ours: Tokenizer) -> None:
    expected = ours(SENTENCES)
    assert ours(tuple(SENTENCES)) == expected
    assert ours(np.array(SENTENCES)) == expected


def test_threads_share_one(sides: Sides) -> None:
    """Truncation and padding are settings of one backend; no call sees those of another call."""
    ours, _ = sides
    text = "a b c d e f g h i j k l m n o p q r s t u v w x y z"

    def call(length: int) -> tuple[int, int]:
        cut = ours(text, truncation=True, max_length=length)["input_ids"]
        padded = ours("a", padding="max_length", max_length=length)["input_ids"]
        return len(cut), len(padded)

    lengths = [3 + number % 17 for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, lengths)) == [(length, length) for length in lengths]


def test_threads_share_one_tokenizer(ours: Tokenizer) -> None:
    """Each call truncates to another length, so a setting of another thread would show."""

    def lengths(max_length: int) -> bool:
        ids = ours(["word " * 50] * 20, truncation=True, max_length=max_length).input_ids
        return {len(row) for row in ids} == {max_length}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lengths, [3 + n % 40 for n in range(200)]))


@pytest.mark.parametrize(
    ("args", "options", "error", "message"),
    [
        ((None,), {}, TypeError, r"text is None \(NoneType\), expected a str"),
        ((["a", 3],), {}, TypeError, r"text 1 is 3 \(int\)"),
        (([b"a"],), {}, TypeError, "text 0 is b'a'"),
        (("a\ud800",), {}, ValueError, "lone surrogate .* at character 1"),
        ((["a", "b"], ["c"]), {}, ValueError, "text_pair is a list of 1, expected a list of 2"),
        ((["a", "b"], "c"), {}, ValueError, "text_pair is a str"),
        (("a",), {"return_tensors": "pt"}, ValueError, "return_tensors is 'pt', expected 'np'"),
        (("a",), {"paddding": True}, TypeError, "'paddding'; did you mean 'padding'"),
        (("a",), {"padding": "longst"}, ValueError, "padding is 'longst'"),
        (("a",), {"truncation": 128}, ValueError, "truncation is 128"),
        (("a",), {"max_length": 0}, ValueError, "max_length is 0, expected a positive"),
        (("a",), {"max_length": 2, "truncation": True}, ValueError, "no room .* at least 3"),
        (("a", "b"), {"max_length": 3, "truncation": True}, ValueError, "at least 4"),
        (("a b c",), {"truncation": "only_second", "max_length": 4}, ValueError, "cannot cut to"),
        (
            ("a", "b c d e f"),
            {"truncation": "only_first", "max_length": 4},
            ValueError,
            "truncation='only_first' cannot cut to max_length 4",
        ),
        ((SENTENCES,), {"return_tensors": "np"}, ValueError, "8 to 16 tokens .* padding=True"),
        (("a b",), {"is_split_into_words": True}, TypeError, "text is a str, expected a list of"),
        (
            ([["a"], "b"],),
            {"is_split_into_words": True},
            TypeError,
            "text 1 is a str, expected a list of words",
        ),
    ],
    ids=str,
)
def test_bad_input(
    ours: Tokenizer,
    args: tuple[Any, ...],
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        ours(*args, **options)


def test_ids_that_are_none(ours: Tokenizer) -> None:
    wrong: list[Any] = [[-1], [True], [2**32], ["a"]]
    for ids in wrong:
        for call in (ours.decode, ours.batch_decode, ours.convert_ids_to_tokens):
            with pytest.raises(ValueError, match="is not a token id, expected an integer from 0"):
                call(ids)
    with pytest.raises(ValueError, match="there are no input_ids to pad"):
        ours.pad([{"ids": [1]}])
    with pytest.raises(ValueError, match="expected 2, one for each row of input_ids"):
        ours.pad({"input_ids": [[1], [2]], "labels": [[1]]})
    assert dict(ours.pad({"input_ids": []})) == {"input_ids": [], "attention_mask": []}

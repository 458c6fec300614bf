"""How a call decides to pad, and what it fills up."""

from __future__ import annotations

from typing import Any

import pytest

from npbert.tokenization.padding import Padding, read_padding
from npbert.tokenization.truncation import Truncation


@pytest.mark.parametrize(
    ("padding", "limit", "expected"),
    [
        (True, 9, Padding(None, 4, "left")),
        ("longest", None, Padding(None, 4, "left")),
        ("max_length", 9, Padding(9, 4, "left")),
        ("max_length", None, None),
        (False, 9, None),
        ("do_not_pad", 9, None),
    ],
)
def test_lengths(padding: bool | str, limit: int | None, expected: Padding | None) -> None:
    assert read_padding(padding, limit, 4, "left", truncation=None) == expected


def test_columns_are_filled_up() -> None:
    columns: dict[str, Any] = {
        "input_ids": [[7], [7, 8, 9]],
        "attention_mask": [[1], [1, 1, 1]],
        "special_tokens_mask": [[0], [0, 0, 0]],
        "labels": [0, 1],
    }
    Padding(None, 2, "left").pad_columns(columns, "input_ids", pad_id=5)
    assert columns == {
        "input_ids": [[5, 5, 5, 7], [5, 7, 8, 9]],
        "attention_mask": [[0, 0, 0, 1], [0, 1, 1, 1]],
        "special_tokens_mask": [[1, 1, 1, 0], [1, 0, 0, 0]],
        "labels": [0, 1],
    }


def test_what_cannot_be_honoured() -> None:
    cut = Truncation("longest_first", 10, stride=0, side="right")
    with pytest.raises(ValueError, match="max_length 10 is not a multiple of pad_to_multiple_of 4"):
        read_padding(True, 10, 4, "right", cut)
    with pytest.raises(ValueError, match="padding_side is 'top', expected one of: 'right', 'left'"):
        read_padding(True, 10, None, "top", cut)

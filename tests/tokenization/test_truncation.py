"""How a call decides to cut long texts."""

from __future__ import annotations

import pytest

import npbert
from npbert.tokenization.truncation import UNLIMITED, Truncation, read_limit, read_truncation


def test_the_limit_is_that_of_the_call_or_of_the_model() -> None:
    assert read_limit(7, 512) == 7
    assert read_limit(None, 512) == 512
    assert read_limit(None, UNLIMITED) is None


@pytest.mark.parametrize(
    ("truncation", "limit", "strategy"),
    [
        (True, 9, "longest_first"),
        ("only_second", 9, "only_second"),
        (False, 9, None),
        (None, 9, None),
        ("do_not_truncate", 9, None),
        (True, None, None),
    ],
)
def test_strategies(truncation: bool | str | None, limit: int | None, strategy: str | None) -> None:
    expected = strategy and Truncation(strategy, 9, stride=2, side="left")
    assert read_truncation(truncation, limit, stride=2, side="left") == expected


def test_room_for_text() -> None:
    """Of 5 tokens, 3 are special, so 2 are left, and a stride of 1 is the longest one."""
    Truncation("longest_first", 5, stride=1, side="right").require_room(3)
    with pytest.raises(ValueError, match=r"stride is 2, expected less than the 2 tokens"):
        Truncation("longest_first", 5, stride=2, side="right").require_room(3)
    with pytest.raises(ValueError, match=r"no room for text beside 5 special tokens"):
        Truncation("longest_first", 5, stride=0, side="right").require_room(5)


@pytest.mark.parametrize("longest", [2**63, 2**64, 10**19, 10**20, 10**30])
def test_a_limit_of_more_than_64_bits_cuts_nothing(longest: int) -> None:
    tokenizer = npbert.AutoTokenizer.from_pretrained("mini")
    whole = tokenizer("not bad")
    assert tokenizer("not bad", truncation=True, max_length=longest) == whole
    tokenizer = npbert.AutoTokenizer.from_pretrained("mini", model_max_length=longest)
    assert tokenizer("not bad", truncation=True) == whole

"""Values from files stand in messages on one line, cut, and without terminal escapes."""

from __future__ import annotations

import pytest

from npbert.messages import (
    enumerate_names,
    enumerate_values,
    excerpt,
    harmless,
    shown,
    with_noun,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "'plain'"),
        ("it's", '"it\'s"'),
        (None, "None"),
        ("x" * 40, repr("x" * 40)),
        ("x" * 41, "'" + "x" * 39 + "…"),
        (b"x" * 10_000, "b'" + "x" * 38 + "…"),
        ([1] * 10_000, "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, …"),
        ("two\nlines\x1b[31m\u202e", r"'two\nlines\x1b[31m\u202e'"),
        ("日本語", "'日本語'"),
    ],
)
def test_a_value(value: object, expected: str) -> None:
    assert shown(value) == expected


def test_a_long_value_costs_no_more_than_its_beginning() -> None:
    assert len(shown("\n" * 10_000_000)) == 41


def test_a_text_without_control_characters() -> None:
    assert harmless("naïve 日本 🎬") == "naïve 日本 🎬"
    assert harmless("a\x1b[2J\r\nb\u202e\ud83d") == r"a\x1b[2J\r\nb\u202e\ud83d"


def test_names_are_cut_and_counted() -> None:
    names = [f"n{number}" for number in range(12)]
    assert enumerate_names(names[:10]) == ", ".join(names[:10])
    assert enumerate_names(names) == ", ".join(names[:10]) + " and 2 more"
    assert enumerate_values(["a, b", "\x1b]0;title\x07"]) == r"'a, b', '\x1b]0;title\x07'"
    assert enumerate_values([]) == ""


def test_what_another_program_says() -> None:
    assert (
        excerpt(ValueError("Expected\n  int64,\r\n\tgot \x1b[31m"))
        == r"Expected int64, got \x1b[31m"
    )
    assert excerpt("x" * 200) == "x" * 200
    assert excerpt("x" * 1_000_000) == "x" * 200 + "…"
    assert len(excerpt("\x1b" * 1_000_000)) == 201


@pytest.mark.parametrize(
    ("number", "of_rows", "of_complete"),
    [
        (0, "0 rows", "0 files are"),
        (1, "1 row", "1 file is"),
        (2, "2 rows", "2 files are"),
        (1001, "1,001 rows", "1,001 files are"),
    ],
)
def test_a_count_and_its_noun(number: int, of_rows: str, of_complete: str) -> None:
    assert with_noun(number, "row") == of_rows
    assert with_noun(number, "file is", "files are") == of_complete

"""One object per line: keys that come later, keys in objects, and repeated keys."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from npbert.tables.formats import read_table, serializer_for
from npbert.tables.json_lines import read_lines
from npbert.tables.rows import CHUNK_ROWS, Table
from npbert.tables.source import open_source
from tests.support.platforms import needs_fifos
from tests.support.tables import LABELS, rows_of, serialize_all, source_of, texts_of


def lines_of(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def table_of(*rows: object, column: str | None = None) -> Table:
    return read_table(source_of(lines_of(*rows), "in.jsonl"), column=column)


# --------------------------------------------------------------------- keys that come later

ID: dict[str, Any] = {"id": 1, "n": 2}


@pytest.mark.parametrize("column", ["text", "a.text", "review"])
def test_the_key_may_come_later(column: str) -> None:
    last: dict[str, Any] = {"a": {"text": "one"}} if column == "a.text" else {column: "one"}
    for n_rows in (1, CHUNK_ROWS - 1):
        rows = [ID] * n_rows + [last, {}, {"b": None}]
        table = table_of(*rows, column=column)
        assert table.columns == ["id", "n", *last]
        assert rows_of(table) == rows
        assert texts_of(table_of(*rows, column=column)) == [None] * n_rows + ["one", None, None]


def test_the_default_key_may_come_later() -> None:
    assert texts_of(table_of(ID, {"text": "one"})) == [None, "one"]
    assert texts_of(table_of({}, {"text": "one"})) == [None, "one"]
    assert texts_of(table_of({"id": 1}, {"id": 2, "text": "one"})) == [None, "one"]
    assert texts_of(table_of({"review": None}, {"review": "one"})) == [None, "one"]


@pytest.mark.parametrize("column", [None, "txt", "text.a"])
def test_a_key_that_no_row_has(column: str | None) -> None:
    text = {"text": "one"} if column else {}
    for n_rows, last in ((1, 1), (CHUNK_ROWS - 1, CHUNK_ROWS - 1), (5000, CHUNK_ROWS)):
        message = rf"^in\.jsonl, up to line {last}, has no column .*; there is: 'id', 'n'"
        if column == "text.a" and text:
            message = r"line 1: 'text' is 'one', expected an object that holds 'text\.a'"
        with pytest.raises(ValueError, match=message):
            table_of(*[ID | text] * n_rows, column=column)


def test_rows_without_the_key_are_not_kept_without_end() -> None:
    rows = [{"id": "x" * 1_000_000}] * 10 + [{"review": "one"}]
    with pytest.raises(ValueError, match="up to line 4, has no column 'review'"):
        table_of(*rows, column="review")


def test_a_null_on_the_way_is_not_the_key() -> None:
    with pytest.raises(ValueError, match=r"has no column 'data\.txet'; there is: 'data'"):
        table_of({"data": None}, {"data": {"text": "one"}}, column="data.txet")


@needs_fifos
def test_rows_that_somebody_waits_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR)
    os.write(end, lines_of(ID))
    with open_source(str(path)) as source:
        table = read_table(source, "jsonl", "review", live=True)
        first = next(table.chunks)
        assert (first.texts, first.rows) == ([None], [ID])
        writer = os.open(path, os.O_WRONLY)
        os.close(end)
        os.write(writer, lines_of({"rewiev": "one"}))
        os.close(writer)
        assert next(table.chunks).texts == [None]
        with pytest.raises(ValueError, match="up to line 2, has no column 'review'; there is"):
            next(table.chunks)


def test_an_only_key_beside_the_default_key() -> None:
    message = r"line 2: there is a key 'text', which the first row does not have, .* in 'id'"
    with pytest.raises(ValueError, match=message):
        texts_of(table_of({"id": "a"}, {"id": "b", "text": "one"}))
    assert texts_of(table_of({"id": "a"}, {"id": "b", "text": "one"}, column="id")) == ["a", "b"]
    assert texts_of(table_of({"id": "a"}, {"text": "one"}, column="text")) == [None, "one"]


# --------------------------------------------------------------------------- keys in objects

NESTED: list[dict[str, Any]] = [
    {"id": 1, "data": {"text": "one", "tags": ["a"], "deep": {"er": "x"}}},
    {"id": 2, "data": None},
    {"id": 3, "data": {"text": None, "deep": None}},
    {"id": 4, "data": {}},
    {"id": 5},
    {"id": 6, "data": float("nan")},
]


def test_keys_in_objects() -> None:
    assert texts_of(table_of(*NESTED, column="data.text")) == ["one", *[None] * 5]
    assert texts_of(table_of(*NESTED, column="data.deep.er")) == ["x", *[None] * 5]


def test_rows_stay_as_they_are() -> None:
    rows = [NESTED[0], {"id": 2, "data": {"text": float("nan")}}]
    (chunk,) = table_of(*rows, column="data.text").chunks
    made = serializer_for("jsonl", ["id", "data"]).serialize(chunk, LABELS)
    added: list[dict[str, Any]] = [
        {"label": "GOOD", "score": 0.75},
        {"label": None, "score": None},
    ]
    expected = [row | more for row, more in zip(rows, added, strict=True)]
    assert [repr(json.loads(line)) for line in made.splitlines()] == list(map(repr, expected))


def test_nested_values_in_csv() -> None:
    table = table_of(*NESTED[:2], column="data.deep.er")
    made = serialize_all(serializer_for("csv", table.columns), table.chunks).decode()
    assert made.splitlines()[0] == "id,data"


def test_a_key_with_dots_comes_first() -> None:
    rows = [{"data.text": "one", "data": {"text": "two"}}, {"data": {"text": "two"}}]
    assert texts_of(table_of(*rows, column="data.text")) == ["one", "two"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ([{"text": "one"}], r"\[\{'text': 'one'\}\]"),
        ("x" * 100, "'x+…"),
        (5, "5"),
        (False, "False"),
    ],
)
def test_something_else_on_the_way(value: object, shown: str) -> None:
    message = rf"^in\.jsonl, line 1: 'a\.b' is {shown}, expected an object that holds 'a\.b\.text'"
    with pytest.raises(ValueError, match=message):
        texts_of(table_of({"a": {"b": value}}, column="a.b.text"))


def test_something_else_than_a_text_in_an_object() -> None:
    for value in ({"a": "one"}, ["one"], 5):
        with pytest.raises(ValueError, match=r"line 1: 'a\.b' is .*, expected a string or null"):
            texts_of(table_of({"a": {"b": value}}, column="a.b"))


# ---------------------------------------------------------------------------- repeated keys


@pytest.mark.parametrize(
    "line",
    ['{"text": "a", "b": 1, "text": "b"}', '{"text": "a", "b": [{"text": 1, "c": 2, "text": 1}]}'],
)
def test_repeated_keys(line: str) -> None:
    source = source_of(b'{"text": "one"}\n' + line.encode(), "in.jsonl")
    message = r"^in\.jsonl, line 2: cannot be read: the key 'text' is there more than once in an"
    with pytest.raises(ValueError, match=message):
        texts_of(read_table(source))


def test_many_keys_take_no_longer_per_key() -> None:
    """With 60,000 keys, work that grows with their square takes a minute."""
    line = json.dumps({f"key {n}": n for n in range(60_000)} | {"text": "one"})
    start = time.perf_counter()
    columns, _, records = read_lines([line], "in", None)
    assert (len(columns), [record[0] for record in records]) == (60_001, ["one"])
    assert time.perf_counter() - start < 5


def test_errors_name_the_column_and_not_the_line() -> None:
    line = b'  {"text": "' + b"x" * 100_000 + b'", "n": }\r\n'
    with pytest.raises(ValueError, match=r"line 2: not JSON: Expecting value \(column 100021\)"):
        texts_of(read_table(source_of(b'{"text": "one"}\n' + line, "in.jsonl")))

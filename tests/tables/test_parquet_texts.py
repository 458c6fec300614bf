"""Which column of a parquet file has the texts: its type, and fields of structs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from npbert.tables.formats import serializer_for
from tests.support.parquet import table_of, write_file
from tests.support.tables import LABELS, rows_of, serialize_all, texts_of

TEXTS = ["one", None, "", "z\u00fcri"]
BYTES = [text if text is None else text.encode() for text in TEXTS]


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        (pyarrow.string(), TEXTS),
        (pyarrow.large_string(), TEXTS),
        (pyarrow.string_view(), TEXTS),
        (pyarrow.binary(), BYTES),
        (pyarrow.large_binary(), BYTES),
        (pyarrow.binary_view(), BYTES),
        (pyarrow.binary(5), [b"z\xc3\xbcri", None, b"house", b"ship\0"]),
        (pyarrow.null(), [None] * 4),
        (pyarrow.float64(), [None, float("nan"), None, None]),
    ],
)
def test_types_of_texts(kind: Any, cells: list[Any]) -> None:
    texts = [cell.decode() if isinstance(cell, bytes) else cell for cell in cells]
    texts = [text if isinstance(text, str) else None for text in texts]
    array = pyarrow.array(cells, kind)
    assert texts_of(table_of(pyarrow.table({"text": array}))) == texts
    structs = pyarrow.StructArray.from_arrays([array], ["text"])
    table = pyarrow.table({"id": range(4), "data": structs})
    assert texts_of(table_of(table, "data.text")) == texts
    made = serialize_all(serializer_for("jsonl", []), table_of(table, "data.text").chunks)
    assert made.count(b"\n") == 4  # texts that are stored as bytes are written as text


@pytest.mark.parametrize("kind", [pyarrow.string(), pyarrow.large_string(), pyarrow.binary()])
def test_dictionaries_of_texts(kind: Any) -> None:
    plain = pyarrow.array(["one", None, "one", "two"]).cast(kind)
    for array in (plain, pyarrow.nulls(3, kind)):
        column = pyarrow.table({"text": array.dictionary_encode()})
        assert texts_of(table_of(column)) == array.cast(pyarrow.string()).to_pylist()


@pytest.mark.parametrize(
    "kind",
    [
        pyarrow.list_(pyarrow.string()),
        pyarrow.large_list(pyarrow.string()),
        pyarrow.list_(pyarrow.string(), 1),
        pyarrow.map_(pyarrow.string(), pyarrow.string()),
        pyarrow.struct({"text\x1b[31m\n": pyarrow.string()}),
        pyarrow.struct({f"field {number}": pyarrow.string() for number in range(1000)}),
        pyarrow.int8(),
    ],
)
def test_types_of_something_else(kind: Any) -> None:
    table = pyarrow.table({"text": pyarrow.nulls(1, kind)})
    with pytest.raises(
        ValueError, match=r"^in\.parquet: the column 'text' holds .*, expected"
    ) as e:
        table_of(table)
    assert len(str(e.value)) < 400
    assert str(e.value).isprintable()


def test_bytes_that_are_not_text() -> None:
    table = pyarrow.table({"text": pyarrow.array([b"one", b"\xff" * 10_000])})
    message = r"row 1 \(counted from 0\): 'text' holds bytes that are not UTF-8 text \(.{1,80}\)"
    with pytest.raises(ValueError, match=message):
        texts_of(table_of(table))


# ------------------------------------------------------------------------------- structs

DEEP = pyarrow.struct({"er": pyarrow.string(), "at": pyarrow.timestamp("ns")})
DATA = pyarrow.struct({"text": pyarrow.string(), "n": pyarrow.int8(), "deep": DEEP})
CELLS = [
    {"text": "one", "n": 1, "deep": {"er": "x", "at": 5}},
    None,
    {"text": None, "n": None, "deep": None},
]
NESTED = pyarrow.table({"id": [1, 2, 3], "data": pyarrow.array(CELLS, DATA)})


@pytest.mark.parametrize(
    ("column", "texts"),
    [("data.text", ["one", None, None]), ("data.deep.er", ["x", None, None])],
)
def test_fields_of_structs(column: str, texts: list[str | None]) -> None:
    table = table_of(NESTED, column)
    assert (table.text_column, table.columns) == (column, ["id", "data"])
    assert texts_of(table) == texts


def test_structs_keep_their_types(tmp_path: Path) -> None:
    (chunk,) = table_of(NESTED.slice(0, 2), "data.text").chunks
    serializer = serializer_for("parquet", ["id", "data", "label", "score"])
    made = parquet.read_table(write_file(tmp_path, serializer.serialize(chunk, LABELS)))
    assert made.select(["id", "data"]).equals(NESTED.slice(0, 2))
    assert made.column_names == ["id", "data", "label", "score"]
    assert made["label"].to_pylist() == ["GOOD", None]


def test_a_name_with_dots_comes_first() -> None:
    table = NESTED.append_column("data.text", [["a", "b", "c"]])
    assert texts_of(table_of(table, "data.text")) == ["a", "b", "c"]
    assert rows_of(table_of(table, "data.text"))[0]["data"]
    assert texts_of(table_of(pyarrow.table({"id": [1], "a.b": ["x"]}), "a.b")) == ["x"]


@pytest.mark.parametrize("column", ["data.txt", "date.text", "data.deep.es", "data.", ".text", "."])
def test_fields_that_are_not_there(column: str) -> None:
    with pytest.raises(
        ValueError, match=r"^in\.parquet has no column '.*'; there is: 'id', 'data'"
    ):
        table_of(NESTED, column)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("data", r"the column 'data' holds struct<.*, expected strings"),
        ("data.n", r"the column 'data\.n' holds int8, expected strings"),
        (
            "data.text.a",
            r"the column 'data\.text' holds string, expected a struct that holds 'data",
        ),
        (
            "list.text",
            r"the column 'list' holds list<.*, expected a struct that holds 'list\.text'",
        ),
    ],
)
def test_fields_of_other_types(column: str, message: str) -> None:
    table = NESTED.append_column("list", pyarrow.array([[{"text": "one"}], None, None]))
    with pytest.raises(ValueError, match=rf"^in\.parquet: {message}"):
        table_of(table, column)

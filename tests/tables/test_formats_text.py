"""Text formats: what is read, what is refused, what is written."""

from __future__ import annotations

import codecs
import csv
import gc
import io
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npbert.tables.dialect import Dialect
from npbert.tables.formats import read_table, serializer_for
from npbert.tables.json_lines import JsonLinesSerializer
from npbert.tables.rows import (
    CHUNK_ROWS,
    Table,
)
from npbert.tables.source import Source, open_source
from tests.support.tables import LABELS, chunk_of, rows_of, serialize_all, source_of, texts_of


def table_of(content: bytes, format: str, column: str | None = None, **options: Any) -> Table:
    return read_table(source_of(content), format, column, **options)


# --------------------------------------------------------------------------------- reading

TEXTS: list[tuple[str, str | None, bytes, list[str | None]]] = [
    ("lines", None, b"one\ntwo\n", ["one", "two"]),
    ("lines", None, b"one\r\n\r\nlast", ["one", "", "last"]),
    ("lines", None, b"one\rstill one\r\r\n", ["one\rstill one\r"]),
    ("lines", None, "a\u2028b\x85c\x0cd\x1ee\n".encode(), ["a\u2028b\x85c\x0cd\x1ee"]),
    ("lines", None, "\ufeffé\n\ufeff\n".encode(), ["é", "\ufeff"]),
    ("lines", None, b"", []),
    ("lines", None, codecs.BOM_UTF8, []),
    ("csv", None, b"text\none\n", ["one"]),
    ("csv", None, b"review\n only column \n", [" only column "]),
    ("csv", None, b"id,text\n1,one\n\n2,two", ["one", "two"]),
    ("csv", None, b'id,text\n1,\n2,""\n3," "\n', [None, None, " "]),
    ("csv", None, b'text\n""\n', [None]),
    ("csv", None, b"a;b,text\n1,one\n", ["one"]),
    ("csv", "b", b'a,b\r\n1,"x, ""y""\nz"\r\n', ['x, "y"\nz']),
    ("csv", None, b'id,text\r1,one\r2,"a\rb\r\nc\nd"', ["one", "a\rb\r\nc\nd"]),
    ("csv", None, "text\na\u2028b\x85c\x0cd\0\n".encode(), ["a\u2028b\x85c\x0cd\0"]),
    ("csv", None, "\ufefftext,id\né,1\n".encode(), ["é"]),
    ("csv", None, '\ufeff"text",id\né,1\n'.encode(), ["é"]),
    ("csv", None, b"id,text\n", []),
    ("csv", None, b"text,id\n" + b"x" * 200_000 + b",1\n", ["x" * 200_000]),
    ("csv", None, b'id,text\n1,it"s\n', ['it"s']),
    ("tsv", None, b"id\ttext\n1\ta, b\n", ["a, b"]),
    ("tsv", None, b'id\ttext\n1\t"a\tb"\n', ["a\tb"]),
    ("jsonl", None, b'{"text": "one"}\n\n{"text": "tw\\u00f6"}', ["one", "twö"]),
    ("jsonl", None, b'{"text": "one"}\r\n \r\n{"text": ""}\r\n', ["one", ""]),
    ("jsonl", None, '\ufeff{"text": "a\u2028b\x85"}'.encode(), ["a\u2028b\x85"]),
    ("jsonl", "b", b'{"a": 1, "b": "one"}\n{"b": "two"}\n', ["one", "two"]),
    ("jsonl", None, b'{"text": null}\n{"text": "one"}\n{"id": 5}\n{}', [None, "one", None, None]),
    ("jsonl", None, b"", []),
    ("jsonl", None, b"\n\n", []),
    ("jsonl", None, b'{"review": "one"}\n{"review": "two", "id": 2}\n', ["one", "two"]),
    ("jsonl", None, b'{"text": "one\rtwo"}\n'.replace(b"\r", b"\\r"), ["one\rtwo"]),
    ("jsonl", None, b'{"text":\r"one"}\n', ["one"]),
    ("csv", None, b"\n\r\nid,text\n1,one\n", ["one"]),
]


@pytest.mark.parametrize(("format", "column", "content", "texts"), TEXTS)
def test_texts(format: str, column: str | None, content: bytes, texts: list[str | None]) -> None:
    assert texts_of(table_of(content, format, column)) == texts


def test_all_columns_are_kept() -> None:
    table = table_of(b"id,text,stars\n1,good,5\n2,,\n", "csv")
    assert (table.columns, table.text_column) == (["id", "text", "stars"], "text")
    rows = [{"id": "1", "text": "good", "stars": "5"}, {"id": "2", "text": None, "stars": ""}]
    assert rows_of(table) == rows
    table = table_of(b'{"text": "good", "stars": 5, "tags": [null]}\n{"new": 1}', "jsonl")
    assert (table.columns, table.text_column) == (["text", "stars", "tags"], "text")
    assert rows_of(table) == [{"text": "good", "stars": 5, "tags": [None]}, {"new": 1}]
    table = table_of(b"one", "lines")
    assert (table.columns, rows_of(table)) == (["text"], [{"text": "one"}])
    assert table_of(b"", "jsonl", "review").columns == ["review"]


REFUSED: list[tuple[str, str | None, bytes, str]] = [
    ("lines", "review", b"one\n", "plain lines, which have no column 'review'"),
    ("csv", None, b"", "in.txt is empty, expected a first line with the names of the columns"),
    ("csv", None, b"a,b\n1,2\n", "no column 'text'; there is: 'a', 'b'; choose one with --column"),
    ("csv", "c", b"a,text\n1,2\n", "no column 'c'; there is: 'a', 'text'"),
    ("csv", None, b"text,a,a\n", "the column 'a' is there more than once"),
    ("csv", None, b"id,text\n1,one\n2\n", "in.txt, line 3: 1 cell, expected 2"),
    ("csv", None, b'id,text\n1,"one\ntwo"\n1,one,more\n', "line 4: 3 cells, expected 2"),
    ("csv", None, b'text\n"never closed\n', "line 2: unexpected end of data"),
    ("csv", None, b'text\n"closed" too early\n', "line 2: ',' expected after '\"'"),
    ("csv", None, b'"text\n', "line 1: unexpected end of data"),
    ("csv", None, b"id;text\n1;one\n", r"only column is 'id;text'.* Give --delimiter ';'"),
    ("csv", None, b"id\ttext\n", r"Give --delimiter '\\t'"),
    ("tsv", None, b"id|text\n", r"Give --delimiter '\|'"),
    ("tsv", None, b"id\n1\t\n", "line 2: 2 cells, expected 1"),
    ("tsv", None, b"id,text\n1,one\n", r"only column is 'id,text'.* Give --delimiter ','"),
    ("csv", None, b'id,text\n1,one\n2,"two\nthree\n4,four\n', r"line 3: unexpected.*--no-quotes"),
    ("csv", None, b'id,text\n1,"one\ntwo",\n', "line 2: 3 cells, expected 2"),
    ("jsonl", None, b'{"text": "one"}\n\n{"text": \n', "in.txt, line 3: not JSON"),
    ("jsonl", None, b"3\n", "line 1: a int, expected a JSON object"),
    ("jsonl", None, b'\n{"a": "x", "b": 1}\n', "up to line 2, has no column 'text'; there is: 'a'"),
    (
        "jsonl",
        None,
        b'{"id": "1"}\n{"text": "one"}',
        "in.txt, line 2: there is a key 'text', which the first row",
    ),
    ("jsonl", None, b'{"text": "a"}\n{"text": "b\\ud83d"}', "line 2: 'text' has a lone surrogate"),
    ("jsonl", None, b'{"text": "one"}\n{"text": 5}\n', "line 2: 'text' is 5, expected a string"),
    ("jsonl", None, b'{"text": false}\n', "line 1: 'text' is False, expected a string"),
    ("jsonl", None, b'{"a":' * 100_000, "line 1: cannot be read: maximum recursion"),
]


@pytest.mark.parametrize(("format", "column", "content", "message"), REFUSED)
def test_refused(format: str, column: str | None, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        texts_of(table_of(content, format, column))


def test_delimiters() -> None:
    content = b'id;text\n1;"a;b,c"\n'
    assert texts_of(table_of(content, "csv", dialect=Dialect(";"))) == ["a;b,c"]
    assert texts_of(table_of(b"id|text\n1|a\n", "tsv", dialect=Dialect("|"))) == ["a"]
    # If the caller names the column, its name may have a delimiter in it.
    assert texts_of(table_of(b"a;b\nx\n", "csv", "a;b")) == ["x"]


def test_without_quotes() -> None:
    """The files of GLUE are written so: a quote may stand alone in them."""
    content = b'id\ttext\n1\t"one\n2\ttwo" \n3\t"three", ""\n4\t\n'
    table = table_of(content, "tsv", dialect=Dialect(has_quotes=False))
    chunks = list(table.chunks)
    assert [chunk.texts for chunk in chunks] == [['"one', 'two" ', '"three", ""', None]]
    written = serializer_for("tsv", ["id", "text"], Dialect(has_quotes=False))
    assert serialize_all(written, chunks) == content
    columns = ["text", "label", "score"]
    written = serializer_for("tsv", columns, Dialect(has_quotes=False))
    added = [LABELS[0]._replace(values=["A\tB"]), LABELS[1]._replace(values=[0.5])]
    with pytest.raises(ValueError, match=r"rows 7 to 7.*takes quotes.*leave out --no-quotes"):
        written.serialize(chunk_of([{"text": "one"}], 7), added)


# --------------------------------------------------------------------------------- writing

cells = st.text(st.characters(exclude_categories=["Cs"]))  # no lone surrogates
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | cells,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(cells, values, max_size=3),
    max_leaves=5,
)


@given(
    st.lists(st.tuples(cells, cells)),
    st.sampled_from(["csv", "tsv"]),
    st.sampled_from([Dialect(mark) for mark in (None, ";", "|", " ")]),
)
def test_what_is_written_is_read_back(
    pairs: list[tuple[str, str]], format: str, dialect: Dialect
) -> None:
    rows = [{"i d": first, "text": second or None} for first, second in pairs]
    content = serialize_all(serializer_for(format, ["i d", "text"], dialect), [chunk_of(rows)])
    assert rows_of(table_of(content, format, dialect=dialect)) == rows
    text = io.StringIO(content.decode(), newline="")
    delimiter = dialect.delimiter or ",\t"[format == "tsv"]
    found = list(csv.DictReader(text, delimiter=delimiter))
    assert [row | {"text": row["text"] or None} for row in found] == rows


@given(st.lists(st.tuples(st.none() | cells, JSON_VALUES)))
def test_what_is_written_as_json_is_read_back(pairs: list[tuple[str | None, Any]]) -> None:
    rows = [{"text": text, "value": value} for text, value in pairs]
    content = serialize_all(serializer_for("jsonl", ["text", "value"]), [chunk_of(rows)])
    table = table_of(content, "jsonl")
    assert rows_of(table) == rows
    lines = content.decode().split("\n")
    assert [json.loads(line) for line in lines[:-1]] == rows
    assert lines[-1] == ""


def test_columns_are_added() -> None:
    chunk = chunk_of([{"text": "é, b", "id": 1}, {"text": None}])
    columns = ["text", "id", "label", "score"]
    of_csv = serializer_for("csv", columns)
    assert of_csv.header == b"text,id,label,score\n"
    assert of_csv.serialize(chunk, LABELS).decode() == '"é, b",1,GOOD,0.75\n,,,\n'
    assert (
        serializer_for("tsv", columns).serialize(chunk, LABELS).decode()
        == "é, b\t1\tGOOD\t0.75\n\t\t\t\n"
    )
    assert serializer_for("csv", columns, Dialect(";")).header == b"text;id;label;score\n"
    of_json = serializer_for("jsonl", columns)
    assert of_json.header == b""
    assert of_json.serialize(chunk, LABELS).decode() == (
        '{"text": "é, b", "id": 1, "label": "GOOD", "score": 0.75}\n'
        '{"text": null, "label": null, "score": null}\n'
    )


def test_pandas_reads_what_is_written() -> None:
    texts, numbers = ['a "b",\nc', "d\re", "é"], [0.1, 2.0, None]
    rows = [{"text": text, "n": number} for text, number in zip(texts, numbers, strict=True)]
    content = {
        format: io.BytesIO(serialize_all(serializer_for(format, ["text", "n"]), [chunk_of(rows)]))
        for format in ("csv", "tsv", "jsonl")
    }
    read_back = [
        pandas.read_csv(content["csv"]),
        pandas.read_table(content["tsv"]),
        pandas.read_json(content["jsonl"], lines=True),
    ]
    for frame in read_back:
        pandas.testing.assert_frame_equal(frame, pandas.DataFrame(rows))


VALUES: list[tuple[Any, str, str]] = [  # a value, its csv cell, and its JSON
    (None, "", "null"),
    (0.5, "0.5", "0.5"),
    (2**70, str(2**70), str(2**70)),
    (["é", None], '"[""é"", null]"', '["é", null]'),
    ({"a": Decimal("1.10")}, '"{""a"": ""1.10""}"', '{"a": "1.10"}'),
    (Decimal("1.10"), "1.10", '"1.10"'),
]


@pytest.mark.parametrize(("value", "in_csv", "in_json"), VALUES)
def test_values_that_are_no_strings(value: Any, in_csv: str, in_json: str) -> None:
    chunk = chunk_of([{"text": "x", "value": value}])
    content = serializer_for("csv", ["text", "value"]).serialize(chunk, [])
    assert content.decode() == f"x,{in_csv}\n"
    content = serializer_for("jsonl", ["text", "value"]).serialize(chunk, [])
    assert content.decode() == f'{{"text": "x", "value": {in_json}}}\n'


@pytest.mark.parametrize("format", ["csv", "jsonl"])
@pytest.mark.parametrize("value", [b"\xff", [b"\xff"]])
def test_values_for_parquet_only(format: str, value: Any) -> None:
    chunk = chunk_of([{"text": "x", "value": value}])
    with pytest.raises(ValueError, match=r"a cell holds b'\\xff' \(bytes\).*--format parquet"):
        serializer_for(format, ["text", "value"]).serialize(chunk, [])


def test_a_row_with_a_column_more_is_no_csv() -> None:
    chunk = chunk_of([{"text": "a"}, {"text": "b", "extra": 1}], start=40)
    with pytest.raises(ValueError, match=r"row 41 .* has the key 'extra'.*--format jsonl"):
        serializer_for("csv", ["text"]).serialize(chunk, [])
    lines = serializer_for("jsonl", ["text"]).serialize(chunk, []).splitlines()
    assert [json.loads(line) for line in lines] == chunk.rows


def test_half_of_a_surrogate_pair_is_kept_in_json_and_is_no_csv() -> None:
    content = b'{"text": "\xc3\xa9", "cut": "\\ud83d"}\n'
    (chunk,) = table_of(content, "jsonl").chunks
    assert JsonLinesSerializer().serialize(chunk, []) == content
    with pytest.raises(ValueError, match=r"rows 0 to 0 .*surrogate pair.*--format jsonl"):
        serializer_for("csv", ["text", "cut"]).serialize(chunk, [])


# ------------------------------------------------------------------ how far a file is read


class EndlessFile(io.RawIOBase):
    """A file of one line again and again, after a first line; it counts the bytes read from it."""

    def __init__(self, first: bytes, line: bytes) -> None:
        self._first, self._line = first, line
        self.n_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        lines = self._line * (len(buffer) // len(self._line) + 2)
        done = max(self.n_bytes - len(self._first), 0) % len(self._line)
        content = (self._first[self.n_bytes :] + lines[done:])[: len(buffer)]
        buffer[: len(content)] = content
        self.n_bytes += len(content)
        return len(content)


@pytest.mark.parametrize(
    ("format", "first", "line"),
    [
        ("lines", b"", b"endless\n"),
        ("csv", b"id,text\n", b"1,endless\n"),
        ("jsonl", b"", b'{"text": "endless"}\n'),
    ],
)
def test_rows_are_read_when_they_are_asked_for(format: str, first: bytes, line: bytes) -> None:
    file = EndlessFile(first, line)
    stream = io.BufferedReader(file)
    table = read_table(Source("in", stream, b"", None, False, stream), format)
    buffers = 2 * io.DEFAULT_BUFFER_SIZE
    for n_chunks in range(4):
        assert file.n_bytes <= n_chunks * CHUNK_ROWS * len(line) + buffers
        assert next(table.chunks).texts == ["endless"] * CHUNK_ROWS


@pytest.mark.parametrize("format", ["lines", "csv"])
def test_how_far_the_file_is_read_is_known_to_the_end(tmp_path: Path, format: str) -> None:
    path = tmp_path / "in.txt"
    path.write_text("text\n" * 20_000)
    with open_source(str(path)) as source:
        table = read_table(source, format)
        next(table.chunks)
        assert 0 < source.position_bytes() < 20_000
        assert len(texts_of(table)) > 10_000
        assert source.position_bytes() == source.size_bytes


def test_who_stops_reading_early_hears_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    path = tmp_path / "in.txt"
    path.write_text("text\n" * 2000)
    with open_source(str(path)) as source:
        table = read_table(source)
        next(table.chunks)
    del table
    gc.collect()
    assert not complaints

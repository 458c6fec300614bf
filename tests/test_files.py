"""Rows of text files: what is read, what is written, what is refused, and what is left behind."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npbert.files import Table, format_of, read_table, replacing, write_rows


def table_of(content: bytes, format: str, column: str | None = None) -> Table:
    return read_table(io.BytesIO(content), "in.txt", format, column)


def texts_of(content: bytes, format: str, column: str | None = None) -> list[str]:
    table = table_of(content, format, column)
    return [row[table.text_column] for row in table.rows]


TEXTS: list[tuple[str, str | None, bytes, list[str]]] = [
    ("lines", None, b"one\ntwo\n", ["one", "two"]),
    ("lines", None, b"one\r\n\r\nlast", ["one", "", "last"]),
    ("lines", None, "\ufeffé\n".encode(), ["é"]),
    ("lines", None, b"", []),
    ("csv", None, b"text\none\n", ["one"]),
    ("csv", None, b"review\n only column \n", [" only column "]),
    ("csv", None, b"id,text\n1,one\n\n2,two", ["one", "two"]),
    ("csv", "b", b'a,b\r\n1,"x, ""y""\nz"\r\n', ['x, "y"\nz']),
    ("csv", None, "\ufefftext,id\né,1\n".encode(), ["é"]),
    ("csv", None, b"id,text\n", []),
    ("csv", None, b"text,id\n" + b"x" * 200_000 + b",1\n", ["x" * 200_000]),
    ("tsv", None, b"id\ttext\n1\ta, b\n", ["a, b"]),
    ("jsonl", None, b'{"text": "one"}\n\n{"text": "tw\\u00f6"}', ["one", "twö"]),
    ("jsonl", "b", b'{"a": 1, "b": "one"}\n{"b": "two"}\n', ["one", "two"]),
    ("jsonl", None, b"", []),
]


@pytest.mark.parametrize(("format", "column", "content", "texts"), TEXTS)
def test_texts(format: str, column: str | None, content: bytes, texts: list[str]) -> None:
    assert texts_of(content, format, column) == texts


def test_all_columns_are_kept() -> None:
    table = table_of(b"id,text,stars\n1,good,5\n", "csv")
    assert table.columns == ["id", "text", "stars"]
    assert list(table.rows) == [{"id": "1", "text": "good", "stars": "5"}]
    table = table_of(b'{"text": "good", "stars": 5, "tags": [null]}\n', "jsonl")
    assert table.columns == ["text", "stars", "tags"]
    assert list(table.rows) == [{"text": "good", "stars": 5, "tags": [None]}]


REFUSED: list[tuple[str, str | None, bytes, str]] = [
    ("lines", None, b"one\n\xe9t\xe9\n", r"in\.txt, line 2: not UTF-8 \(byte 0xe9\).*iconv"),
    ("lines", "review", b"one\n", "plain lines, which have no column 'review'"),
    ("csv", None, b"", "in.txt is empty, expected a first line of column names"),
    ("csv", None, b"a,b\n1,2\n", "no column 'text'; there is: a, b; choose one with --column"),
    ("csv", "c", b"a,text\n1,2\n", "no column 'c'; there is: a, text"),
    ("csv", None, b"text,a,a\n", "the column 'a' is there more than once"),
    ("csv", None, b"id,text\n1,one\n2\n", "line 3: 1 cells, expected 2"),
    ("csv", None, b"id,text\n1,one,more\n", "line 2: 3 cells, expected 2"),
    ("csv", None, b'text\n"never closed\n', "line 2: unexpected end of data"),
    ("csv", None, b'text\n"closed" too early\n', "line 2: ',' expected after '\"'"),
    ("csv", None, b"text\n\xff\n", "line 2: not UTF-8"),
    ("jsonl", None, b'{"text": "one"}\n{"text": \n', "line 2: not JSON"),
    ("jsonl", None, b'["text"]\n', "line 1: a list, expected a JSON object"),
    ("jsonl", None, b'{"a": "x", "b": 1}\n', "line 1: no key 'text'; there is: a, b"),
    ("jsonl", None, b'{"text": null}\n', "line 1: 'text' is no string but None"),
    ("jsonl", None, b'{"text": 5}\n', "line 1: 'text' is no string but 5"),
    ("jsonl", None, b"[" * 100_000, "line 1: not JSON"),
]


@pytest.mark.parametrize(("format", "column", "content", "message"), REFUSED)
def test_refused(format: str, column: str | None, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        texts_of(content, format, column)


@pytest.mark.parametrize("format", ["lines", "csv", "jsonl"])
def test_rows_are_read_when_they_are_asked_for(format: str) -> None:
    asked = 0

    def lines() -> Iterator[bytes]:
        nonlocal asked
        if format == "csv":
            yield b"text\n"
        while True:
            asked += 1
            yield b'{"text": "endless"}\n' if format == "jsonl" else b"endless\n"

    rows = read_table(lines(), "in.txt", format, None).rows
    for _ in range(5):
        next(rows)
    assert asked == 5


def test_formats_by_ending() -> None:
    names = ["a.csv", "A.CSV", "a.tsv", "a.jsonl", "a.ndjson", "a.txt", "a", ""]
    expected = ["csv", "csv", "tsv", "jsonl", "jsonl", None, None, None]
    assert [format_of(name) for name in names] == expected


# --------------------------------------------------------------------------------- writing

cells = st.text(st.characters(exclude_categories=["Cs"]))  # no lone surrogates


@given(st.lists(st.tuples(cells, cells)), st.sampled_from(["csv", "tsv", "jsonl"]))
def test_what_is_written_is_read_back(pairs: list[tuple[str, str]], format: str) -> None:
    rows = [{"id": first, "text": second} for first, second in pairs]
    stream = io.StringIO(newline="")
    write_rows(stream, format, ["id", "text"], rows)
    assert list(table_of(stream.getvalue().encode(), format).rows) == rows


def test_values_without_a_csv_form_are_written_as_json() -> None:
    stream = io.StringIO()
    row = {"text": "x", "none": None, "list": ["é"], "score": 0.5}
    write_rows(stream, "csv", ["text", "none", "list", "score"], [row])
    assert stream.getvalue() == 'text,none,list,score\nx,null,"[""é""]",0.5\n'


def test_a_row_with_a_column_more_is_no_csv() -> None:
    rows: list[dict[str, Any]] = [{"text": "a"}, {"text": "b", "extra": 1}]
    with pytest.raises(ValueError, match=r"row 1 .* has the key 'extra'.*--format jsonl"):
        write_rows(io.StringIO(), "csv", ["text"], rows)
    stream = io.StringIO()
    write_rows(stream, "jsonl", ["text"], rows)
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == rows


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with replacing(path, force=False) as stream:
        stream.write("é\n")
        stream.flush()
        assert not path.exists()
        assert len(list(tmp_path.iterdir())) == 1  # beside it
    assert path.read_bytes() == "é\n".encode()
    assert list(tmp_path.iterdir()) == [path]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_a_failure_all_is_as_before(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")

    def fail() -> None:
        with replacing(path, force=True) as stream:
            stream.write("half of the n")
            raise error

    with pytest.raises(error):
        fail()
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"


def test_existing_files_are_replaced_only_with_force(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(FileExistsError, match=r"there already; .*--force"), replacing(path, False):
        pass
    assert path.read_text() == "old"
    with replacing(path, True) as stream:
        stream.write("new")
    assert path.read_text() == "new"


def test_impossible_places(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder"), replacing(tmp_path, True):
        pass
    missing = tmp_path / "no" / "out.csv"
    with pytest.raises(FileNotFoundError, match="no such folder"), replacing(missing, False):
        pass

"""csv files as programs and people write them come out as they came in, with columns added."""

from __future__ import annotations

import codecs

import pytest

from npbert.tables.dialect import Dialect
from npbert.tables.formats import read_table, serializer_for
from tests.support.tables import LABELS, rows_of, serialize_all, source_of, texts_of


def passed_through(content: bytes, column: str | None = None, **options: str) -> bytes:
    """Read a csv file, and write it with its own dialect."""
    dialect = Dialect(**options)  # type: ignore[arg-type]
    table = read_table(source_of(content, "in.csv"), column=column, dialect=dialect)
    assert table.dialect is not None
    return serialize_all(serializer_for("csv", table.columns, table.dialect), table.chunks)


UNCHANGED: dict[str, bytes] = {
    "plain": b"id,text\n1,one\n",
    "a byte-order mark": codecs.BOM_UTF8 + b"id,text\n1,one\n",
    "Excel": codecs.BOM_UTF8 + b'id,text\r\n1,"one\ntwo"\r\n',
    "Windows": b"id,text\r\n1,one\r\n2,\r\n",
    "a line for Excel": b"sep=;\r\nid;text\r\n1;one, two\r\n",
    "a tab for Excel": codecs.BOM_UTF8 + b"sep=\t\nid\ttext\n1\tone\n",
    "no names at the edge": b"text,v2,,,\none,1,,,x\n",
    "no name for the index of pandas": b",text\n0,one\n",
}


@pytest.mark.parametrize("content", UNCHANGED.values(), ids=UNCHANGED)
def test_what_comes_out_as_it_came_in(content: bytes) -> None:
    assert passed_through(content, "text") == content


def test_columns_without_names() -> None:
    table = read_table(source_of(b"text,,v,\none,1,2,3\n", "in.csv"))
    assert table.columns == ["text", "Unnamed: 1", "v", "Unnamed: 3"]
    row = {"text": "one", "Unnamed: 1": "1", "v": "2", "Unnamed: 3": "3"}
    assert rows_of(table) == [row]
    columns = [*table.columns, "label", "score"]
    assert table.dialect is not None
    assert serializer_for("csv", columns, table.dialect).header == b"text,,v,,label,score\n"
    table = read_table(source_of(b"text,,v\none,1,2\n", "in.csv"), column="Unnamed: 1")
    assert texts_of(table) == ["1"]
    with pytest.raises(ValueError, match=r"the column 'v' is there more than once"):
        read_table(source_of(b"text,v,v\n", "in.csv"))


def test_another_format_has_no_marks() -> None:
    table = read_table(source_of(UNCHANGED["Excel"], "in.csv"))
    (chunk,) = table.chunks
    added = [column._replace(values=column.values[:1]) for column in LABELS]
    serializer = serializer_for("tsv", [*table.columns, "label", "score"])
    assert serializer.header == b"id\ttext\tlabel\tscore\n"
    assert serializer.serialize(chunk, added) == b'1\t"one\ntwo"\tGOOD\t0.75\n'


def test_the_delimiter_that_is_given_comes_first() -> None:
    content = b"sep=;\nid,text\n1,one\n"
    assert passed_through(content, "text", delimiter=",") == b"sep=,\nid,text\n1,one\n"


def test_the_end_of_a_file_of_dos() -> None:
    assert passed_through(b"id,text\r\n1,one\r\n\x1a", "text") == b"id,text\r\n1,one\r\n"
    assert texts_of(read_table(source_of(b"text\none\n\x1a\ntwo\n", "in.csv"))) == [
        "one",
        "\x1a",
        "two",
    ]


@pytest.mark.parametrize("first", [b"", b"sep=,\n"])
def test_lines_are_counted_from_the_first_one(first: bytes) -> None:
    n = 3 + len(first.splitlines())
    with pytest.raises(ValueError, match=rf"in\.csv, line {n}: 1 cell, expected 2"):
        texts_of(read_table(source_of(first + b"id,text\n1,one\n2\n", "in.csv")))
    with pytest.raises(ValueError, match=rf"in\.csv, line {n}: .*is there a quote"):
        texts_of(read_table(source_of(first + b'id,text\n1,one\n2,"two"x\n', "in.csv")))

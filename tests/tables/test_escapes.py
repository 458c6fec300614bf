"""Files with a backslash before each quote: what is read, and what others see afterwards."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npbert.tables.dialect import Dialect
from npbert.tables.formats import read_table, serializer_for
from tests.support.tables import chunk_of, rows_of, serialize_all, source_of, texts_of

ESCAPED = Dialect(escape="\\")
WITHOUT_QUOTES = Dialect(escape="\\", has_quotes=False)


def passed_through(content: bytes, format: str, dialect: Dialect) -> bytes:
    table = read_table(source_of(content, f"in.{format}"), dialect=dialect)
    assert table.dialect is not None
    return serialize_all(serializer_for(format, table.columns, table.dialect), table.chunks)


TEXTS: dict[str, tuple[bytes, str]] = {
    "quotes": (rb'"She said \"no\""', 'She said "no"'),
    "a delimiter behind the quote": (rb'"a \", b"', 'a ", b'),
    "only a quote": (rb'"\""', '"'),
    "a null of MySQL": (rb"\N", r"\N"),
    "a text that is not a null": (rb"\\N", r"\N"),
    "a path": (rb"C:\new\table", r"C:\new\table"),
    "an escaped path": (rb"C:\\new\\table", r"C:\new\table"),
    "a backslash at the end": (rb'"C:\\"', "C:\\"),
    "three backslashes": (rb'"\\\""', '\\"'),
    "four backslashes": (rb'"\\\\"', "\\\\"),
    "a backslash and an escape": (rb"\\\t", r"\\t"),
    "a line break": (b'"a\\\nb"', "a\nb"),
    "a line break without quotes": (b"a\\\nb", "a\nb"),
    "a carriage return": (b'"a\\\r\nb"', "a\r\nb"),
    "a delimiter without quotes": (rb"a\, b", "a, b"),
    "a quote without quotes": (rb"a \"b\"", 'a "b"'),
    "doubled quotes": (b'"a ""b"""', 'a "b"'),
}


@pytest.mark.parametrize(("cell", "text"), TEXTS.values(), ids=TEXTS)
def test_what_is_read(cell: bytes, text: str) -> None:
    content = b"id,text,n\n1," + cell + b",2\n"
    table = read_table(source_of(content, "in.csv"), dialect=ESCAPED)
    assert rows_of(table) == [{"id": "1", "text": text, "n": "2"}]
    written = passed_through(content, "csv", ESCAPED)
    assert rows_of(read_table(source_of(written, "in.csv"), dialect=ESCAPED)) == [
        {"id": "1", "text": text, "n": "2"}
    ]
    assert passed_through(written, "csv", ESCAPED) == written


@pytest.mark.parametrize(
    "content",
    [
        b'id,text\n1,"She said \\"no\\""\n2,\\N\n3,\\\\N\n4,C:\\new\n5,"a, \\\\"\n6,C:\\\\\n',
        b'text\n""\n"\\""\n',
        b'a\\b,text\r\n\\0,"one\r\ntwo"\r\n',
    ],
)
def test_what_comes_out_as_it_came_in(content: bytes) -> None:
    assert passed_through(content, "csv", ESCAPED) == content


def test_a_file_of_mysql_without_quotes() -> None:
    content = b'id\ttext\n1\ta\\\tb "c"\n2\tone\\\ntwo\n3\t\\N\n4\tC:\\\\\n'
    table = read_table(source_of(content, "in.tsv"), dialect=WITHOUT_QUOTES)
    assert texts_of(table) == ['a\tb "c"', "one\ntwo", "\\N", "C:\\"]
    assert passed_through(content, "tsv", WITHOUT_QUOTES) == content


def test_another_format_has_the_texts() -> None:
    content = b'text\n"\\\\ \\"a\\" \\N"\n'
    table = read_table(source_of(content, "in.csv"), dialect=ESCAPED)
    (chunk,) = table.chunks
    assert serializer_for("jsonl", table.columns).serialize(chunk, []) == (
        b'{"text": "\\\\ \\"a\\" \\\\N"}\n'
    )
    assert serializer_for("csv", table.columns).serialize(chunk, []) == b'"\\ ""a"" \\N"\n'
    pytest.importorskip("pyarrow")
    parquet = serializer_for("parquet", table.columns)
    assert parquet.serialize(chunk, [])


CELLS = st.text(st.sampled_from("\\\"'N,; \n\rab\t"), max_size=8)


def read_by_csv(content: bytes, **options: object) -> list[list[str]]:
    text = io.StringIO(content.decode(), newline="")
    return list(csv.reader(text, escapechar="\\", **options))  # type: ignore[arg-type]


@given(st.lists(st.tuples(CELLS, CELLS), max_size=4), st.sampled_from([True, False]))
def test_values_that_are_written_are_read_again(
    pairs: list[tuple[str, str]], has_quotes: bool
) -> None:
    dialect = Dialect(escape="\\", has_quotes=has_quotes)
    rows = [{"text": first, "x": second} for first, second in pairs]
    written = serialize_all(serializer_for("csv", ["text", "x"], dialect), [chunk_of(rows)])
    table = read_table(source_of(written, "in.csv"), dialect=dialect)
    assert [[row["text"] or "", row["x"]] for row in rows_of(table)] == [[*pair] for pair in pairs]
    options = {} if has_quotes else {"quoting": csv.QUOTE_NONE, "quotechar": None}
    assert read_by_csv(written, **options) == [["text", "x"], *([*pair] for pair in pairs)]


PIECES = ["\\\\", '\\"', "\\N", "\\t", "\\,", "\\\n", "\n", ",", " ", "a", "N", '""']


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), max_size=4))
def test_other_programs_read_the_same_afterwards(cells: list[str]) -> None:
    content = b"id,text\n" + b"".join(f'1,"{cell}"\n'.encode() for cell in cells)
    written = passed_through(content, "csv", ESCAPED)
    assert read_by_csv(written) == read_by_csv(content)
    before, after = (
        pd.read_csv(io.BytesIO(part), escapechar="\\", dtype=str, keep_default_na=False)
        for part in (content, written)
    )
    pd.testing.assert_frame_equal(before, after)

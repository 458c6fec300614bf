"""Parquet: types that survive, rows of other formats, damages, tables without rows."""

from __future__ import annotations

import dataclasses
import errno
import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pytest
from pyarrow import parquet

from npbert.tables import parquet as parquet_reading
from npbert.tables import parquet_writing
from npbert.tables.formats import finisher_for, read_table, serializer_for
from npbert.tables.parquet_writing import ParquetSerializer, write_parquet
from npbert.tables.rows import Chunk, Column, Row, Table, split_into_chunks
from npbert.tables.source import Source, open_source
from tests.support.tables import LABELS, chunk_of, hide, rows_of, serialized, source_of, texts_of


def stored(table: Any, **options: Any) -> bytes:
    """A parquet file, as pyarrow writes it."""
    stream = io.BytesIO()
    parquet.write_table(table, stream, **options)
    return stream.getvalue()


def table_of(table: Any, column: str | None = None, **options: Any) -> Table:
    return read_table(source_of(stored(table, **options), "in.parquet"), column=column)


def written(folder: Path, content: bytes) -> Path:
    """The file that is made of what an serializer gave."""
    (folder / "rows").write_bytes(content)
    write_parquet(folder / "rows", folder / "out.parquet")
    return folder / "out.parquet"


def chunks_of(*parts: list[Row]) -> list[Chunk]:
    starts = [sum(map(len, parts[:number])) for number in range(len(parts))]
    return [chunk_of(rows, start) for rows, start in zip(parts, starts, strict=True)]


# ------------------------------------------------------------------- parquet from parquet

MOMENT = datetime(2024, 2, 29, 23, 59, 58, 123456)
NANOSECOND = 1_709_251_198_123_456_789
ns = pyarrow.timestamp("ns")
COLUMNS: dict[str, tuple[list[Any], Any]] = {
    "text": (["one", None, "\U0001f600\0"], pyarrow.string()),
    "large_string": (["a", None, ""], pyarrow.large_string()),
    "dictionary": (["a", None, "a"], pyarrow.dictionary(pyarrow.int32(), pyarrow.string())),
    "binary": ([b"\xff", None, b""], pyarrow.binary()),
    "null": ([None, None, None], pyarrow.null()),
    "bool": ([True, None, False], pyarrow.bool_()),
    "int8": ([-128, None, 127], pyarrow.int8()),
    "uint64": ([2**64 - 1, None, 0], pyarrow.uint64()),
    "float32": ([0.1, None, float("inf")], pyarrow.float32()),
    "decimal": ([Decimal("1.10"), None, Decimal("-9.99")], pyarrow.decimal128(3, 2)),
    "date": ([date(2024, 2, 29), None, date.min], pyarrow.date32()),
    "time": ([time(1, 2, 3, 4), None, time.max], pyarrow.time64("us")),
    "time_ns": ([1, None, 2], pyarrow.time64("ns")),
    "timestamp": ([MOMENT, None, datetime.max], pyarrow.timestamp("us")),
    "timestamp_tz": ([MOMENT.replace(tzinfo=UTC), None, None], pyarrow.timestamp("us", "UTC")),
    "timestamp_ns": ([NANOSECOND, None, 0], ns),
    "timestamp_ns_tz": ([NANOSECOND, None, 0], pyarrow.timestamp("ns", "Europe/Berlin")),
    "duration_ns": ([NANOSECOND, None, 0], pyarrow.duration("ns")),
    "list": ([["a", None], None, []], pyarrow.list_(pyarrow.string())),
    "structs": (
        [[{"a": 1, "at": [NANOSECOND]}], None, [None]],
        pyarrow.list_(pyarrow.struct({"a": pyarrow.int16(), "at": pyarrow.list_(ns)})),
    ),
    "map": ([[("a", 1)], None, []], pyarrow.map_(pyarrow.string(), pyarrow.int32())),
}
ALL_TYPES = pyarrow.table({name: pyarrow.array(*column) for name, column in COLUMNS.items()})


@pytest.mark.parametrize("row_group_size", [1, 2, 10])
def test_types_survive(tmp_path: Path, row_group_size: int) -> None:
    table = table_of(ALL_TYPES, row_group_size=row_group_size)
    assert (table.columns, table.text_column, table.n_rows) == ([*COLUMNS], "text", 3)
    made = written(tmp_path, serialized(serializer_for("parquet", table.columns), table.chunks))
    assert parquet.read_table(made).equals(ALL_TYPES)
    assert parquet.read_schema(made).equals(ALL_TYPES.schema)


def test_columns_are_added_and_the_index_of_pandas_is_kept(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"text": ["a", "b"], "n": [1, 2]}, index=["x", "y"])
    (chunk,) = table_of(pyarrow.Table.from_pandas(frame)).chunks
    made = written(tmp_path, ParquetSerializer([]).serialize(chunk, LABELS))
    labelled = frame.assign(label=["GOOD", None], score=[0.75, None])
    pandas.testing.assert_frame_equal(pandas.read_parquet(made), labelled)
    assert parquet.read_schema(made).types[-2:] == [pyarrow.string(), pyarrow.float64()]


@pytest.mark.parametrize("n_rows", [0, 3])
def test_tensors_survive(tmp_path: Path, n_rows: int) -> None:
    """And other types by which people extend those of Arrow."""
    kind = pyarrow.fixed_shape_tensor(pyarrow.float32(), (2, 2))
    values = pyarrow.array([[0.5] * 4] * 3, kind.storage_type)
    columns = {"text": ["a", "b", None], "x": pyarrow.ExtensionArray.from_storage(kind, values)}
    table = pyarrow.table(columns)[:n_rows]
    made = written(tmp_path, serialized(ParquetSerializer([]), table_of(table).chunks))
    assert parquet.read_table(made).equals(table)


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (pyarrow.string(), ["one", None, ""]),
        (pyarrow.large_string(), ["one", None, ""]),
        (pyarrow.string_view(), ["one", None, ""]),
        (pyarrow.dictionary(pyarrow.int8(), pyarrow.large_string()), ["one", None, ""]),
        (pyarrow.null(), [None, None, None]),
    ],
)
def test_columns_of_texts(kind: Any, texts: list[str | None]) -> None:
    table = pyarrow.table({"id": [1, 2, 3], "text": pyarrow.array(texts, kind)})
    assert texts_of(table_of(table)) == texts
    (chunk,) = table_of(table).chunks
    assert chunk.rows == [{"id": n, "text": text} for n, text in enumerate(texts, 1)]


@pytest.mark.parametrize("values", [[1], [b"one"], [["one"]], [MOMENT]])
def test_columns_of_something_else(values: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"in\.parquet: the column 'a' holds .*, expected strings"):
        table_of(pyarrow.table({"text": ["one"], "a": values}), "a")
    with pytest.raises(ValueError, match=r"in\.parquet has no column 'b'; there is: text, a"):
        table_of(pyarrow.table({"text": ["one"], "a": values}), "b")


def test_a_name_that_two_columns_share() -> None:
    table = pyarrow.Table.from_arrays([["one"], ["two"], ["x"]], ["a", "a", "text"])
    with pytest.raises(ValueError, match="the column 'a' is there more than once"):
        table_of(table)


def test_the_only_column_has_the_texts() -> None:
    assert texts_of(table_of(pyarrow.table({"review": ["one"]}))) == ["one"]


# ---------------------------------------------------------------------------------- chunks


@pytest.mark.parametrize("row_group_size", [100, 1000, 5000])
def test_chunks_are_those_of_the_rows(row_group_size: int) -> None:
    """Many rows, then long texts; whatever the row groups."""
    texts = ["x", None] * 1024 + ["é" * 50_000] * 7 + ["x" * 200_000]
    table = table_of(pyarrow.table({"text": texts}), row_group_size=row_group_size)
    chunks = list(table.chunks)
    assert [text for chunk in chunks for text in chunk.texts] == texts
    expected = split_into_chunks((text, {"text": text}) for text in texts)
    assert [chunk._replace(table=None) for chunk in chunks] == list(expected)
    assert all(chunk.table.to_pylist() == chunk.rows for chunk in chunks)


def test_times_that_python_does_not_have(tmp_path: Path) -> None:
    columns = {
        "text": ["x"],
        "day": pyarrow.array([10**7], pyarrow.date32()),
        "at": pyarrow.array([2**60], pyarrow.timestamp("ms")),
        "span": pyarrow.array([10**12], pyarrow.duration("ms")),
    }
    table = pyarrow.table(columns)
    made = written(tmp_path, serialized(ParquetSerializer([]), table_of(table).chunks))
    assert parquet.read_table(made).equals(table)


def test_dictionaries_have_what_their_chunk_has(tmp_path: Path) -> None:
    """Else each chunk would bring along the values of all."""
    names = [f"a name of some length, {n}" for n in range(5000)]
    kind = pyarrow.dictionary(pyarrow.int16(), pyarrow.string())
    table = pyarrow.table({"text": ["x"] * 5000, "name": pyarrow.array(names, kind)})
    content = serialized(ParquetSerializer([]), table_of(table).chunks)
    assert len(content) < 2 * sum(map(len, names))
    assert parquet.read_table(written(tmp_path, content)).equals(table)


def test_paths_of_any_bytes(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"n\xff")
    folder.mkdir()
    made = written(folder, ParquetSerializer([]).serialize(chunk_of([{"text": "one"}]), []))
    assert parquet.read_table(io.BytesIO(made.read_bytes())).to_pylist() == [{"text": "one"}]


def test_a_full_temporary_folder_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    content = stored(pyarrow.table({"text": ["one"]}))
    source = dataclasses.replace(source_of(content), size_bytes=None)
    with pytest.raises(OSError, match="No space left") as caught:
        read_table(source, "parquet")
    assert not isinstance(caught.value, ValueError)


def test_chunks_do_not_depend_on_dictionaries() -> None:
    """A reader of dictionaries begins a new batch with every row group."""
    kind = pyarrow.dictionary(pyarrow.int8(), pyarrow.string())
    texts = [[f"{group} {n % 5}" for n in range(700)] for group in range(4)]
    parts = [pyarrow.table({"text": pyarrow.array(part, kind)}) for part in texts]
    stream = io.BytesIO()
    with parquet.ParquetWriter(stream, parts[0].schema) as writer:
        for part in parts:
            writer.write_table(part)
    chunks = list(read_table(source_of(stream.getvalue(), "in.parquet")).chunks)
    assert [len(chunk.texts) for chunk in chunks] == [1024, 1024, 752]
    rows = [row for chunk in chunks for row in chunk.table.to_pylist()]
    assert [row["text"] for row in rows] == [text for part in texts for text in part]


def test_wide_rows_are_read_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    rows_of_batch = parquet_reading._rows_of

    def watched(batch: Any) -> list[Row]:
        sizes.append(batch.num_rows)
        return rows_of_batch(batch)

    monkeypatch.setattr(parquet_reading, "_rows_of", watched)
    wide = [os.urandom(500_000) for _ in range(80)]
    table = pyarrow.table({"text": ["x"] * 80, "page": wide})
    chunks = list(table_of(table).chunks)
    assert max(sizes) < 40
    assert sum(sizes) == 80
    assert [len(chunk.rows) for chunk in chunks] == [
        len(c.rows) for c in split_into_chunks(("x", {"text": "x", "page": page}) for page in wide)
    ]
    assert max(len(chunk.rows) for chunk in chunks) < 10
    assert [row["page"] for chunk in chunks for row in chunk.rows] == wide


class CountingFile(io.BytesIO):
    n_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self.n_bytes += len(content)
        return content


@pytest.mark.parametrize("row_group_size", [1000, 8000])
def test_rows_are_read_when_they_are_asked_for(row_group_size: int) -> None:
    texts = [os.urandom(500).hex() for _ in range(8000)]
    table_of_texts = pyarrow.table({"text": texts})
    content = stored(table_of_texts, row_group_size=row_group_size, use_dictionary=False)
    file = CountingFile(content)
    table = read_table(Source("in", file, content[:4], len(content), False, file), "parquet")
    assert file.n_bytes < len(content) / 4  # its table of contents
    first = next(table.chunks)
    assert file.n_bytes < len(content) / 2
    assert first.texts + texts_of(table) == texts
    assert file.n_bytes >= len(content)  # all of it went through here


def test_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[Row] = [{"text": "x" * 1000}] * 10
    content = serialized(ParquetSerializer([]), chunks_of(*([row] for row in rows)))

    def sizes() -> list[int]:
        file = parquet.ParquetFile(written(tmp_path, content))
        assert file.read().to_pylist() == rows
        groups = range(file.num_row_groups)
        return [file.metadata.row_group(group).num_rows for group in groups]

    assert sizes() == [10]
    monkeypatch.setattr(parquet_writing, "_GROUP_ROWS", 4)
    assert sizes() == [4, 4, 2]
    monkeypatch.setattr(parquet_writing, "_GROUP_ROWS", 5)
    assert sizes() == [5, 5]
    monkeypatch.setattr(parquet_writing, "_GROUP_BYTES", 2500)
    assert sizes() == [3, 3, 3, 1]


# ------------------------------------------------------------------- parquet from other formats


def test_rows_of_text_formats(tmp_path: Path) -> None:
    content = b'id,text\n1,one\n2,\n3,"a\nb"\n'
    table = read_table(source_of(content, "in.csv"))
    made = written(tmp_path, serialized(serializer_for("parquet", table.columns), table.chunks))
    frame = pandas.read_csv(io.BytesIO(content), dtype="str")  # where an empty cell is null
    pandas.testing.assert_frame_equal(pandas.read_parquet(made), frame)
    rows = [{"text": "one", "n": 5, "x": 0.5, "tags": ["a"], "by": {"id": 2**60}, "no": None}]
    content = json.dumps(rows[0]).encode()
    table = read_table(source_of(content, "in.jsonl"))
    made = written(tmp_path, serialized(serializer_for("parquet", table.columns), table.chunks))
    assert parquet.read_table(made).to_pylist() == rows
    assert parquet.read_schema(made).names == ["text", "n", "x", "tags", "by", "no"]


PROMOTED: list[tuple[list[Any], list[Any], str]] = [
    ([None], ["a"], "string"),
    ([1, None], [0.5], "double"),
    ([0.5], [1], "double"),
    ([[]], [["a"]], "list<element: string>"),
    ([[1]], [[0.5], None], "list<element: double>"),
    ([{"a": 1}], [{"b": "x"}], "struct<a: int64, b: string>"),
    ([{"a": None}], [{"a": [0.5]}], "struct<a: list<element: double>>"),
]


@pytest.mark.parametrize(("first", "then", "kind"), PROMOTED)
@pytest.mark.parametrize("is_resumed", [False, True])
def test_types_give_way(
    tmp_path: Path, first: list[Any], then: list[Any], kind: str, is_resumed: bool
) -> None:
    parts = chunks_of([{"a": value} for value in first], [{"a": value} for value in then])
    earlier = ParquetSerializer([])
    content = earlier.serialize(parts[0], [])
    (tmp_path / "earlier").write_bytes(content)
    encoding = ParquetSerializer([], tmp_path / "earlier") if is_resumed else earlier
    made = parquet.read_table(written(tmp_path, content + encoding.serialize(parts[1], [])))
    assert str(made.schema.field("a").type) == kind

    def without_nulls(value: Any) -> Any:
        return {key: item for key, item in value.items() if item} if type(value) is dict else value

    values = [without_nulls(value) for value in made["a"].to_pylist()]
    assert values == [without_nulls(value) for value in first + then]


@pytest.mark.parametrize("group_rows", [1, 3, 100])
def test_keys_that_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group_rows: int
) -> None:
    monkeypatch.setattr(parquet_writing, "_GROUP_ROWS", group_rows)
    parts = chunks_of([{"a": 1}, {"b": "x"}], [{"c": 0.5}], [{"b": "y"}])
    made = parquet.read_table(written(tmp_path, serialized(ParquetSerializer([]), parts)))
    nothing: Row = {"a": None, "b": None, "c": None}
    assert made.to_pylist() == [nothing | row for chunk in parts for row in chunk.rows]


MIXED: list[tuple[list[Any], list[Any], str]] = [
    ([], ["x", 1], "rows 0 to 1"),
    ([], [True, 1], "rows 0 to 1"),
    ([], [[1, "x"]], "rows 0 to 0"),
    ([], [2**70], "rows 0 to 0"),
    ([], ["\ud83d"], "rows 0 to 0"),  # half of a surrogate pair
    ([1, 2], ["x"], "rows 2 to 2"),
    (["x"], [1, 2], "rows 1 to 2"),
    ([1], [True], "rows 1 to 1"),
    ([{"a": 1}], [{"a": "x"}], "rows 1 to 1"),
    ([1], [[1]], "rows 1 to 1"),
    ([1], [{}], "rows 1 to 1"),
    ([], [{}], "rows 0 to 0"),  # which Arrow has, but not parquet
]


@pytest.mark.parametrize(("first", "then", "place"), MIXED)
@pytest.mark.parametrize("is_resumed", [False, True])
def test_values_without_a_common_type(
    tmp_path: Path, first: list[Any], then: list[Any], place: str, is_resumed: bool
) -> None:
    encoding = ParquetSerializer([])
    content = b""
    if first:
        content = encoding.serialize(chunk_of([{"a": value} for value in first]), [])
    if is_resumed:
        (tmp_path / "earlier").write_bytes(content)
        encoding = ParquetSerializer([], tmp_path / "earlier")
    chunk = chunk_of([{"a": value} for value in then], len(first))
    with pytest.raises(ValueError, match=rf"{place}.*one type per column.*a.*write --format jsonl"):
        encoding.serialize(chunk, [])


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63 - 1])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x, None], lambda x: {"b": [{"c": x}]}])
@pytest.mark.parametrize("is_resumed", [False, True])
@pytest.mark.parametrize("is_first", [False, True])
def test_integers_too_long_for_fractions(
    tmp_path: Path, number: int, wrap: Callable[[Any], Any], is_resumed: bool, is_first: bool
) -> None:
    """Refused in the chunk that has them, not at the end of the night."""
    rows: list[Row] = [{"a": wrap(number)}, {"a": wrap(0.5)}]
    first, then = chunks_of(*([row] for row in (rows if is_first else rows[::-1])))
    encoding = ParquetSerializer([])
    content = encoding.serialize(first, [])
    if is_resumed:
        (tmp_path / "earlier").write_bytes(content)
        encoding = ParquetSerializer([], tmp_path / "earlier")
    with pytest.raises(ValueError, match=r"rows 1 to 1.*'a': fractions, and.*--format jsonl"):
        encoding.serialize(then, [])


def test_integers_that_fractions_have_room_for(tmp_path: Path) -> None:
    rows: list[Row] = [{"a": 2**53, "b": 2**60 + 1, "c": 0.5}, {"a": 0.5, "b": -(2**60) - 1}]
    content = serialized(ParquetSerializer([]), chunks_of(*([row] for row in rows)))
    made = parquet.read_table(written(tmp_path, content))
    assert made.to_pylist() == [rows[0], rows[1] | {"c": None}]
    assert made.schema.types == [pyarrow.float64(), pyarrow.int64(), pyarrow.float64()]


def test_a_resumed_run_makes_the_same_file(tmp_path: Path) -> None:
    parts = chunks_of([{"text": "a", "n": None}], [{"text": None, "n": 1}], [{"text": "b"}])
    whole = written(tmp_path, serialized(ParquetSerializer([]), parts)).read_bytes()
    content = b""
    for part in parts:
        (tmp_path / "earlier").write_bytes(content)
        content += ParquetSerializer([], tmp_path / "earlier").serialize(part, [])
    assert written(tmp_path, content).read_bytes() == whole


# ------------------------------------------------------------------- other formats of parquet

AS_TEXT = {
    "text": "one",
    "date": "2024-02-29",
    "decimal": "1.10",
    "time": "01:02:03.000004",
    "timestamp": "2024-02-29 23:59:58.123456",
    "timestamp_tz": "2024-02-29 23:59:58.123456Z",
    "timestamp_ns": "2024-02-29 23:59:58.123456789",
    "timestamp_ns_tz": "2024-03-01 00:59:58.123456789+0100",
    "time_ns": "00:00:00.000000001",
    "structs": [{"a": 1, "at": ["2024-02-29 23:59:58.123456789"]}],
    "list": ["a", None],
    "dictionary": "a",
}
WITHOUT_PANDAS = """
import sys

class Missing:
    def find_spec(name, *_):
        if name == "pandas":
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Missing)
from npbert.tables.formats import serializer_for, read_table
from npbert.tables.source import open_source

with open_source(sys.argv[1]) as source:
    (chunk,) = read_table(source).chunks
assert "pandas" not in sys.modules
sys.stdout.buffer.write(serializer_for("jsonl", []).serialize(chunk, []))
"""


def test_times_are_the_same_with_and_without_pandas(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    of_lists = {
        "large": pyarrow.array([[NANOSECOND]], pyarrow.large_list(ns)),
        "fixed": pyarrow.array([[NANOSECOND]], pyarrow.list_(ns, 1)),
        "map": pyarrow.array([[("a", NANOSECOND)]], pyarrow.map_(pyarrow.string(), ns)),
    }
    table = ALL_TYPES.select([*AS_TEXT])[:1]
    for name, array in of_lists.items():
        table = table.append_column(name, array)
    parquet.write_table(table, path)
    with open_source(str(path)) as source:
        (chunk,) = read_table(source).chunks
    content = serializer_for("jsonl", []).serialize(chunk, [])
    moment = AS_TEXT["timestamp_ns"]
    lists = {"large": [moment], "fixed": [moment], "map": [["a", moment]]}
    assert json.loads(content) == AS_TEXT | lists
    command = [sys.executable, "-c", WITHOUT_PANDAS, str(path)]
    assert subprocess.run(command, check=True, capture_output=True).stdout == content


def test_parquet_becomes_csv() -> None:
    table = table_of(ALL_TYPES.select(["text", "timestamp_ns", "decimal", "list"]))
    content = serialized(serializer_for("csv", table.columns), table.chunks).decode()
    assert content == (
        "text,timestamp_ns,decimal,list\n"
        'one,2024-02-29 23:59:58.123456789,1.10,"[""a"", null]"\n'
        ",,,\n"
        "\U0001f600\0,1970-01-01 00:00:00.000000000,-9.99,[]\n"
    )


@pytest.mark.parametrize("kind", [pyarrow.binary(), pyarrow.duration("ns"), pyarrow.duration("s")])
def test_what_is_for_parquet_only(kind: Any) -> None:
    values = pyarrow.array([b"\xff"] if kind == pyarrow.binary() else [1], kind)
    table = table_of(pyarrow.table({"text": ["one"], "a": values}))
    with pytest.raises(ValueError, match=r"--format parquet"):
        serialized(serializer_for("jsonl", table.columns), table.chunks)


# --------------------------------------------------------------------------- tables without rows


@pytest.mark.parametrize("row_groups", [0, 1])
def test_a_table_without_rows_keeps_its_types(tmp_path: Path, row_groups: int) -> None:
    stream = io.BytesIO()
    with parquet.ParquetWriter(stream, ALL_TYPES.schema) as writer:
        for _ in range(row_groups):
            writer.write_table(ALL_TYPES[:0])
    table = read_table(source_of(stream.getvalue(), "in.parquet"))
    assert (table.columns, table.n_rows) == ([*COLUMNS], 0)
    added = [column._replace(values=[]) for column in LABELS]
    (chunk,) = table.chunks
    assert (chunk.start, chunk.texts, chunk.rows) == (0, [], [])
    content = ParquetSerializer([]).serialize(chunk, added)
    made = parquet.read_table(written(tmp_path, content))
    labels = {"label": pyarrow.string(), "score": pyarrow.float64()}
    assert made.schema.equals(pyarrow.schema([*ALL_TYPES.schema, *labels.items()]))
    assert made.num_rows == 0


EMPTY: list[tuple[str, bytes, list[str]]] = [
    ("csv", b"id,text\n", ["id", "text"]),
    ("jsonl", b"", ["text"]),
    ("lines", b"", ["text"]),
]


@pytest.mark.parametrize(("format", "content", "columns"), EMPTY)
def test_no_rows_of_a_text_format(
    tmp_path: Path, format: str, content: bytes, columns: list[str]
) -> None:
    table = read_table(source_of(content), format)
    added = [Column("label", str, []), Column("score", float, [])]
    encoding = serializer_for("parquet", [*table.columns, "label", "score"])
    content = b"".join([encoding.serialize(chunk, added) for chunk in table.chunks])
    made = parquet.read_table(written(tmp_path, content))
    assert made.num_rows == 0
    assert made.schema.names == [*columns, "label", "score"]
    assert made.schema.types == [pyarrow.string()] * (len(columns) + 1) + [pyarrow.float64()]


def test_no_rows_become_csv_and_json() -> None:
    for format, content in (("csv", b"text,n\n"), ("jsonl", b"")):
        table = table_of(pyarrow.table({"text": pyarrow.array([], "string"), "n": []}))
        assert serialized(serializer_for(format, table.columns), table.chunks) == content


def test_nothing_was_encoded(tmp_path: Path) -> None:
    assert parquet.read_table(written(tmp_path, b"")).shape == (0, 0)


# ----------------------------------------------------------------- where parquet is recognized


@pytest.mark.parametrize("name", ["in", "in.parquet", "in.pq", "in.parquet.gz"])
def test_parquet_is_recognized(tmp_path: Path, name: str) -> None:
    content = stored(pyarrow.table({"text": ["one"]}))
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with open_source(str(path)) as source:
        assert texts_of(read_table(source)) == ["one"]


@pytest.mark.parametrize("compression", [bytes, gzip.compress])
def test_parquet_from_a_pipe(tmp_path: Path, compression: Any) -> None:
    texts = [str(number) for number in range(50_000)]  # more than a pipe holds
    content = compression(stored(pyarrow.table({"text": texts})))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    with open_source(str(pipe)) as source:
        assert texts_of(read_table(source, live=True)) == texts
    writer.join()


def test_parquet_that_is_said_to_be_something_else() -> None:
    source = source_of(stored(pyarrow.table({"text": ["one"]})), "in.csv")
    message = r"in\.csv is a parquet file, not csv; give --input-format parquet"
    with pytest.raises(ValueError, match=message):
        read_table(source)


def test_writing_takes_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    hide("pyarrow", monkeypatch)
    message = r"^parquet is asked for, and that takes pyarrow: pip install 'npbert\[files\]'$"
    with pytest.raises(ModuleNotFoundError, match=message):
        finisher_for("parquet", "out.parquet")


def test_the_finisher() -> None:
    assert finisher_for("parquet", "out.parquet") is write_parquet


# ---------------------------------------------------------------------------------- damages

CONTENT = stored(pyarrow.table({"text": [f"row {number}" for number in range(300)]}))


def test_a_file_that_is_cut_off() -> None:
    for n_bytes in range(0, len(CONTENT), 10):
        with pytest.raises(ValueError, match=r"in\.pq is damaged or no parquet file"):
            read_table(source_of(CONTENT[:n_bytes], "in.pq"))


def test_a_file_with_other_content_between_its_ends() -> None:
    size = int.from_bytes(CONTENT[-8:-4], "little")  # of the table of contents, before its size
    end = len(CONTENT) - 8
    damaged = CONTENT[: end - size] + b"\xff" * size + CONTENT[end:]
    with pytest.raises(ValueError, match=r"in\.pq is damaged or no parquet file"):
        read_table(source_of(damaged, "in.pq"))
    damaged = CONTENT[:4] + b"\xff" * (end - size - 4) + CONTENT[end - size :]
    table = read_table(source_of(damaged, "in.pq"))
    with pytest.raises(ValueError, match=r"in\.pq, after row 0: cannot be read"):
        rows_of(table)


def test_a_byte_that_is_not_what_was_written(tmp_path: Path) -> None:
    """Checksums see it in the rows; headers and the table of contents have none."""
    rows: list[Row] = [{"text": f"row {n}", "n": n * 7919 % 1000} for n in range(300)]
    content = written(tmp_path, ParquetSerializer([]).serialize(chunk_of(rows), [])).read_bytes()
    n_other = 0
    places = range(4, len(content) - 8, 5)
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        with suppress(ValueError):
            n_other += rows_of(read_table(source_of(bytes(damaged), "in.pq"))) != rows
    assert n_other < len(places) / 100


@pytest.mark.parametrize(
    "array",
    [
        pyarrow.array([b"\xff"]).view(pyarrow.string()),  # no UTF-8
    ],
)
def test_values_that_python_does_not_have(array: Any) -> None:
    table = pyarrow.table({"text": ["x"] * 1500, "a": pyarrow.array([None] * 1500, array.type)})
    table = pyarrow.concat_tables([table, pyarrow.table({"text": ["x"], "a": array})])
    with pytest.raises(ValueError, match=r"in\.parquet, after row 1024: cannot be read"):
        rows_of(table_of(table))

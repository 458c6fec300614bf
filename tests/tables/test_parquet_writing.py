"""Writing parquet: types that survive, rows of other formats, tables without rows."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pytest
from pyarrow import parquet

from npbert.tables import parquet_writing
from npbert.tables.formats import read_table, serializer_for
from npbert.tables.parquet_writing import ParquetSerializer
from npbert.tables.rows import Column, Row
from tests.support.parquet import (
    ALL_TYPES,
    COLUMNS,
    chunks_of,
    table_of,
    write_file,
)
from tests.support.tables import LABELS, chunk_of, serialize_all, source_of

# -------------------------------------------------------------------- parquet from parquet


@pytest.mark.parametrize("row_group_size", [1, 2, 10])
def test_types_survive(tmp_path: Path, row_group_size: int) -> None:
    table = table_of(ALL_TYPES, row_group_size=row_group_size)
    assert (table.columns, table.text_column, table.n_rows) == ([*COLUMNS], "text", 3)
    made = write_file(
        tmp_path, serialize_all(serializer_for("parquet", table.columns), table.chunks)
    )
    assert parquet.read_table(made).equals(ALL_TYPES)
    assert parquet.read_schema(made).equals(ALL_TYPES.schema)


def test_columns_are_added_and_the_index_of_pandas_is_kept(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"text": ["a", "b"], "n": [1, 2]}, index=["x", "y"])
    (chunk,) = table_of(pyarrow.Table.from_pandas(frame)).chunks
    made = write_file(tmp_path, ParquetSerializer([]).serialize(chunk, LABELS))
    labelled = frame.assign(label=["GOOD", None], score=[0.75, None])
    pandas.testing.assert_frame_equal(pandas.read_parquet(made), labelled)
    assert parquet.read_schema(made).types[-2:] == [pyarrow.string(), pyarrow.float64()]


@pytest.mark.parametrize("n_rows", [0, 3])
def test_tensors_survive(tmp_path: Path, n_rows: int) -> None:
    """A tensor stands here for all types that extend the types of Arrow."""
    kind = pyarrow.fixed_shape_tensor(pyarrow.float32(), (2, 2))
    values = pyarrow.array([[0.5] * 4] * 3, kind.storage_type)
    columns = {"text": ["a", "b", None], "x": pyarrow.ExtensionArray.from_storage(kind, values)}
    table = pyarrow.table(columns)[:n_rows]
    made = write_file(tmp_path, serialize_all(ParquetSerializer([]), table_of(table).chunks))
    assert parquet.read_table(made).equals(table)


def test_times_that_python_does_not_have(tmp_path: Path) -> None:
    columns = {
        "text": ["x"],
        "day": pyarrow.array([10**7], pyarrow.date32()),
        "at": pyarrow.array([2**60], pyarrow.timestamp("ms")),
        "span": pyarrow.array([10**12], pyarrow.duration("ms")),
    }
    table = pyarrow.table(columns)
    made = write_file(tmp_path, serialize_all(ParquetSerializer([]), table_of(table).chunks))
    assert parquet.read_table(made).equals(table)


def test_dictionaries_have_what_their_chunk_has(tmp_path: Path) -> None:
    """Otherwise each chunk would be written with the values of all chunks."""
    names = [f"a name of some length, {n}" for n in range(5000)]
    kind = pyarrow.dictionary(pyarrow.int16(), pyarrow.string())
    table = pyarrow.table({"text": ["x"] * 5000, "name": pyarrow.array(names, kind)})
    content = serialize_all(ParquetSerializer([]), table_of(table).chunks)
    assert len(content) < 2 * sum(map(len, names))
    assert parquet.read_table(write_file(tmp_path, content)).equals(table)


def test_paths_of_any_bytes(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"n\xff")
    folder.mkdir()
    made = write_file(folder, ParquetSerializer([]).serialize(chunk_of([{"text": "one"}]), []))
    assert parquet.read_table(io.BytesIO(made.read_bytes())).to_pylist() == [{"text": "one"}]


def test_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[Row] = [{"text": "x" * 1000}] * 10
    content = serialize_all(ParquetSerializer([]), chunks_of(*([row] for row in rows)))

    def sizes() -> list[int]:
        file = parquet.ParquetFile(write_file(tmp_path, content))
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


# -------------------------------------------------------------- parquet from other formats


def test_rows_of_text_formats(tmp_path: Path) -> None:
    content = b'id,text\n1,one\n2,\n3,"a\nb"\n'
    table = read_table(source_of(content, "in.csv"))
    made = write_file(
        tmp_path, serialize_all(serializer_for("parquet", table.columns), table.chunks)
    )
    frame = pandas.read_csv(io.BytesIO(content), dtype="str")  # reads an empty cell as a null
    pandas.testing.assert_frame_equal(pandas.read_parquet(made), frame)
    rows = [{"text": "one", "n": 5, "x": 0.5, "tags": ["a"], "by": {"id": 2**60}, "no": None}]
    content = json.dumps(rows[0]).encode()
    table = read_table(source_of(content, "in.jsonl"))
    made = write_file(
        tmp_path, serialize_all(serializer_for("parquet", table.columns), table.chunks)
    )
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
    made = parquet.read_table(write_file(tmp_path, content + encoding.serialize(parts[1], [])))
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
    made = parquet.read_table(write_file(tmp_path, serialize_all(ParquetSerializer([]), parts)))
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
    ([], [{}], "rows 0 to 0"),  # Arrow has such a struct, but parquet does not
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
    """The chunk that has them is refused; at the end, the work of a night would be lost."""
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
    content = serialize_all(ParquetSerializer([]), chunks_of(*([row] for row in rows)))
    made = parquet.read_table(write_file(tmp_path, content))
    assert made.to_pylist() == [rows[0], rows[1] | {"c": None}]
    assert made.schema.types == [pyarrow.float64(), pyarrow.int64(), pyarrow.float64()]


def test_a_resumed_run_makes_the_same_file(tmp_path: Path) -> None:
    parts = chunks_of([{"text": "a", "n": None}], [{"text": None, "n": 1}], [{"text": "b"}])
    whole = write_file(tmp_path, serialize_all(ParquetSerializer([]), parts)).read_bytes()
    content = b""
    for part in parts:
        (tmp_path / "earlier").write_bytes(content)
        content += ParquetSerializer([], tmp_path / "earlier").serialize(part, [])
    assert write_file(tmp_path, content).read_bytes() == whole


# --------------------------------------------------------------------- tables without rows


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
    made = parquet.read_table(write_file(tmp_path, content))
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
    made = parquet.read_table(write_file(tmp_path, content))
    assert made.num_rows == 0
    assert made.schema.names == [*columns, "label", "score"]
    assert made.schema.types == [pyarrow.string()] * (len(columns) + 1) + [pyarrow.float64()]


def test_nothing_was_encoded(tmp_path: Path) -> None:
    assert parquet.read_table(write_file(tmp_path, b"")).shape == (0, 0)


@pytest.mark.parametrize("other", ["\x1b[2J\n" * 100_000, {"\x1b[31m": [1]}, 10**30])
def test_messages_about_types_are_short(other: Any) -> None:
    chunk = chunk_of([{"text": "one", "a": 5}, {"text": "two", "a": other}])
    with pytest.raises(ValueError, match=r"^rows 0 to 1 .*write --format jsonl$") as refused:
        ParquetSerializer([]).serialize(chunk, [])
    assert len(str(refused.value)) < 450
    assert str(refused.value).isprintable()

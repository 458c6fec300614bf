"""Categories come out of a parquet file as they went in: their values, order and unused values."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pytest
from pyarrow import parquet

from npbert.tables import parquet_writing
from npbert.tables.formats import read_table
from npbert.tables.parquet_writing import ParquetSerializer
from npbert.tables.rows import Chunk
from tests.support.parquet import write_file
from tests.support.tables import source_of

SIZES = ["small", "medium", "large"]
N_ROWS = 2600  # more than two chunks


def frame_of(n_rows: int = N_ROWS) -> pandas.DataFrame:
    """Return rows with a category of every kind."""
    numbers = list(range(n_rows))
    sizes = [(*SIZES, None)[(7 * number) % 4] for number in numbers][::-1]
    names = [f"name {n_rows - number}" for number in numbers]
    return pandas.DataFrame(
        {
            "text": ["x"] * n_rows,
            "ordered": pandas.Categorical(sizes, SIZES, ordered=True),
            "unused": pandas.Categorical(sizes, ["tiny", *SIZES[::-1], "huge"]),
            "integers": pandas.Categorical([n % 3 for n in numbers], [3, 2, 1, 0], ordered=True),
            "fractions": pandas.Categorical([n % 3 / 2 for n in numbers], [1.0, 0.5, 0.0]),
            "days": pandas.Categorical(
                pandas.to_datetime([f"2024-02-{29 - n % 5}" for n in numbers]), ordered=True
            ),
            "flags": pandas.Categorical([n % 2 == 0 for n in numbers], [True, False]),
            "all different": pandas.Categorical(names, sorted(names)),
            "all null": pandas.Categorical([None] * n_rows, ["never", "ever"], ordered=True),
            "plain": sizes,
        },
        index=[f"row {number}" for number in numbers],
    )


def written(content: bytes, folder: Path, resumed_at: int | None = None) -> Path:
    """Pass a parquet file through the rooms that read and write it, in one run or in two."""
    table = read_table(source_of(content, "in.parquet"))
    encoding, rows = ParquetSerializer(table.columns), b""
    for number, chunk in enumerate(table.chunks):
        if number == resumed_at:
            (folder / "earlier").write_bytes(rows)
            encoding = ParquetSerializer(table.columns, folder / "earlier")
        rows += encoding.serialize(chunk, [])
    return write_file(folder, rows)


def assert_equal(made: Path, content: bytes) -> None:
    """Both files have the same rows, types, categories and metadata."""
    expected = pandas.read_parquet(io.BytesIO(content))
    pandas.testing.assert_frame_equal(pandas.read_parquet(made), expected)
    schema = parquet.read_schema(io.BytesIO(content))
    assert parquet.read_schema(made).equals(schema, check_metadata=True)


@pytest.fixture(params=[1 << 16, 700])
def group_rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of rows of a row group of the output."""
    monkeypatch.setattr(parquet_writing, "_GROUP_ROWS", request.param)
    return int(request.param)


@pytest.mark.usefixtures("group_rows")
@pytest.mark.parametrize("large_bytes", [0, 1 << 20])
@pytest.mark.parametrize("row_group_size", [None, 1500, 400])
@pytest.mark.parametrize("resumed_at", [None, 1])
def test_categories(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    large_bytes: int,
    row_group_size: int | None,
    resumed_at: int | None,
) -> None:
    monkeypatch.setattr(parquet_writing, "_LARGE_DICTIONARY_BYTES", large_bytes)
    frame = frame_of()
    content = frame.to_parquet(row_group_size=row_group_size)
    made = written(content, tmp_path, resumed_at)
    assert_equal(made, content)
    sizes = pandas.read_parquet(made)["ordered"]
    assert (sizes.min(), sizes.max()) == ("small", "large")
    assert sizes.dropna().sort_values().iloc[0] == "small"
    assert list(sizes.cat.categories) == SIZES


def test_a_category_of_a_few_rows_of_many(tmp_path: Path) -> None:
    """A part of a larger table has the categories of the whole table."""
    content = frame_of().iloc[5:7].to_parquet()
    assert_equal(written(content, tmp_path), content)


def groups_of(tables: list[Any]) -> bytes:
    stream = io.BytesIO()
    with parquet.ParquetWriter(stream, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    return stream.getvalue()


def table_with(values: list[str], dictionary: list[str], kind: Any) -> Any:
    indices = pyarrow.array([dictionary.index(value) for value in values], kind)
    column = pyarrow.DictionaryArray.from_arrays(indices, dictionary, ordered=True)
    return pyarrow.table({"text": ["x"] * len(values), "c": column})


@pytest.mark.usefixtures("group_rows")
def test_row_groups_with_dictionaries_of_their_own(tmp_path: Path) -> None:
    """As pandas reads the input, the values of the first group come first."""
    tables = [
        table_with(["b", "a"], ["a", "b", "unused"], pyarrow.int8()),
        table_with(["c", "a"], ["c", "b", "a", "also unused"], pyarrow.int8()),
        table_with(["a"], ["a"], pyarrow.int8()),
    ]
    content = groups_of(tables)
    expected = pandas.read_parquet(io.BytesIO(content))
    made = pandas.read_parquet(written(content, tmp_path))
    pandas.testing.assert_frame_equal(made, expected)
    assert list(made["c"].cat.categories) == ["a", "b", "unused", "c", "also unused"]


def test_dictionaries_that_are_too_many_values_together(tmp_path: Path) -> None:
    """Each has room for its own values in 8 bits, and all of them together have not."""
    names = [[f"{part} {number}" for number in range(100)] for part in "ab"]
    content = groups_of([table_with(values, values, pyarrow.int8()) for values in names])
    made = parquet.read_table(written(content, tmp_path))
    assert made.equals(parquet.read_table(io.BytesIO(content)))
    assert made["c"].to_pylist() == names[0] + names[1]


def test_categories_within_other_values(tmp_path: Path) -> None:
    kind = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    table = pyarrow.table(
        {
            "text": ["x"] * 3,
            "lists": pyarrow.array([["b", "a"], None, ["a"]], pyarrow.list_(kind)),
            "structs": pyarrow.array([{"s": "b"}, {"s": "a"}, None], pyarrow.struct({"s": kind})),
        }
    )
    content = groups_of([table])
    made = parquet.read_table(written(content, tmp_path))
    assert made.equals(parquet.read_table(io.BytesIO(content)))


def test_a_large_dictionary_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with every chunk, and not with every row group."""
    monkeypatch.setattr(parquet_writing, "_GROUP_ROWS", 1000)
    monkeypatch.setattr(parquet_writing, "_LARGE_DICTIONARY_BYTES", 1000)
    names = [f"a name of some length, {number}" for number in range(8000)]
    frame = pandas.DataFrame({"text": ["x"] * 8000, "name": pandas.Categorical(names[::-1], names)})
    table = read_table(source_of(frame.to_parquet(), "in.parquet"))
    serializer = ParquetSerializer(table.columns)

    def parts(chunks: Iterator[Chunk]) -> Iterator[int]:
        yield from (len(serializer.serialize(chunk, [])) for chunk in chunks)

    first, *rest = parts(table.chunks)
    assert first > sum(map(len, names)) > 4 * max(rest)
    made = written(frame.to_parquet(), tmp_path)
    pandas.testing.assert_frame_equal(pandas.read_parquet(made), frame)
    metadata = parquet.read_metadata(made)
    sizes = [
        metadata.row_group(number).column(1).total_uncompressed_size
        for number in range(metadata.num_row_groups)
    ]
    assert sizes[0] > 4 * max(sizes[1:])

"""Reading parquet: columns of texts, chunks, values for other formats, damaged files."""

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
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from npbert.tables import parquet as parquet_reading
from npbert.tables.formats import read_table, serializer_for
from npbert.tables.parquet_writing import ParquetSerializer
from npbert.tables.rows import Row, split_into_chunks
from npbert.tables.source import Source, open_source
from tests.support.parquet import (
    ALL_TYPES,
    MOMENT,
    NANOSECOND,
    ns,
    parquet_bytes,
    table_of,
    write_file,
)
from tests.support.platforms import needs_fifos
from tests.support.tables import chunk_of, rows_of, serialize_all, source_of, texts_of

# ------------------------------------------------------------------------ columns of texts


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (pyarrow.string(), ["one", None, ""]),
        (pyarrow.large_string(), ["one", None, ""]),
        (pyarrow.string_view(), ["one", None, ""]),
        (pyarrow.dictionary(pyarrow.int8(), pyarrow.string()), ["one", None, ""]),
        (pyarrow.null(), [None, None, None]),
    ],
)
def test_columns_of_texts(kind: Any, texts: list[str | None]) -> None:
    table = pyarrow.table({"id": [1, 2, 3], "text": pyarrow.array(texts, kind)})
    assert texts_of(table_of(table)) == texts
    (chunk,) = table_of(table).chunks
    assert chunk.rows == [{"id": n, "text": text} for n, text in enumerate(texts, 1)]


@pytest.mark.parametrize("values", [[1], [True], [["one"]], [MOMENT]])
def test_columns_of_something_else(values: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"in\.parquet: the column 'a' holds .*, expected strings"):
        table_of(pyarrow.table({"text": ["one"], "a": values}), "a")
    with pytest.raises(ValueError, match=r"in\.parquet has no column 'b'; there is: 'text', 'a'"):
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
    """The table has many rows and then long texts; the size of its row groups changes nothing."""
    texts = ["x", None] * 1024 + ["é" * 50_000] * 7 + ["x" * 200_000]
    table = table_of(pyarrow.table({"text": texts}), row_group_size=row_group_size)
    chunks = list(table.chunks)
    assert [text for chunk in chunks for text in chunk.texts] == texts
    expected = split_into_chunks((text, Row(text=text)) for text in texts)
    assert [chunk._replace(table=None) for chunk in chunks] == list(expected)
    assert all(chunk.table.to_pylist() == chunk.rows for chunk in chunks)


def test_a_full_temporary_folder_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    content = parquet_bytes(pyarrow.table({"text": ["one"]}))
    source = dataclasses.replace(source_of(content), size_bytes=None)
    with pytest.raises(OSError, match="No space left") as caught:
        read_table(source, "parquet")
    assert not isinstance(caught.value, ValueError)


def test_chunks_do_not_depend_on_dictionaries() -> None:
    """pyarrow begins a new batch with every row group if a column has a dictionary."""
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
        len(c.rows) for c in split_into_chunks(("x", Row(text="x", page=page)) for page in wide)
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
    content = parquet_bytes(table_of_texts, row_group_size=row_group_size, use_dictionary=False)
    file = CountingFile(content)
    table = read_table(Source("in", file, content[:4], len(content), False, file), "parquet")
    assert file.n_bytes < len(content) / 4  # only the table of contents has been read
    first = next(table.chunks)
    assert file.n_bytes < len(content) * 0.6  # of a large row group, the first page is read twice
    assert first.texts + texts_of(table) == texts
    assert file.n_bytes >= len(content)  # the whole file was read


# ---------------------------------------------------------------- other formats of parquet

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
    content = serialize_all(serializer_for("csv", table.columns), table.chunks).decode()
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
        serialize_all(serializer_for("jsonl", table.columns), table.chunks)


# --------------------------------------------------------------------- tables without rows


def test_no_rows_become_csv_and_json() -> None:
    for format, content in (("csv", b"text,n\n"), ("jsonl", b"")):
        table = table_of(pyarrow.table({"text": pyarrow.array([], "string"), "n": []}))
        assert serialize_all(serializer_for(format, table.columns), table.chunks) == content


# ------------------------------------------------------------- where parquet is recognized


@pytest.mark.parametrize("name", ["in", "in.parquet", "in.pq", "in.parquet.gz"])
def test_parquet_is_recognized(tmp_path: Path, name: str) -> None:
    content = parquet_bytes(pyarrow.table({"text": ["one"]}))
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with open_source(str(path)) as source:
        assert texts_of(read_table(source)) == ["one"]


@needs_fifos
@pytest.mark.parametrize("compression", [bytes, gzip.compress])
def test_parquet_from_a_pipe(tmp_path: Path, compression: Any) -> None:
    texts = [str(number) for number in range(50_000)]  # more than a pipe holds
    content = compression(parquet_bytes(pyarrow.table({"text": texts})))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    with open_source(str(pipe)) as source:
        assert texts_of(read_table(source, live=True)) == texts
    writer.join()


# --------------------------------------------------------------------------------- damages

CONTENT = parquet_bytes(pyarrow.table({"text": [f"row {number}" for number in range(300)]}))


def test_a_file_that_is_cut_off() -> None:
    for n_bytes in range(0, len(CONTENT), 10):
        with pytest.raises(ValueError, match=r"in\.pq is damaged or no parquet file"):
            read_table(source_of(CONTENT[:n_bytes], "in.pq"))


def test_a_file_with_other_content_between_its_ends() -> None:
    size = int.from_bytes(CONTENT[-8:-4], "little")  # of the table of contents
    end = len(CONTENT) - 8
    damaged = CONTENT[: end - size] + b"\xff" * size + CONTENT[end:]
    with pytest.raises(ValueError, match=r"in\.pq is damaged or no parquet file"):
        read_table(source_of(damaged, "in.pq"))
    damaged = CONTENT[:4] + b"\xff" * (end - size - 4) + CONTENT[end - size :]
    table = read_table(source_of(damaged, "in.pq"))
    with pytest.raises(ValueError, match=r"in\.pq, after row 0: cannot be read"):
        rows_of(table)


def test_a_byte_that_is_not_what_was_written(tmp_path: Path) -> None:
    """Checksums protect the rows, but not the headers and the table of contents."""
    rows: list[Row] = [{"text": f"row {n}", "n": n * 7919 % 1000} for n in range(300)]
    content = write_file(tmp_path, ParquetSerializer([]).serialize(chunk_of(rows), [])).read_bytes()
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
        pyarrow.array([b"\xff"]).view(pyarrow.string()),  # not UTF-8
    ],
)
def test_values_that_python_does_not_have(array: Any) -> None:
    table = pyarrow.table({"text": ["x"] * 1500, "a": pyarrow.array([None] * 1500, array.type)})
    table = pyarrow.concat_tables([table, pyarrow.table({"text": ["x"], "a": array})])
    with pytest.raises(ValueError, match=r"in\.parquet, after row 1024: cannot be read"):
        rows_of(table_of(table))

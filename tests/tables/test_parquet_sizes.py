"""Parquet files of a few KB that hold terabytes of text end with an error before any is read."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from npbert.tables.formats import read_table
from npbert.tables.parquet_sizes import RepeatedTexts, Unpacked
from tests.support.command_line import run_npbert
from tests.support.parquet import parquet_bytes, table_of
from tests.support.paths import CHECKOUT
from tests.support.tables import source_of, texts_of

MEGABYTE = "x" * (1 << 20)


def repeated(text: str, n_times: int) -> Any:
    indices = pyarrow.array([0] * n_times, pyarrow.int32())
    return pyarrow.DictionaryArray.from_arrays(indices, pyarrow.array([text]))


@pytest.mark.parametrize("options", [{}, {"store_schema": False}, {"row_group_size": 10_000}])
@pytest.mark.parametrize("column", ["text", "note"])
def test_one_text_many_times(options: dict[str, Any], column: str) -> None:
    columns = {"text": repeated("good", 50_000), column: repeated(MEGABYTE, 50_000)}
    table = table_of(pyarrow.table(columns), "text", compression="zstd", **options)
    most = f"{1 << 30:,}"
    message = rf"its rows take [\d,]+ bytes, expected at most {most} for a file of this size;"
    tracemalloc.start()
    with pytest.raises(ValueError, match=message):
        next(iter(table.chunks))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 << 20
    assert pyarrow.default_memory_pool().max_memory() < 1 << 30


def test_some_long_texts_many_times_are_read_a_few_at_a_time() -> None:
    table = table_of(pyarrow.table({"text": repeated(MEGABYTE, 100)}), compression="zstd")
    chunk = next(iter(table.chunks))
    assert chunk.texts == [MEGABYTE]  # a chunk ends with the row that brings it to its size
    assert chunk.table.num_rows == 1
    assert len(texts_of(table)) == 99


def sizes_of(table: Any, **options: Any) -> Unpacked:
    content = parquet_bytes(table, **options)
    texts = RepeatedTexts(io.BytesIO(content), parquet.ParquetFile(io.BytesIO(content)))
    return texts.unpacked(0, 1000)


@pytest.mark.parametrize("kind", [pyarrow.string(), pyarrow.large_string(), pyarrow.binary()])
def test_the_bytes_of_texts(kind: Any) -> None:
    texts = pyarrow.array(["é", None, "abc", "é"] * 1000, pyarrow.string()).cast(kind)
    table = pyarrow.table({"text": texts, "number": range(4000)})
    assert sizes_of(table) == Unpacked(3, 7000)
    assert sizes_of(table, use_dictionary=False) == Unpacked()  # they take what the file has
    delta = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}}
    assert 0 < sizes_of(table, **delta).largest < 1000  # it cannot be counted


def test_no_texts_and_no_rows() -> None:
    assert sizes_of(pyarrow.table({"number": [1]})) == Unpacked()
    assert sizes_of(pyarrow.table({"text": pyarrow.array([None], pyarrow.string())})) == Unpacked()


def test_texts_within_structs() -> None:
    texts = pyarrow.StructArray.from_arrays([repeated("abc" * 100, 4000)], names=["inner"])
    assert 0 < sizes_of(pyarrow.table({"text": texts})).largest < 100


def test_rows_that_only_unpacking_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each text is the beginning of the text before it: a few bits for each megabyte."""
    monkeypatch.setattr("npbert.tables.parquet_sizes._MOST_BYTES", 50 << 20)
    monkeypatch.setattr("npbert.tables.parquet_sizes._MOST_TIMES", 1)
    delta: dict[str, Any] = {"use_dictionary": False}
    delta["column_encoding"] = {"text": "DELTA_BYTE_ARRAY"}
    table = table_of(pyarrow.table({"text": [MEGABYTE] * 80}), compression="zstd", **delta)
    with pytest.raises(
        ValueError, match=r"its rows take [\d,]+ bytes, expected at most 52,428,800"
    ):
        texts_of(table)


def test_categories_that_all_batches_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyarrow counts the bytes of a dictionary in each batch that has it."""
    monkeypatch.setattr("npbert.tables.parquet_sizes._MOST_BYTES", 1 << 20)
    monkeypatch.setattr("npbert.tables.parquet_sizes._MOST_TIMES", 1)
    words = pyarrow.array([f"{number:0100}" for number in range(2_000)])
    indices = pyarrow.array([number % 2_000 for number in range(8_000)], pyarrow.int32())
    kinds = pyarrow.DictionaryArray.from_arrays(indices, words)
    assert len(texts_of(table_of(pyarrow.table({"text": ["a"] * 8_000, "kind": kinds})))) == 8_000


def test_a_row_group_without_the_rows_that_it_promises() -> None:
    """pyarrow gives no row of a group in which one of the columns has none."""
    content = parquet_bytes(pyarrow.table({"text": ["good", "bad"], "number": [1, 2]}))
    metadata = parquet.read_metadata(io.BytesIO(content))
    place = metadata.row_group(0).column(1).dictionary_page_offset
    messages = {_refusal(content[:n] + b"\0" + content[n + 1 :]) for n in range(place, place + 60)}
    assert "in.parquet is damaged: its row group 0 should have 2 rows more" in messages


def _refusal(content: bytes) -> str:
    try:
        texts_of(read_table(source_of(content, "in.parquet")))
    except ValueError as error:
        return str(error)
    return ""


def test_a_damaged_description_of_a_column_does_not_end_the_process() -> None:
    """Found by scripts/fuzz: pyarrow 26 aborts if it is asked for this description."""
    packed = CHECKOUT / "tests" / "data" / "damaged_histogram.parquet.xz"
    options = ["--input", str(packed), "--format", "jsonl"]
    done = run_npbert("classify", "--model", "mini", *options)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"after row 0: cannot be read: " in done.stderr
    assert done.stderr.count(b"\n") == 1

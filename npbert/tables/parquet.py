"""Parquet is read with pyarrow: a file becomes rows, and tables that keep the file's types."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from npbert.messages import excerpt, shown, with_noun
from npbert.tables.compression import import_optional
from npbert.tables.int96 import unit_of_times
from npbert.tables.nested import place_of
from npbert.tables.parquet_sizes import RepeatedTexts, bytes_of
from npbert.tables.parquet_texts import choose_texts, text_of
from npbert.tables.rows import (
    CHUNK_ROWS,
    ArrowTable,
    Chunk,
    Record,
    Row,
    Table,
    split_into_chunks,
)
from npbert.tables.source import Source

_READ_BYTES: Final = 1 << 20
_NO_TYPE: Final = "None"  # of a column whose values are only numbers or bytes
_BATCH_BYTES: Final = 16 << 20  # the approximate size of the rows that are read at a time

# pyarrow comes without types, so these names only tell the reader what a value is.
ArrowField = Any  # pyarrow.Field
ArrowType = Any  # pyarrow.DataType
ParquetFile = Any  # pyarrow.parquet.ParquetFile
ParquetColumn = Any  # pyarrow.parquet.ColumnSchema
ParquetMetadata = Any  # pyarrow.parquet.FileMetaData


def read_table(source: Source, column: str | None) -> Table:
    """Read a parquet file, a few rows at a time.

    Parameters
    ----------
    source : Source
    column : str, optional
        The column of texts, or the names that lead to it, joined by dots. By default it is
        "text", or the only column of the file.

    Raises
    ------
    ModuleNotFoundError
        If pyarrow is not installed.
    ValueError
        If the source is not a parquet file, or does not have the column, or if the column does
        not hold strings. Some damage is only found while the chunks are read.
    """
    parquet = import_optional("pyarrow.parquet", f"{source.name} is a parquet file")
    content = _make_seekable(source)
    try:
        metadata = parquet.read_metadata(content)
        unit = unit_of_times(content, metadata)
        # With a buffer of a fixed size, a row group is not read as a whole.
        file = parquet.ParquetFile(
            content,
            metadata=metadata,
            coerce_int96_timestamp_unit=unit,
            buffer_size=_READ_BYTES,
            pre_buffer=False,
            page_checksum_verification=True,  # where the file has checksums
        )
        texts = RepeatedTexts(content, file)
    except _damage() as error:
        raise ValueError(
            f"{source.name} is damaged or no parquet file: {excerpt(error)}"
        ) from error
    except ValueError as error:
        raise ValueError(f"{source.name}: {error}") from error
    schema = file.schema_arrow
    column = choose_texts(schema, source.name, column)
    _warn_of_types(file, source.name)
    chunks = _read_chunks(file, texts, source.name, column)
    return Table("parquet", schema.names, column, chunks, file.metadata.num_rows)


def _make_seekable(source: Source) -> BinaryIO:
    """Return a file with the content of the source whose position can be set.

    The content of a pipe or of a compressed file is copied into a temporary file.
    """
    if not source.is_pipe and not source.is_compressed:
        return source.stream
    # The system removes this file when nothing refers to it any more.
    copy: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115
    shutil.copyfileobj(source.stream, copy)
    return copy


def _warn_of_types(file: ParquetFile, name: str) -> None:
    """Warn of columns whose type in parquet is unknown to pyarrow, which keeps only their bytes."""
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.ParquetWriter(stream, file.schema_arrow).close()
    written = parquet.ParquetFile(stream).schema
    for number in range(len(file.schema)):
        column = file.schema.column(number)
        before, after = _type_in_parquet(column), _type_in_parquet(written.column(number))
        if before not in (after, _NO_TYPE):
            warnings.warn(
                f"{name}: pyarrow does not know the parquet type {before} of the column "
                f"{shown(column.path)}, and writes the same values with the type {after}; where "
                "that is not enough, store the column as strings first",
                stacklevel=2,
            )


def _type_in_parquet(column: ParquetColumn) -> str:
    """Return the type that tells what the numbers or the bytes of a column mean."""
    found = json.loads(column.logical_type.to_json())
    if found["Type"] == "Int":  # integers keep their width and their sign in Arrow's type
        return _NO_TYPE
    return f"{found['Type']} in UTC" if found.get("isAdjustedToUTC") else str(found["Type"])


def _read_chunks(
    file: ParquetFile, texts: RepeatedTexts, name: str, column: str
) -> Iterator[Chunk]:
    import pyarrow

    batches: list[ArrowTable] = []  # the batches that have been read and are not in a chunk yet
    numbers = itertools.count()

    def records() -> Iterator[Record]:
        for batch in _read_batches(file, texts, name):
            batches.append(batch)
            for row in _rows_of(batch):
                where = f"{name}, row {next(numbers)} (counted from 0)"
                text = None
                place = place_of(row, column)
                if place is not None:
                    cells, key = place
                    cells[key] = text = text_of(cells[key], f"{where}: {shown(column)}")
                yield text, row

    n_rows = 0
    try:
        for chunk in split_into_chunks(records()):
            table = pyarrow.Table.from_batches(batches, file.schema_arrow)
            n_rows += len(chunk.rows)
            batches[:] = table.slice(len(chunk.rows)).to_batches()
            yield chunk._replace(table=table.slice(0, len(chunk.rows)))
    except _damage() as error:
        raise ValueError(f"{name}, after row {n_rows}: cannot be read: {excerpt(error)}") from error


def _read_batches(file: ParquetFile, texts: RepeatedTexts, name: str) -> Iterator[ArrowTable]:
    """Yield the rows of a file, some at a time.

    Each row group is read by itself, because pyarrow cannot join the dictionaries of two groups
    where they are within lists or structs.
    """
    n_rows, n_bytes = _n_rows_per_batch(file.metadata), 0
    for number in range(file.num_row_groups):
        n_missing = file.metadata.row_group(number).num_rows
        unpacked = texts.unpacked(number, n_rows)
        _check_size(n_bytes + unpacked.total, texts, name)
        n_at_a_time = min(n_rows, max(1, _BATCH_BYTES // max(unpacked.largest, 1)))
        for batch in file.iter_batches(batch_size=n_at_a_time, row_groups=[number]):
            n_missing -= batch.num_rows
            n_bytes += bytes_of(batch)
            _check_size(n_bytes, texts, name)
            yield batch
        if n_missing:  # pyarrow reads a group as empty if one of its columns is
            raise ValueError(
                f"{name} is damaged: its row group {number} should have "
                f"{with_noun(n_missing, 'row')} more"
            )


def _check_size(n_bytes: int, texts: RepeatedTexts, name: str) -> None:
    if n_bytes > texts.most_bytes:
        raise ValueError(
            f"{name}: its rows take {n_bytes:,} bytes, expected at most {texts.most_bytes:,} for a "
            "file of this size; if the same long text is there many times, label it once, and join "
            "the labels to the rows"
        )


def _n_rows_per_batch(metadata: ParquetMetadata) -> int:
    """Return how many rows to read at a time: the wider the rows, the fewer."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    row_bytes = [group.total_byte_size / group.num_rows for group in groups if group.num_rows]
    return min(max(int(_BATCH_BYTES / max([1, *row_bytes])), 1), CHUNK_ROWS)


def _damage() -> tuple[type[Exception], ...]:
    """Return the exceptions of pyarrow for files that are damaged or that Python cannot hold."""
    import pyarrow

    return (pyarrow.ArrowException, OSError, UnicodeDecodeError, OverflowError)


def _rows_of(batch: ArrowTable) -> list[Row]:
    """Return the rows of a batch as Python's own values.

    Days and times become strings, because Python's own types cannot hold all of them.
    """
    import pyarrow

    schema = pyarrow.schema([_with_times_as_text(field) for field in batch.schema])
    rows: list[Row] = batch.cast(schema, safe=False).to_pylist()
    return rows


def _with_times_as_text(field: ArrowField) -> ArrowField:
    """Return a field with strings for days and times at any depth, and durations in μs."""
    import pyarrow
    from pyarrow import types

    kind = field.type
    if types.is_duration(kind):
        kind = pyarrow.duration("us")
    elif types.is_temporal(kind):
        kind = pyarrow.string()
    elif types.is_struct(kind):
        kind = pyarrow.struct([_with_times_as_text(part) for part in kind])
    elif types.is_map(kind):
        key, item = _with_times_as_text(kind.key_field), _with_times_as_text(kind.item_field)
        kind = pyarrow.map_(key, item)
    elif types.is_list(kind):
        kind = pyarrow.list_(_with_times_as_text(kind.value_field))
    elif types.is_large_list(kind):
        kind = pyarrow.large_list(_with_times_as_text(kind.value_field))
    elif types.is_fixed_size_list(kind):
        kind = pyarrow.list_(_with_times_as_text(kind.value_field), kind.list_size)
    return field.with_type(kind)

"""Times of 96 bits, as Hive, Impala and older Spark write them in parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from npbert.tables.rows import ArrowTable
from npbert.tables.spark_schema import is_of_spark

# pyarrow comes without types, so these names only tell the reader what a value is.
ArrowArray = Any  # pyarrow.Array
ParquetMetadata = Any  # pyarrow.parquet.FileMetaData


def unit_of_times(content: BinaryIO, metadata: ParquetMetadata) -> str | None:
    """Return the unit in which pyarrow must read the times of 96 bits, so that none changes.

    pyarrow reads them in nanoseconds, in which 64 bits hold the years 1677 to 2262. Other years,
    such as the year 9999 that stands for "never", become times that nobody wrote, without an error.

    Parameters
    ----------
    content : binary file
        The parquet file. Its columns of such times are read once.
    metadata : pyarrow.parquet.FileMetaData

    Returns
    -------
    str or None
        "us" for a file of Spark, which counts in microseconds, and for a file with other years.
        Otherwise None, which leaves the times in nanoseconds.

    Raises
    ------
    ValueError
        If the file has other years, and also times that microseconds cannot hold.
    """
    schema = metadata.schema
    columns = [schema.column(number) for number in range(len(schema))]
    paths = [column.path for column in columns if column.physical_type == "INT96"]
    if not paths:
        return None
    if is_of_spark(metadata.metadata):
        return "us"
    from pyarrow import parquet

    files = (
        parquet.ParquetFile(content, metadata=metadata, coerce_int96_timestamp_unit=unit)
        for unit in ("ns", "us")
    )
    is_beyond = is_finer = False
    for batches in zip(*(file.iter_batches(columns=paths) for file in files), strict=True):
        for in_ns, in_us in zip(*map(_times_in, batches), strict=True):
            in_us = in_us.to_numpy(zero_copy_only=False).astype("int64")
            in_ns = in_ns.to_numpy(zero_copy_only=False).astype("int64")
            is_held = in_ns // 1000 == in_us
            is_beyond |= not is_held.all()
            is_finer |= bool((in_ns[is_held] % 1000).any())
    if is_beyond and is_finer:
        raise ValueError(
            "the columns of 96-bit times have years outside of 1677 to 2262, and also times with "
            "nanoseconds, which no one type holds; store them as strings, or in two files"
        )
    return "us" if is_beyond else None


def _times_in(batch: ArrowTable) -> Iterator[ArrowArray]:
    """Yield the arrays of times in the columns of a batch, at any depth, without their nulls."""
    from pyarrow import types

    arrays = list(batch.columns)
    while arrays:
        array = arrays.pop()
        if types.is_timestamp(array.type):
            yield array.drop_null()
        elif types.is_map(array.type):
            arrays += [array.keys, array.items]
        elif types.is_struct(array.type):
            arrays += array.flatten()
        else:
            arrays.append(array.flatten())

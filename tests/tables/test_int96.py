"""Times of 96 bits come out as they went in, also in years that nanoseconds cannot hold."""

from __future__ import annotations

import datetime
import io
from typing import Any

import pyarrow
import pyarrow.parquet as pq
import pytest

from npbert.tables.int96 import unit_of_times

NEVER = datetime.datetime(9999, 12, 31, 23, 59, 59)
OLD = datetime.datetime(1, 1, 1)
TODAY = datetime.datetime(2026, 11, 27, 12, 0, 0, 123456)
SPARK = {b"org.apache.spark.sql.parquet.row.metadata": b'{"type":"struct","fields":[]}'}


def unit_of(*values: Any, shape: str = "flat", metadata: dict[bytes, bytes] | None = None) -> Any:
    """Return the unit for a file with these times, which are the same in this unit."""
    array = pyarrow.array(values, pyarrow.timestamp("us"))
    if shape == "struct":
        array = pyarrow.StructArray.from_arrays([array], ["inner"])
    elif shape == "list":
        array = pyarrow.array([[value] for value in values], pyarrow.list_(array.type))
    elif shape == "map":
        kind = pyarrow.map_(pyarrow.string(), array.type)
        array = pyarrow.array([[("key", value)] for value in values], kind)
    stream = io.BytesIO()
    table = pyarrow.table({"text": ["x"] * len(array), "time": array})
    table = table.replace_schema_metadata(metadata)
    pq.write_table(table, stream, use_deprecated_int96_timestamps=True, row_group_size=2)
    found = unit_of_times(stream, pq.read_metadata(stream))
    read = pq.ParquetFile(stream, coerce_int96_timestamp_unit=found).read()
    assert read.column("time").cast(array.type).to_pylist() == array.to_pylist()
    return found


def test_years_that_nanoseconds_hold() -> None:
    assert unit_of(TODAY, None, TODAY) is None


@pytest.mark.parametrize("shape", ["flat", "struct", "list", "map"])
@pytest.mark.parametrize("other", [NEVER, OLD])
def test_other_years(shape: str, other: datetime.datetime) -> None:
    assert unit_of(TODAY, None, TODAY, other, shape=shape) == "us"


def test_files_of_spark() -> None:
    assert unit_of(TODAY, metadata=SPARK) == "us"


def test_files_without_such_times() -> None:
    stream = io.BytesIO()
    pq.write_table(pyarrow.table({"time": pyarrow.array([NEVER])}), stream)
    assert unit_of_times(stream, pq.read_metadata(stream)) is None


def test_what_no_unit_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyarrow cannot write such a file, so the reading in nanoseconds gets a finer time."""
    array = pyarrow.array([TODAY, NEVER], pyarrow.timestamp("us"))
    stream = io.BytesIO()
    table = pyarrow.table({"time": array})
    pq.write_table(table, stream, use_deprecated_int96_timestamps=True)
    us = pyarrow.array([TODAY]).cast(pyarrow.int64())[0].as_py()
    in_ns = pyarrow.array([us * 1000 + 1, 2], pyarrow.timestamp("ns"))
    fine = pyarrow.record_batch({"time": in_ns})
    read = pq.ParquetFile.iter_batches

    def finer(file: Any, **options: Any) -> Any:
        batches = list(read(file, **options))
        return [fine] if batches[0].schema.field("time").type.unit == "ns" else batches

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", finer)
    with pytest.raises(ValueError, match="also times with nanoseconds, which no one type holds"):
        unit_of_times(stream, pq.read_metadata(stream))

"""Parquet files in memory, and a table with a column of every type."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from npbert.tables.formats import read_table
from npbert.tables.parquet_writing import write_parquet
from npbert.tables.rows import Chunk, Row, Table
from tests.support.tables import chunk_of, source_of


def parquet_bytes(table: Any, **options: Any) -> bytes:
    """Return the bytes of a parquet file that pyarrow writes."""
    stream = io.BytesIO()
    parquet.write_table(table, stream, **options)
    return stream.getvalue()


def table_of(table: Any, column: str | None = None, **options: Any) -> Table:
    return read_table(source_of(parquet_bytes(table, **options), "in.parquet"), column=column)


def write_file(folder: Path, content: bytes) -> Path:
    """Make the parquet file from the bytes that a serializer returned."""
    (folder / "rows").write_bytes(content)
    write_parquet(folder / "rows", folder / "out.parquet")
    return folder / "out.parquet"


def chunks_of(*parts: list[Row]) -> list[Chunk]:
    starts = [sum(map(len, parts[:number])) for number in range(len(parts))]
    return [chunk_of(rows, start) for rows, start in zip(parts, starts, strict=True)]


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

"""Tables of texts: read, labelled rows written, chunk by chunk, in the formats people have."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Final

from npbert.tables.resumable import Finish
from npbert.tables.rows import ReadAhead, Serializer, Table, split_into_chunks
from npbert.tables.source import (
    Source,
    compression_of,
    import_optional,
    open_compressed,
    require_compressor,
)
from npbert.tables.text import (
    DEFAULT_DIALECT,
    CsvSerializer,
    Dialect,
    JsonLinesSerializer,
    read_records,
)

FORMATS: Final = ("lines", "csv", "tsv", "jsonl", "parquet")
_FORMAT_BY_ENDING: Final = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}

_NOT_WRITTEN: Final = (
    ".bz2",
    ".xz",
    ".zip",
    ".xlsx",
    ".xls",
    ".arrow",
    ".feather",
    ".orc",
    ".avro",
)


def format_of(path: str) -> str | None:
    """The format that a file's ending says, before that of a compression, or None."""
    if compression_of(path):
        path = path[: path.rindex(".")]
    return _FORMAT_BY_ENDING.get(Path(path).suffix.lower())


def read_table(
    source: Source,
    format: str | None = None,
    column: str | None = None,
    *,
    encoding: str = "utf-8",
    dialect: Dialect = DEFAULT_DIALECT,
    live: bool = False,
) -> Table:
    """Read a table.

    Parameters
    ----------
    source : Source
    format : str, optional
        One of `FORMATS`; by default what the file's ending says, else plain lines.
    column : str, optional
        The column of texts.  By default "text", or the only column there is.
    encoding : str
        Of the text formats.
    dialect : Dialect
        Of csv and tsv.
    live : bool
        Whether somebody waits for the rows: those before an error are given out, and those
        from a pipe when no more follow at once, instead of waiting for a full chunk.

    Raises
    ------
    ValueError
        Now or while chunks are read: where the content is not what it should be.
    ModuleNotFoundError
        If the format takes a package that is not installed.
    """
    by_content = "parquet" if source.is_parquet else "lines"
    format = format or format_of(source.name) or by_content
    if format == "parquet":
        from npbert.tables import parquet

        return parquet.read_table(source, column)
    if source.is_parquet:
        raise ValueError(
            f"{source.name} is a parquet file, not {format}; give --input-format parquet"
        )
    columns, column, records = read_records(
        source.stream, source.name, format, column, encoding, dialect
    )
    if live and source.is_pipe:
        ahead = ReadAhead(records)
        chunks = split_into_chunks(ahead, ahead.is_dry)
    else:
        chunks = split_into_chunks(records, (lambda: False) if live else None)
    return Table(format, columns, column, chunks)


def serializer_for(
    format: str,
    columns: list[str],
    dialect: Dialect = DEFAULT_DIALECT,
    earlier: Path | None = None,
) -> Serializer:
    """Makes bytes of rows with `columns`, those to be added among them.

    `earlier` is what one like it gave before, in a run that did not end.
    """
    if format == "jsonl":
        return JsonLinesSerializer()
    if format == "parquet":
        from npbert.tables.parquet_writing import ParquetSerializer

        return ParquetSerializer(columns, earlier)
    return CsvSerializer(format, columns, dialect)


def finisher_for(format: str, path: str) -> Finish | None:
    """Makes the file `path` of all that an serializer gave, or None where it is that already.

    Raises
    ------
    ValueError
        If the format cannot be compressed so, or the ending stands for something else.
    ModuleNotFoundError
        If that takes a package that is not installed.
    """
    ending = Path(path).suffix.lower()
    if ending in _NOT_WRITTEN:
        raise ValueError(f"{path}: {ending} is not written; choose .gz or .zst, or none")
    compression = compression_of(path)
    if format == "parquet":
        if compression:
            raise ValueError(
                f"{path}: parquet compresses its columns itself; leave out .{compression}"
            )
        import_optional(
            "pyarrow.parquet", "parquet is asked for"
        )  # now, not at the end of the night
        from npbert.tables.parquet_writing import write_parquet

        return write_parquet
    if compression is None:
        return None
    require_compressor(compression)
    return partial(_compress, compression)


def _compress(compression: str, rows: Path, target: Path) -> None:
    with (
        rows.open("rb") as source,
        target.open("wb") as file,
        open_compressed(file, compression) as stream,
    ):
        shutil.copyfileobj(source, stream)


__all__ = [
    "DEFAULT_DIALECT",
    "FORMATS",
    "Dialect",
    "finisher_for",
    "format_of",
    "read_table",
    "serializer_for",
]

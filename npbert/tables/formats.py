"""Tables of texts are read, and written with labels, in the formats that people use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from npbert.messages import shown
from npbert.tables import delimited, json_lines, json_stream
from npbert.tables.compression import (
    WRITTEN,
    compression_of,
    import_optional,
    open_compressed,
    require_compressor,
)
from npbert.tables.decoding import (
    DEFAULT_ENCODING,
    ESCAPED,
    Encoding,
    decode_lines,
    decoded,
    describe_byte,
    undecoded_byte,
)
from npbert.tables.delimited import CsvSerializer
from npbert.tables.dialect import DEFAULT_DIALECT, Dialect
from npbert.tables.json_lines import JsonLinesSerializer
from npbert.tables.resumable import Finish
from npbert.tables.rows import (
    BadRow,
    OnBadRow,
    ReadAhead,
    Record,
    Row,
    Serializer,
    Table,
    split_into_chunks,
    stop_at,
)
from npbert.tables.source import Source

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
# The endings of files that are tables in a folder: these, and that of plain lines.
ENDINGS: Final = (*_FORMAT_BY_ENDING, ".txt")

# Endings that promise a format or a compression in which nothing is written here.
_NOT_WRITTEN: Final = (
    ".zip",
    ".xlsx",
    ".xls",
    ".arrow",
    ".feather",
    ".orc",
    ".avro",
)


def format_of(path: str) -> str | None:
    """Return the format that a file's ending stands for, or None.

    The ending of a compression, such as the last part of ``a.csv.gz``, is not considered.
    """
    if compression_of(path):
        path = path[: path.rindex(".")]
    return _FORMAT_BY_ENDING.get(Path(path).suffix.lower())


def read_table(
    source: Source,
    format: str | None = None,
    column: str | None = None,
    *,
    encoding: Encoding = DEFAULT_ENCODING,
    dialect: Dialect = DEFAULT_DIALECT,
    live: bool = False,
    on_bad: OnBadRow = stop_at,
) -> Table:
    """Read a table.

    Parameters
    ----------
    source : Source
    format : str, optional
        One of `FORMATS`. By default the file's ending decides. If it says nothing, the file is
        read as parquet or as plain lines, depending on its first bytes.
    column : str, optional
        The column of texts. By default it is "text", or the only column of the table.
    encoding : Encoding
        The encoding of a text format.
    dialect : Dialect
        The dialect of a csv or tsv file.
    live : bool
        Whether somebody waits for the rows. Then the rows before an error are returned before the
        error is raised. The rows of a pipe are returned as soon as no more rows follow at once,
        and not only when a chunk is full.
    on_bad : callable
        What to do with a bad row: `stop_at` it, or `pass_on`, so that it is in the chunk. Parquet
        files and the beginning of a file have no bad rows: what is wrong there raises an error.

    Raises
    ------
    ValueError
        If the content does not fit the format. Some errors are raised while chunks are read.
    ModuleNotFoundError
        If a package that the format needs is not installed.
    """
    format_of_content = "parquet" if source.is_parquet else "lines"
    format = format or format_of(source.name) or format_of_content
    if format == "parquet":
        from npbert.tables import parquet

        return parquet.read_table(source, column)
    if source.is_parquet:
        raise ValueError(
            f"{source.name} is a parquet file, not {format}; give --input-format parquet"
        )
    name = source.name
    is_live = live and source.is_pipe
    if on_bad is not stop_at and encoding.errors == "strict":
        encoding = encoding._replace(errors=ESCAPED)  # a bad byte then belongs to its row
    # The csv module needs line ends as they are, because inside quotes they belong to the cell.
    newline = "" if format in ("csv", "tsv") else "\n"
    lines = decode_lines(source.stream, name, encoding, newline, are_texts=format == "lines")
    if format == "lines":
        columns, column, records = _read_texts(lines, name, column, on_bad)
    elif format == "jsonl" and json_stream.is_stream(source.head):
        read = decoded(source.stream, name, encoding)
        columns, column, records = json_stream.read_stream(
            read, name, column, live=is_live, on_bad=on_bad
        )
    elif format == "jsonl":
        columns, column, records = json_lines.read_lines(
            lines, name, column, live=is_live, on_bad=on_bad
        )
    else:
        dialect = dialect.as_in(source.head)
        columns, column, records, dialect = delimited.read_records(
            lines, name, format, column, dialect, on_bad
        )
    if is_live:
        ahead = ReadAhead(records)
        chunks = split_into_chunks(ahead, ahead.is_dry)
    else:
        chunks = split_into_chunks(records, (lambda: False) if live else None)
    return Table(format, columns, column, chunks, dialect=dialect)


def _read_texts(
    lines: Iterator[str], name: str, column: str | None, on_bad: OnBadRow
) -> tuple[list[str], str, Iterator[Record | BadRow]]:
    """Read plain lines, each of which is a text."""
    if column is not None:
        raise ValueError(
            f"{name} is read as plain lines, which have no column {shown(column)}; give "
            "--input-format csv, tsv or jsonl"
        )

    def records() -> Iterator[Record | BadRow]:
        for number, line in enumerate(lines, 1):
            text = line.removesuffix("\n").removesuffix("\r")
            byte = undecoded_byte(text)
            if byte is not None:
                yield on_bad(BadRow(f"{name}, line {number}", describe_byte(byte), text))
                continue
            row: Row = {"text": text}
            yield text, row

    return ["text"], "text", records()


def serializer_for(
    format: str,
    columns: list[str],
    dialect: Dialect = DEFAULT_DIALECT,
    earlier: Path | None = None,
) -> Serializer:
    """Return the serializer that turns rows into bytes of a format.

    Parameters
    ----------
    format : "csv", "tsv", "jsonl" or "parquet"
    columns : list of str
        The names of all columns, the added ones among them.
    dialect : Dialect
        The dialect of a csv or tsv file.
    earlier : Path, optional
        The file of the rows that the same kind of serializer returned in an earlier run that did
        not end. A parquet file has one type per column, which also has to fit these rows.
    """
    if format == "jsonl":
        return JsonLinesSerializer()
    if format == "parquet":
        from npbert.tables.parquet_writing import ParquetSerializer

        return ParquetSerializer(columns, earlier)
    return CsvSerializer(format, columns, dialect)


def finisher_for(format: str, path: str) -> Finish | None:
    """Return the function that makes the file `path` from all bytes of a serializer.

    Parameters
    ----------
    format : "csv", "tsv", "jsonl" or "parquet"
    path : str
        The name of the file, whose ending decides whether it is compressed.

    Returns
    -------
    callable or None
        ``finish(rows, file)`` makes the file. None means that the bytes of the serializer already
        are the content of the file.

    Raises
    ------
    ValueError
        If the format cannot be compressed in this way, or if the ending stands for a format that
        is not written.
    ModuleNotFoundError
        If a package that is needed for it is not installed.
    """
    ending = Path(path).suffix.lower()
    compression = compression_of(path)
    if ending in _NOT_WRITTEN:
        raise ValueError(f"{path}: {ending} is not written; choose .csv, .tsv, .jsonl or .parquet")
    if compression and compression not in WRITTEN:
        raise ValueError(f"{path}: {ending} is not written; choose .gz or .zst, or leave it out")
    if format == "parquet":
        if compression:
            raise ValueError(
                f"{path}: parquet compresses its columns itself; leave out .{compression}"
            )
        # A missing package is an error now, and not at the end after hours of work.
        import_optional("pyarrow.parquet", "parquet is asked for")
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
    "ENDINGS",
    "FORMATS",
    "Dialect",
    "finisher_for",
    "format_of",
    "read_table",
    "serializer_for",
]

"""Tables of texts: read, labelled rows written, chunk by chunk, in the formats people have."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from npbert.files.source import (
    Source,
    check_packing,
    needed,
    packed,
    packing_of,
)
from npbert.files.table import Encoder, ReadAhead, Table, in_chunks
from npbert.files.text import Csv, JsonLines, read_records

FORMATS: Final = ("lines", "csv", "tsv", "jsonl", "parquet")
_FORMAT_BY_ENDING: Final = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}

Pack = Callable[[Path, Path], None]


def format_of(path: str) -> str | None:
    """The format that a file's ending says, before that of a compression, or None."""
    if packing_of(path):
        path = path[: path.rindex(".")]
    return _FORMAT_BY_ENDING.get(Path(path).suffix.lower())


def read_table(
    source: Source,
    format: str | None = None,
    column: str | None = None,
    *,
    encoding: str = "utf-8",
    delimiter: str | None = None,
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
    delimiter : str, optional
        Between the cells of csv and tsv.
    live : bool
        Whether rows that come from a pipe are given out when no more follow at once,
        instead of waiting for a full chunk.

    Raises
    ------
    ValueError
        Now or while chunks are read: where the content is not what it should be.
    ModuleNotFoundError
        If the format takes a package that is not installed.
    """
    format = chosen_format(source, format)
    if format == "parquet":
        from npbert.files import parquet

        return parquet.read_table(source, column)
    if source.is_parquet:
        raise ValueError(
            f"{source.name} is a parquet file, not {format}; give --input-format parquet"
        )
    columns, column, records = read_records(
        source.stream, source.name, format, column, encoding, delimiter
    )
    if live and source.is_pipe:
        ahead = ReadAhead(records)
        return Table(columns, column, in_chunks(ahead, ahead.is_dry))
    return Table(columns, column, in_chunks(records))


def chosen_format(source: Source, format: str | None) -> str:
    """`format`, or what a file's ending or its first bytes say."""
    by_content = "parquet" if source.is_parquet else "lines"
    return format or format_of(source.name) or by_content


def encoder(
    format: str,
    columns: list[str],
    delimiter: str | None = None,
    earlier: Path | None = None,
) -> Encoder:
    """Makes bytes of rows with `columns`, those to be added among them.

    `earlier` is what one like it gave before, in a run that did not end.
    """
    if format == "jsonl":
        return JsonLines()
    if format == "parquet":
        from npbert.files.parquet import Parquet

        return Parquet(columns, earlier)
    return Csv(format, columns, delimiter)


def packer(format: str, path: str) -> Pack | None:
    """Makes the file `path` of all that an encoder gave, or None where it is that already.

    Raises
    ------
    ValueError
        If the format cannot be packed so.
    ModuleNotFoundError
        If that takes a package that is not installed.
    """
    packing = packing_of(path)
    if format == "parquet":
        if packing:
            raise ValueError(f"{path}: parquet packs its columns itself; leave out .{packing}")
        needed("pyarrow.parquet", "parquet is asked for")  # now, not at the end of the night
        from npbert.files.parquet import pack_parquet

        return pack_parquet
    if packing is None:
        return None
    check_packing(packing)
    return partial(_pack, packing)


def _pack(packing: str, rows: Path, target: Path) -> None:
    with rows.open("rb") as source, target.open("wb") as file, packed(file, packing) as stream:
        shutil.copyfileobj(source, stream)


__all__ = [
    "FORMATS",
    "chosen_format",
    "encoder",
    "format_of",
    "packer",
    "read_table",
]

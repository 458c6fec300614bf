"""Rows of text files: plain lines, csv, tsv and JSON lines, read and written as streams."""

from __future__ import annotations

import csv
import itertools
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

FORMATS: Final = ("lines", "csv", "tsv", "jsonl")
_FORMAT_BY_ENDING: Final = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_DIALECTS: Final = {"csv": "excel", "tsv": "excel-tab"}
_LONGEST_CELL: Final = 2**31 - 1  # the csv module's own default is 128 KB

Row = dict[str, Any]


class Table(NamedTuple):
    """Rows with a column of texts.

    Attributes
    ----------
    columns : list of str
        Names of the columns; for JSON lines, the keys of the first object.
    text_column : str
        The column to label.
    rows : iterator of dict
        Cells by column name; every one has a str in `text_column`.
    """

    columns: list[str]
    text_column: str
    rows: Iterator[Row]


def format_of(path: str) -> str | None:
    """The format that a file's ending says, or None."""
    return _FORMAT_BY_ENDING.get(Path(path).suffix.lower())


def read_table(lines: Iterable[bytes], name: str, format: str, column: str | None) -> Table:
    """Read rows, one at a time, from the lines of a file.

    Parameters
    ----------
    lines : iterable of bytes
        A file opened in binary mode.
    name : str
        Names the file in error messages.
    format : str
        One of `FORMATS`.
    column : str, optional
        The column of texts.  By default "text", or the only column there is.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        Now or while rows are read: if the file is not in this format, not UTF-8, or has no
        such column; with the number of the line.
    """
    decoded = _decoded(lines, name)
    if format == "lines":
        if column is not None:
            raise ValueError(
                f"{name} is read as plain lines, which have no column {column!r}; give "
                "--input-format csv, tsv or jsonl"
            )
        return Table(["text"], "text", ({"text": line.rstrip("\r\n")} for line in decoded))
    if format == "jsonl":
        column = column or "text"
        rows = _json_rows(decoded, name, column)
        first = list(itertools.islice(rows, 1))  # only to see its keys
        return Table([*(first[0] if first else [column])], column, itertools.chain(first, rows))
    return _csv_table(decoded, name, format, column)


def _decoded(lines: Iterable[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{name}, line {number}: not UTF-8 (byte 0x{line[error.start]:02x}); convert the "
                "file, for instance with iconv -f latin1 -t utf8"
            ) from error


def _json_rows(lines: Iterable[str], name: str, column: str) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{name}, line {number}: not JSON: {error}") from error
        if not isinstance(row, dict):
            kind = type(row).__name__
            raise ValueError(f"{name}, line {number}: a {kind}, expected a JSON object")
        if column not in row:
            raise ValueError(
                f"{name}, line {number}: no key {column!r}; there is: {', '.join(row)}; choose one "
                "with --column"
            )
        if not isinstance(row[column], str):
            raise ValueError(f"{name}, line {number}: {column!r} is no string but {row[column]!r}")
        yield row


def _csv_table(lines: Iterator[str], name: str, format: str, column: str | None) -> Table:
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(lines, _DIALECTS[format], strict=True)
    columns = _next_cells(reader, name)
    if columns is None:
        raise ValueError(f"{name} is empty, expected a first line of column names")
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise ValueError(f"{name}: the column {twice[0]!r} is there more than once; rename one")
    if column is None:
        column = columns[0] if len(columns) == 1 else "text"
    if column not in columns:
        raise ValueError(
            f"{name} has no column {column!r}; there is: {', '.join(columns)}; choose one with "
            "--column"
        )
    return Table(columns, column, _csv_rows(reader, name, columns))


def _csv_rows(reader: Any, name: str, columns: list[str]) -> Iterator[Row]:
    while (cells := _next_cells(reader, name)) is not None:
        if not cells:  # an empty line
            continue
        if len(cells) != len(columns):
            raise ValueError(
                f"{name}, line {reader.line_num}: {len(cells)} cells, expected {len(columns)} as "
                "in the first line"
            )
        yield dict(zip(columns, cells, strict=True))


def _next_cells(reader: Any, name: str) -> list[str] | None:
    """The next row's cells, or None at the end."""
    try:
        return next(reader, None)
    except csv.Error as error:
        raise ValueError(f"{name}, line {reader.line_num}: {error}") from error


# --------------------------------------------------------------------------------- writing


def write_rows(stream: TextIO, format: str, columns: list[str], rows: Iterable[Row]) -> None:
    """Write rows as "csv", "tsv" or "jsonl", the first two with a line of column names."""
    if format == "jsonl":
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        return
    plain = csv.writer(stream, _DIALECTS[format], lineterminator="\n")
    quoted = csv.writer(stream, _DIALECTS[format], lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(cells: list[Any]) -> None:
        # By itself, the writer leaves a lone carriage return without the quotes it needs.
        has_return = any("\r" in cell for cell in cells if isinstance(cell, str))
        (quoted if has_return else plain).writerow(cells)

    write(columns)
    for number, row in enumerate(rows):
        extra = row.keys() - {*columns}
        if extra:
            raise ValueError(
                f"row {number} (counted from 0) has the key {min(extra)!r}, which the first one "
                f"has not, so a {format} file has no column for it; write --format jsonl"
            )
        write([_cell(row.get(column, "")) for column in columns])


def _cell(value: Any) -> Any:
    """A cell's value; what csv has no form for is written as JSON."""
    return value if isinstance(value, (str, float, int)) else json.dumps(value, ensure_ascii=False)


@contextmanager
def replacing(path: Path, force: bool) -> Iterator[TextIO]:
    """Open a text file for writing that appears under its name only when it is complete.

    Parameters
    ----------
    path : Path
        Written beside, under a temporary name, and moved into place at the end; if the
        work fails, nothing is left and an existing file stays as it was.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If there is one and `force` is False.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a file's name")
    if path.exists() and not force:
        raise FileExistsError(f"{path} is there already; choose another name or give --force")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent}: no such folder; make it first")
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as stream:
            yield stream
        # mkstemp makes private files; give the mode that open() would have.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):  # it was moved into place
            os.unlink(temporary)

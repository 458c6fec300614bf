"""Plain lines, csv, tsv and JSON lines: bytes → rows → bytes."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator
from datetime import date, time
from decimal import Decimal
from typing import Any, BinaryIO, Final

from npbert.files.table import Chunk, Column, Record, Row

_DIALECTS: Final = {"csv": "excel", "tsv": "excel-tab"}
_LONGEST_CELL: Final = 2**31 - 1  # the csv module's own default is 128 KB
_MARK: Final = "\ufeff"
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def read_records(
    stream: BinaryIO,
    name: str,
    format: str,
    column: str | None = None,
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> tuple[list[str], str, Iterator[Record]]:
    """Read rows, one at a time.

    Parameters
    ----------
    stream : binary file
    name : str
        Names the file in error messages.
    format : "lines", "csv", "tsv" or "jsonl"
    column : str, optional
        The column of texts.  By default "text", or the only column there is.
    encoding : str
        Of the text; a byte-order mark is taken off.
    delimiter : str, optional
        Between the cells, if it is not the format's own.

    Returns
    -------
    columns : list of str
    column : str
    records : iterator of (str or None, dict)
        Each row after its text, which is None for an empty csv cell, and for a JSON object
        with a null, or without the key if the first one has it.

    Raises
    ------
    ValueError
        Now or while rows are read: if the file is not in this format or encoding, or has
        no such column; with the number of the line.
    """
    if format == "lines":
        if column is not None:
            raise ValueError(
                f"{name} is read as plain lines, which have no column {column!r}; give "
                "--input-format csv, tsv or jsonl"
            )
        lines = _decoded(stream, name, encoding, newline="\n")
        texts = (line.removesuffix("\n").removesuffix("\r") for line in lines)
        return ["text"], "text", ((text, {"text": text}) for text in texts)
    if format == "jsonl":
        lines = _decoded(stream, name, encoding, newline="\n")
        return _json_records(lines, name, column or "text")
    # csv wants line ends as they are: inside quotes they belong to the cell.
    lines = _decoded(stream, name, encoding, newline="")
    return _csv_records(lines, name, format, column, delimiter)


def _decoded(stream: BinaryIO, name: str, encoding: str, newline: str) -> Iterator[str]:
    """Lines with their ends."""
    is_utf_8 = codecs.lookup(encoding).name == "utf-8"
    text = io.TextIOWrapper(stream, "utf-8-sig" if is_utf_8 else encoding, newline=newline)
    number = 0
    try:
        for line in text:
            number += 1
            yield line if number > 1 else line.removeprefix(_MARK)
    except UnicodeError as error:
        if not isinstance(error, UnicodeDecodeError):  # such as UTF-16 without a byte-order mark
            raise ValueError(f"{name}: not {encoding.upper()}: {error}") from error
        # What came before the bad byte was decoded along with it, but not given out.
        before = error.object[: error.start].decode(error.encoding, "replace")
        number += len(list(io.StringIO(before + "?", newline=newline)))
        looks_like = "utf-16" if error.object.startswith(_UTF_16_MARKS) else "cp1252 or latin-1"
        raise ValueError(
            f"{name}, line {number}: not {encoding.upper()} (byte 0x{error.object[error.start]:02x}"
            "); name the file's own with --encoding" + f", perhaps {looks_like}" * is_utf_8
        ) from error
    finally:
        if not stream.closed:
            text.detach()  # the file is not ours to close


def _json_records(
    lines: Iterable[str], name: str, column: str
) -> tuple[list[str], str, Iterator[Record]]:
    rows = _json_rows(lines, name)
    first = next(rows, None)
    if first is None:
        return [column], column, iter(())
    number, row = first
    if column not in row:
        raise ValueError(
            f"{name}, line {number}: no key {column!r}; there is: {', '.join(row)}; choose one "
            "with --column"
        )

    def records() -> Iterator[Record]:
        for number, row in itertools.chain([first], rows):
            text = row.get(column)
            if text is not None and not isinstance(text, str):
                raise ValueError(f"{name}, line {number}: {column!r} is no string but {text!r}")
            yield text, row

    return list(row), column, records()


def _json_rows(lines: Iterable[str], name: str) -> Iterator[tuple[int, Row]]:
    """Each object with the number of its line."""
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
        yield number, row


def _csv_records(
    lines: Iterator[str], name: str, format: str, column: str | None, delimiter: str | None
) -> tuple[list[str], str, Iterator[Record]]:
    csv.field_size_limit(_LONGEST_CELL)
    dialect: dict[str, Any] = {"delimiter": delimiter} if delimiter else {}
    reader = csv.reader(lines, _DIALECTS[format], strict=True, **dialect)
    columns = _next_cells(reader, name)
    if columns is None:
        raise ValueError(f"{name} is empty, expected a first line of column names")
    between = next((mark for mark in ";\t|" if len(columns) == 1 and mark in columns[0]), None)
    if column is None and between is not None:
        raise ValueError(
            f"{name}: the only column is {columns[0]!r}; are its cells divided by {between!r}? "
            f"Give --delimiter {between!r}, or choose this column with --column"
        )
    column = check_columns(columns, name, column)

    def records() -> Iterator[Record]:
        for row in _csv_rows(reader, name, columns):
            yield row[column] or None, row

    return columns, column, records()


def check_columns(columns: list[str], name: str, column: str | None) -> str:
    """The column of texts among a table's columns.

    Raises
    ------
    ValueError
        If it is not there, or two columns share a name; with the columns that there are.
    """
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
    return column


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


class JsonLines:
    """Rows → JSON lines."""

    header = b""

    def encode(self, chunk: Chunk, added: list[Column]) -> bytes:
        """The rows of a chunk, with columns added."""
        lines = (
            json.dumps(row, ensure_ascii=False, default=_json_value) for row in _rows(chunk, added)
        )
        # Half of a surrogate pair, which has no UTF-8, gets JSON's form for it: \ud83d.
        return "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")


class Csv:
    """Rows → csv or tsv, after a line of column names."""

    def __init__(self, format: str, columns: list[str], delimiter: str | None) -> None:
        self._columns = columns
        self._format = format
        self._dialect: dict[str, Any] = {"delimiter": delimiter} if delimiter else {}
        self.header = self._lines([columns])

    def encode(self, chunk: Chunk, added: list[Column]) -> bytes:
        """The rows of a chunk, with columns added.

        Raises
        ------
        ValueError
            If a row has a key for which there is no column, or a cell no UTF-8.
        """
        try:
            return self._lines(self._cells(_rows(chunk, added), chunk.start))
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{chunk.place}: half of a surrogate pair, for which a {self._format} file has no "
                "form; write --format jsonl"
            ) from error

    def _cells(self, rows: Iterable[Row], start: int) -> Iterator[list[Any]]:
        for number, row in enumerate(rows, start):
            extra = row.keys() - {*self._columns}
            if extra:
                raise ValueError(
                    f"row {number} (counted from 0) has the key {min(extra)!r}, which the first "
                    f"one has not, so a {self._format} file has no column for it; write --format "
                    "jsonl"
                )
            yield [_cell(row.get(column)) for column in self._columns]

    def _lines(self, rows: Iterable[list[Any]]) -> bytes:
        text = io.StringIO(newline="")
        dialect: dict[str, Any] = {"lineterminator": "\n", **self._dialect}
        plain = csv.writer(text, _DIALECTS[self._format], **dialect)
        quoted = csv.writer(text, _DIALECTS[self._format], quoting=csv.QUOTE_ALL, **dialect)
        for cells in rows:
            # By itself, the writer leaves a lone carriage return without the quotes it needs.
            has_return = any("\r" in cell for cell in cells if isinstance(cell, str))
            (quoted if has_return else plain).writerow(cells)
        return text.getvalue().encode()


def _rows(chunk: Chunk, added: list[Column]) -> Iterator[Row]:
    """Rows with the cells of the columns added."""
    for place, row in enumerate(chunk.rows):
        yield row | {column.name: column.values[place] for column in added}


def _cell(value: Any) -> Any:
    """A cell's value: nothing for a null; what csv has no form for is written as JSON."""
    if value is None or isinstance(value, (str, float, int)):
        return value
    if isinstance(value, (list, dict, tuple)):
        return json.dumps(value, ensure_ascii=False, default=_json_value)
    return _json_value(value)


def _json_value(value: Any) -> str:
    """A str for what JSON has no form for."""
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise ValueError(
        f"a cell holds {value!r} ({type(value).__name__}), for which csv and JSON have no form; "
        "write --format parquet"
    )

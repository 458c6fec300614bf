"""Plain lines, csv, tsv and JSON lines: bytes → rows → bytes."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, BinaryIO, Final, NamedTuple

from npbert.arguments import check_text
from npbert.tables.rows import Chunk, Column, Record, Row

_DIALECTS: Final = {"csv": "excel", "tsv": "excel-tab"}
_LONGEST_CELL: Final = 2**31 - 1  # the csv module's own default is 128 KB
_MARK: Final = "\ufeff"
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


class Dialect(NamedTuple):
    """What csv and tsv files do not agree on.

    Attributes
    ----------
    delimiter : str, optional
        Between the cells, if it is not the format's own.
    has_quotes : bool
        Whether quotes enclose a cell; if not, they are characters like others.
    """

    delimiter: str | None = None
    has_quotes: bool = True

    def options(self, format: str) -> dict[str, Any]:
        """For Python's csv module."""
        options: dict[str, Any] = {"dialect": _DIALECTS[format]}
        if self.delimiter is not None:
            options["delimiter"] = self.delimiter
        if not self.has_quotes:
            options |= {"quoting": csv.QUOTE_NONE, "quotechar": None}
        return options


DEFAULT_DIALECT: Final = Dialect()


def read_records(
    stream: BinaryIO,
    name: str,
    format: str,
    column: str | None = None,
    encoding: str = "utf-8",
    dialect: Dialect = DEFAULT_DIALECT,
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
    dialect : Dialect
        Of csv and tsv.

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
        return _json_records(lines, name, column)
    # csv wants line ends as they are: inside quotes they belong to the cell.
    lines = _decoded(stream, name, encoding, newline="")
    return _csv_records(lines, name, format, column, dialect)


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
    lines: Iterable[str], name: str, column: str | None
) -> tuple[list[str], str, Iterator[Record]]:
    rows = _json_rows(lines, name)
    first = next(rows, None)
    if first is None:
        column = column or "text"
        return [column], column, iter(())
    number, row = first
    text_column = choose_text_column(list(row), f"{name}, line {number},", column)

    def records() -> Iterator[Record]:
        for number, row in itertools.chain([first], rows):
            text = row.get(text_column)
            where = f"{name}, line {number}: {text_column!r}"
            if text is not None and not isinstance(text, str):
                raise ValueError(f"{where} is no string but {text!r}")
            yield None if text is None else check_text(text, where), row

    return list(row), text_column, records()


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
    lines: Iterator[str], name: str, format: str, column: str | None, dialect: Dialect
) -> tuple[list[str], str, Iterator[Record]]:
    csv.field_size_limit(_LONGEST_CELL)
    rows = _csv_rows(csv.reader(lines, strict=True, **dialect.options(format)), name)
    _, columns = next(rows, (0, None))
    if columns is None:
        raise ValueError(f"{name} is empty, expected a first line of column names")
    between = next((mark for mark in ",;\t|" if len(columns) == 1 and mark in columns[0]), None)
    if column is None and between is not None:
        raise ValueError(
            f"{name}: the only column is {columns[0]!r}; are its cells divided by {between!r}? "
            f"Give --delimiter {between!r}, or choose this column with --column"
        )
    text_column = choose_text_column(columns, name, column)

    def records() -> Iterator[Record]:
        for number, cells in rows:
            if len(cells) != len(columns):
                raise ValueError(
                    f"{name}, line {number}: {len(cells)} cells, expected {len(columns)} as in the "
                    "first line"
                )
            row: Row = dict(zip(columns, cells, strict=True))
            row[text_column] = row[text_column] or None
            yield row[text_column], row

    return columns, text_column, records()


def choose_text_column(columns: list[str], name: str, column: str | None) -> str:
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


def _csv_rows(reader: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, after the number of its first line; an empty line is no row."""
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise ValueError(
                f"{name}, line {number}: {error}; is a quote not closed, or no quote at all "
                "(--no-quotes)?"
            ) from error
        if cells is None:
            return
        if cells:
            yield number, cells


# --------------------------------------------------------------------------------- writing


class JsonLinesSerializer:
    """Rows → JSON lines."""

    header = b""

    def serialize(self, chunk: Chunk, added: list[Column]) -> bytes:
        """The rows of a chunk, with columns added."""
        lines = (
            json.dumps(row, ensure_ascii=False, default=_json_value) for row in _rows(chunk, added)
        )
        # Half of a surrogate pair, which has no UTF-8, gets JSON's form for it: \ud83d.
        return "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")


class CsvSerializer:
    """Rows → csv or tsv, after a line of column names."""

    def __init__(self, format: str, columns: list[str], dialect: Dialect) -> None:
        self._columns = columns
        self._format = format
        self._dialect = dialect
        self.header = self._lines([columns], "the names of the columns")

    def serialize(self, chunk: Chunk, added: list[Column]) -> bytes:
        """The rows of a chunk, with columns added.

        Raises
        ------
        ValueError
            If a row has a key for which there is no column, or a cell no UTF-8, or no form
            without quotes.
        """
        return self._lines(self._cells(_rows(chunk, added), chunk.start), chunk.where)

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

    def _lines(self, rows: Iterable[list[Any]], place: str) -> bytes:
        text = io.StringIO(newline="")
        options = {"lineterminator": "\n", **self._dialect.options(self._format)}
        plain = csv.writer(text, **options)
        quoted = csv.writer(text, **{"quoting": csv.QUOTE_ALL, **options})
        try:
            for cells in rows:
                # By itself, the writer leaves a lone carriage return without the quotes it needs.
                has_return = any("\r" in cell for cell in cells if isinstance(cell, str))
                (quoted if has_return else plain).writerow(cells)
            return text.getvalue().encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{place}: half of a surrogate pair, for which a {self._format} file has no form; "
                "write --format jsonl"
            ) from error
        except csv.Error as error:
            raise ValueError(
                f"{place}: a cell that takes quotes ({error}); leave out --no-quotes"
            ) from error


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
    if isinstance(value, Decimal):
        return str(value)
    raise ValueError(
        f"a cell holds {value!r} ({type(value).__name__}), for which csv and JSON have no form; "
        "write --format parquet"
    )

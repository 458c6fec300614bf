"""Plain lines, csv, tsv and JSON lines: rows are read from bytes, and written as bytes."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

from npbert.arguments import check_text
from npbert.tables.decoding import DEFAULT_ENCODING, Encoding, decode_lines
from npbert.tables.rows import Chunk, Column, Record, Row

if TYPE_CHECKING:
    from _csv import Reader

_DIALECTS: Final = {"csv": "excel", "tsv": "excel-tab"}  # Python's names for them
_MAX_CELL_CHARACTERS: Final = 2**31 - 1  # the csv module's own limit is 131,072


class Dialect(NamedTuple):
    """The details in which csv and tsv files differ.

    Attributes
    ----------
    delimiter : str, optional
        The character between cells. By default it is a comma in csv, and a tab in tsv.
    has_quotes : bool
        Whether quotes enclose a cell. If not, a quote is a character like any other.
    has_header : bool
        Whether the first line has the names of the columns. If not, their names are their numbers,
        counted from 0.
    """

    delimiter: str | None = None
    has_quotes: bool = True
    has_header: bool = True

    def csv_options(self, format: str) -> dict[str, Any]:
        """Return the keyword arguments for `csv.reader` and `csv.writer`."""
        options: dict[str, Any] = {"dialect": _DIALECTS[format]}
        if self.delimiter is not None:
            options["delimiter"] = self.delimiter
        if not self.has_quotes:
            options |= {"quoting": csv.QUOTE_NONE, "quotechar": None}
        return options


DEFAULT_DIALECT: Final = Dialect()


# --------------------------------------------------------------------------------- reading


def read_records(
    stream: BinaryIO,
    name: str,
    format: str,
    column: str | None = None,
    encoding: Encoding = DEFAULT_ENCODING,
    dialect: Dialect = DEFAULT_DIALECT,
) -> tuple[list[str], str, Iterator[Record]]:
    """Read the rows of a text format, one at a time.

    Parameters
    ----------
    stream : binary file
    name : str
        What error messages call the file.
    format : "lines", "csv", "tsv" or "jsonl"
    column : str, optional
        The column of texts. By default it is "text", or the only column of the file.
    encoding : Encoding
        A byte-order mark at the beginning of the file is removed.
    dialect : Dialect
        The dialect of a csv or tsv file.

    Returns
    -------
    columns : list of str
        The names of the columns.
    column : str
        The name of the column of texts.
    records : iterator of (str or None, dict)
        The text of each row, and the row. The text is None where a csv cell is empty, and where
        a JSON object has a null for it or lacks the key.

    Raises
    ------
    ValueError
        If the file is not in this format or encoding, or does not have the column. Some of these
        errors are raised while the rows are read. The message has the number of the line.
    """
    if format == "lines":
        if column is not None:
            raise ValueError(
                f"{name} is read as plain lines, which have no column {column!r}; give "
                "--input-format csv, tsv or jsonl"
            )
        lines = decode_lines(stream, name, encoding, "\n", are_texts=True)
        texts = (line.removesuffix("\n").removesuffix("\r") for line in lines)
        return ["text"], "text", ((text, {"text": text}) for text in texts)
    if format == "jsonl":
        lines = decode_lines(stream, name, encoding, "\n")
        return _read_json_records(lines, name, column)
    # The csv module needs line ends as they are, because inside quotes they belong to the cell.
    lines = decode_lines(stream, name, encoding, "")
    return _read_csv_records(lines, name, format, column, dialect)


def choose_text_column(columns: list[str], name: str, column: str | None, hint: str = "") -> str:
    """Return the name of the column of texts.

    Parameters
    ----------
    columns : list of str
        The names of all columns.
    name : str
        What error messages call the table.
    column : str or None
        The column that the caller asked for.
    hint : str
        What the error message says at its end.

    Raises
    ------
    ValueError
        If the column does not exist, or two columns have the same name.
    """
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise ValueError(
            f"{name}: the column {repeated[0]!r} is there more than once; rename one of them"
        )
    if column is None:
        column = columns[0] if len(columns) == 1 else "text"
    if column not in columns:
        raise ValueError(
            f"{name} has no column {column!r}; there is: {', '.join(columns)}; choose one with "
            f"--column{hint}"
        )
    return column


def _read_json_records(
    lines: Iterable[str], name: str, column: str | None
) -> tuple[list[str], str, Iterator[Record]]:
    rows = _parse_json_rows(lines, name)
    first = next(rows, None)
    if first is None:
        column = column or "text"
        return [column], column, iter(())
    number, row = first
    text_column = choose_text_column(list(row), f"{name}, line {number},", column)

    def records() -> Iterator[Record]:
        for number, row in itertools.chain([first], rows):
            text = row.get(text_column)
            if isinstance(text, float) and math.isnan(text):  # so pandas writes a null
                text = None
            where = f"{name}, line {number}: {text_column!r}"
            if text is not None and not isinstance(text, str):
                raise ValueError(f"{where} is {text!r}, expected a string or null")
            yield None if text is None else check_text(text, where), row

    return list(row), text_column, records()


def _parse_json_rows(lines: Iterable[str], name: str) -> Iterator[tuple[int, Row]]:
    """Yield each object, after the number of its line."""
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


def _read_csv_records(
    lines: Iterator[str], name: str, format: str, column: str | None, dialect: Dialect
) -> tuple[list[str], str, Iterator[Record]]:
    csv.field_size_limit(_MAX_CELL_CHARACTERS)
    rows = _parse_csv_rows(csv.reader(lines, strict=True, **dialect.csv_options(format)), name)
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{name} is empty, expected a first line with the names of the columns")
    columns = first[1]
    if not dialect.has_header:
        columns = [str(number) for number in range(len(columns))]
        rows = itertools.chain([first], rows)
    elif column is None and len(columns) == 1 and _is_sentence(columns[0]):
        warnings.warn(
            f"{name}: the first line, {columns[0][:40]!r}, is taken as the name of the column, and "
            "is not labelled; if it is a text, give --no-header",
            stacklevel=2,
        )
    delimiter = next((mark for mark in ",;\t|" if len(columns) == 1 and mark in columns[0]), None)
    if column is None and delimiter is not None:
        raise ValueError(
            f"{name}: the only column is {columns[0]!r}; are its cells divided by {delimiter!r}? "
            f"Give --delimiter {delimiter!r}, or choose this column with --column"
        )
    hint = "; if the first line is a row, give --no-header" if dialect.has_header else ""
    text_column = choose_text_column(columns, name, column, hint)
    index_of_text = columns.index(text_column)

    def records() -> Iterator[Record]:
        for number, cells in rows:
            if len(cells) != len(columns):
                raise ValueError(
                    f"{name}, line {number}: {len(cells)} cells, expected {len(columns)} as in the "
                    "first line"
                )
            row: Row = dict(zip(columns, cells, strict=True))
            text = cells[index_of_text] or None
            row[text_column] = text
            yield text, row

    return columns, text_column, records()


def _is_sentence(name: str) -> bool:
    """Tell whether the name of a column is more likely a text."""
    return len(name.split()) > 3 or name.endswith((".", "!", "?"))


def _parse_csv_rows(reader: Reader, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each row, after the number of its first line; skip empty lines."""
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise ValueError(
                f"{name}, line {number}: {error}; is there a quote that is not closed? If a quote "
                "is a character like any other in this file, give --no-quotes"
            ) from error
        if cells is None:
            return
        if cells:
            yield number, cells


# --------------------------------------------------------------------------------- writing


class JsonLinesSerializer:
    """Turns rows into JSON lines."""

    header = b""

    def serialize(self, chunk: Chunk, added: list[Column]) -> bytes:
        """Return the bytes of the rows of a chunk, with columns added.

        Raises
        ------
        ValueError
            If a cell has a value that JSON cannot hold.
        """
        lines = (
            json.dumps(row, ensure_ascii=False, default=_json_value)
            for row in _rows_with(chunk, added)
        )
        # UTF-8 cannot hold one half of a surrogate pair, so it is written as JSON does: \ud83d.
        return "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")


class CsvSerializer:
    """Turns rows into csv or tsv, after a line with the names of the columns, if there is one.

    Parameters
    ----------
    format : "csv" or "tsv"
    columns : list of str
        The names of all columns, the added ones among them.
    dialect : Dialect
    """

    def __init__(self, format: str, columns: list[str], dialect: Dialect) -> None:
        self._columns = columns
        self._format = format
        self._dialect = dialect
        names = [columns] if dialect.has_header else []
        self.header = self._encode_lines(names, "the names of the columns")

    def serialize(self, chunk: Chunk, added: list[Column]) -> bytes:
        """Return the bytes of the rows of a chunk, with columns added.

        Raises
        ------
        ValueError
            If a row has a key for which there is no column, or if a cell cannot be written:
            because of its type, because it has half of a surrogate pair, or because it needs
            quotes in a dialect without quotes.
        """
        return self._encode_lines(self._cells(_rows_with(chunk, added), chunk.start), chunk.where)

    def _cells(self, rows: Iterable[Row], start: int) -> Iterator[list[object]]:
        for number, row in enumerate(rows, start):
            extra = row.keys() - {*self._columns}
            if extra:
                raise ValueError(
                    f"row {number} (counted from 0) has the key {min(extra)!r}, which the first "
                    f"row does not have, so the {self._format} file has no column for it; write "
                    "--format jsonl"
                )
            yield [_cell(row.get(column)) for column in self._columns]

    def _encode_lines(self, rows: Iterable[Sequence[object]], where: str) -> bytes:
        text = io.StringIO(newline="")
        options = {"lineterminator": "\n", **self._dialect.csv_options(self._format)}
        plain = csv.writer(text, **options)
        quoted = csv.writer(text, **{"quoting": csv.QUOTE_ALL, **options})
        try:
            for cells in rows:
                # A cell with a carriage return needs quotes, but `plain` would not write them.
                has_return = any("\r" in cell for cell in cells if isinstance(cell, str))
                (quoted if has_return else plain).writerow(cells)
            return text.getvalue().encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{where}: a cell has half of a surrogate pair, which a {self._format} file cannot "
                "hold; write --format jsonl"
            ) from error
        except csv.Error as error:
            raise ValueError(
                f"{where}: a cell that takes quotes ({error}); leave out --no-quotes"
            ) from error


def _rows_with(chunk: Chunk, added: list[Column]) -> Iterator[Row]:
    """Yield the rows of a chunk, with the cells of the added columns."""
    for index, row in enumerate(chunk.rows):
        yield row | {column.name: column.values[index] for column in added}


def _cell(value: object) -> object:
    """Return the csv cell of a value: nothing for a null, and JSON for nested values."""
    if value is None or isinstance(value, (str, float, int)):
        return value
    if isinstance(value, (list, dict, tuple)):
        return json.dumps(value, ensure_ascii=False, default=_json_value)
    return _json_value(value)


def _json_value(value: object) -> str:
    """Return a string for a value of a type that JSON does not have."""
    if isinstance(value, Decimal):
        return str(value)
    raise ValueError(
        f"a cell holds {value!r} ({type(value).__name__}), which csv and JSON cannot hold; "
        "write --format parquet"
    )

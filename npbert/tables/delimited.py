"""csv and tsv: cells between commas, or between other characters."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from npbert.messages import enumerate_values, shown, with_noun
from npbert.tables.decoding import MOST_CHARACTERS, describe_byte, undecoded_byte
from npbert.tables.dialect import Dialect
from npbert.tables.dialect_advice import DialectAdvice, check_only_column
from npbert.tables.escapes import make_row_writer, protect_escapes, unescape
from npbert.tables.json_lines import json_value
from npbert.tables.rows import (
    BadRow,
    Chunk,
    Column,
    OnBadRow,
    Record,
    Row,
    choose_text_column,
    stop_at,
)

_SEP_LINE: Final = re.compile(r"sep=(.)\r?\n?")
_UNCLOSED: Final = "unexpected end of data"  # the csv module's words
_END_OF_FILE: Final = "\x1a"  # DOS programs write it at the end
_FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![\d.,]*$)")  # a number with a sign is none


def read_records(
    lines: Iterator[str],
    name: str,
    format: str,
    column: str | None,
    dialect: Dialect,
    on_bad: OnBadRow = stop_at,
) -> tuple[list[str], str, Iterator[Record | BadRow], Dialect]:
    """Read the rows of a csv or tsv file, one at a time.

    Parameters
    ----------
    lines : iterator of str
        The lines of the file, with their line ends.
    name : str
        What error messages call the file.
    format : "csv" or "tsv"
    column : str, optional
        The column of texts. By default it is "text", or the only column of the file.
    dialect : Dialect
    on_bad : callable
        What to do with a row that has another number of cells than the first line, a wrong quote
        or a byte that could not be decoded.

    Returns
    -------
    columns : list of str
        The names of the columns. One that has no name in the file is called as in pandas,
        "Unnamed: 2".
    column : str
        The name of the column of texts.
    records : iterator of (str or None, dict) or BadRow
        The text of each row, or None where its cell is empty, and the row; or a bad row.
    dialect : Dialect
        The dialect, with what the first lines say about it.

    Raises
    ------
    ValueError
        If the file does not have the column, or is not in this format.

    Warns
    -----
    UserWarning
        If the first line seems to be a text, and not the name of a column.
    """
    csv.field_size_limit(MOST_CHARACTERS)  # instead of the csv module's 131,072
    lines, dialect = _take_sep_line(lines, dialect)
    lines = _LinesOfRow(lines)
    reader = _Reader(lines, format, dialect)
    advice = DialectAdvice(dialect, dialect.delimiter_in(format))
    rows = _parse_rows(reader, lines, name, 1 + dialect.has_sep_line, on_bad, advice)
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{name} is empty, expected a first line with the names of the columns")
    if isinstance(first, BadRow):  # nothing can be read without the first line
        raise ValueError(first.message)
    columns = first.cells
    if not dialect.has_header:
        columns = [str(number) for number in range(len(columns))]
        rows = itertools.chain([first], rows)
    elif "" in columns:
        dialect = dialect._replace(header=tuple(columns))
        columns = [cell or f"Unnamed: {number}" for number, cell in enumerate(columns)]
    check_only_column(columns, name, column, dialect)
    hint = advice.on_names(columns, column or "text")
    text_column = choose_text_column(columns, name, column, hint)
    index_of_text = columns.index(text_column)

    def records() -> Iterator[Record | BadRow]:
        is_first = True
        for parsed in rows:
            if isinstance(parsed, BadRow):
                yield parsed
                continue
            cells = parsed.cells
            if len(cells) != len(columns):
                problem = (
                    f"{with_noun(len(cells), 'cell')}, expected {len(columns)} as in the first line"
                    f"{advice.on_cells(cells, columns, lines.text, is_first)}"
                )
                yield on_bad(BadRow(parsed.where, problem, lines.text))
                continue
            row: Row = dict(zip(columns, cells, strict=True))
            text = cells[index_of_text] or None
            row[text_column] = text
            is_first = False
            yield text, row

    return columns, text_column, records(), dialect


def _take_sep_line(lines: Iterator[str], dialect: Dialect) -> tuple[Iterator[str], Dialect]:
    """Return the lines without a line such as ``sep=;``, and the dialect with what it says."""
    first = next(lines, "")
    found = _SEP_LINE.fullmatch(first)
    if found is None:
        return itertools.chain([first], lines), dialect
    delimiter = dialect.delimiter or found[1]
    return lines, dialect._replace(delimiter=delimiter, has_sep_line=True)


class _LinesOfRow(Iterator[str]):
    """Lines that are passed on; those of the present row are kept, to show them if it is bad."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._kept: list[str] = []

    def __next__(self) -> str:
        line = next(self._lines)
        self._kept.append(line)
        return line

    def start_row(self) -> None:
        self._kept.clear()

    @property
    def text(self) -> str:
        """The lines of the present row."""
        return "".join(self._kept)


class _Reader(Iterator[list[str]]):
    """The rows of a csv or tsv file."""

    def __init__(self, lines: Iterator[str], format: str, dialect: Dialect) -> None:
        self._escape = dialect.escape
        if self._escape is not None:
            delimiter = dialect.delimiter_in(format)
            lines = protect_escapes(lines, self._escape, delimiter, dialect.has_quotes)
        self._reader = csv.reader(lines, **dialect.reader_options(format))

    @property
    def line_num(self) -> int:
        """The number of lines that have been read."""
        return self._reader.line_num

    def __next__(self) -> list[str]:
        cells = next(self._reader)
        return cells if self._escape is None else unescape(cells, self._escape)


class _Parsed(NamedTuple):
    """The cells of a row, and the words that name its place."""

    where: str
    cells: list[str]


def _parse_rows(
    reader: _Reader,
    lines: _LinesOfRow,
    name: str,
    first: int,
    on_bad: OnBadRow,
    advice: DialectAdvice,
) -> Iterator[_Parsed | BadRow]:
    """Yield the cells of each row; skip empty lines."""
    end: _Parsed | None = None
    while True:
        where = f"{name}, line {reader.line_num + first}"
        lines.start_row()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            bad = BadRow(
                where,
                f"{error}; {advice.on_quotes(lines.text)}",
                lines.text,
            )
            if str(error) == _UNCLOSED:  # the cell takes all lines to the end of the file
                raise ValueError(bad.message) from error
            yield on_bad(bad)
            continue
        if cells is None:
            return
        if end is not None:
            yield end
        end = None
        byte = undecoded_byte("".join(cells))
        if byte is not None:
            yield on_bad(BadRow(where, describe_byte(byte), lines.text))
        elif cells == [_END_OF_FILE]:
            end = _Parsed(where, cells)  # a row like any other, unless it is the last one
        elif cells:
            yield _Parsed(where, cells)


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
        of_file = dialect.header or ()
        names = [[*of_file, *columns[len(of_file) :]]] if dialect.has_header else []
        first = codecs.BOM_UTF8 if dialect.has_mark else b""
        if dialect.has_sep_line:
            first += f"sep={dialect.delimiter}{dialect.line_end}".encode()
        self.header = first + self._encode_lines(names, "the names of the columns")

    def serialize(self, chunk: Chunk, added: list[Column]) -> bytes:
        """Return the bytes of the rows of a chunk, with columns added.

        Raises
        ------
        ValueError
            If a row has a key for which there is no column, or if a cell cannot be written:
            because of its type, because it has half of a surrogate pair, or because it needs
            quotes in a dialect without quotes.
        """
        return self._encode_lines(self._cells(chunk.rows_with(added), chunk.start), chunk.where)

    def _cells(self, rows: Iterable[Row], start: int) -> Iterator[list[object]]:
        for number, row in enumerate(rows, start):
            extra = row.keys() - {*self._columns}
            if extra:
                raise ValueError(
                    f"row {number} (counted from 0) has the key {shown(min(extra))}, which the "
                    f"first row does not have, so the {self._format} file has no column for it; "
                    "write --format jsonl"
                )
            yield [_cell(row.get(column)) for column in self._columns]

    def _encode_lines(self, rows: Iterable[Sequence[object]], where: str) -> bytes:
        text = io.StringIO(newline="")
        write_row = self._make_row_writer(text)
        try:
            for cells in rows:
                write_row(cells)
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

    def _make_row_writer(self, text: io.StringIO) -> Callable[[Sequence[object]], object]:
        """Return a function that writes one row."""
        dialect = self._dialect
        if dialect.escape is not None:
            return make_row_writer(
                text,
                escape=dialect.escape,
                delimiter=dialect.delimiter_in(self._format),
                has_quotes=dialect.has_quotes,
                line_end=dialect.line_end,
            )
        options = {"lineterminator": dialect.line_end, **dialect.csv_options(self._format)}
        plain = csv.writer(text, **options)
        quoted = csv.writer(text, **{"quoting": csv.QUOTE_ALL, **options})

        def write_row(cells: Sequence[object]) -> None:
            needs_quotes = any(isinstance(cell, str) and self._needs_quotes(cell) for cell in cells)
            (quoted if needs_quotes else plain).writerow(cells)

        return write_row

    def _needs_quotes(self, cell: str) -> bool:
        """Tell whether a cell needs quotes although `csv.writer` would not write them."""
        return "\r" in cell or (self._dialect.skips_initial_space and cell.startswith(" "))


def warn_of_formulas(labels: Iterable[str]) -> None:
    """Warn if a spreadsheet would take a label for a formula.

    Labels are written as they are: a program that reads the file must find those of the model.
    """
    formulas = [*filter(_FORMULA.match, labels)]
    if formulas:
        warnings.warn(
            f"the model has labels that spreadsheets take for formulas: "
            f"{enumerate_values(formulas)}; do not open the output in one unless you trust the "
            "model, or write --format jsonl",
            stacklevel=3,
        )


def _cell(value: object) -> object:
    """Return the csv cell of a value: nothing for a null, and JSON for nested values."""
    if value is None or isinstance(value, (str, float, int)):
        return value
    if isinstance(value, (list, dict, tuple)):
        return json.dumps(value, ensure_ascii=False, default=json_value)
    return json_value(value)

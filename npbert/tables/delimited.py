"""csv and tsv: cells between commas, or between other characters."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from npbert.messages import shown
from npbert.tables.decoding import describe_byte, undecoded_byte
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

if TYPE_CHECKING:
    from _csv import Reader

_DIALECTS: Final = {"csv": "excel", "tsv": "excel-tab"}  # Python's names for them
_MAX_CELL_CHARACTERS: Final = 2**31 - 1  # the csv module's own limit is 131,072
_SEP_LINE: Final = re.compile(r"sep=(.)\r?\n?")
_UNCLOSED: Final = "unexpected end of data"  # the csv module's words
_END_OF_FILE: Final = "\x1a"  # DOS programs write it at the end


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
    header : tuple of str, optional
        The cells of the first line, where they are not the names of the columns.
    has_mark, has_sep_line : bool
        Whether a byte-order mark comes first, and then a line such as ``sep=;``. Excel writes them,
        and reads its files in the right way only with them.
    line_end : str
        What ends a row.
    """

    delimiter: str | None = None
    has_quotes: bool = True
    has_header: bool = True
    header: tuple[str, ...] | None = None
    has_mark: bool = False
    has_sep_line: bool = False
    line_end: str = "\n"

    def csv_options(self, format: str) -> dict[str, Any]:
        """Return the keyword arguments for `csv.reader` and `csv.writer`."""
        options: dict[str, Any] = {"dialect": _DIALECTS[format]}
        if self.delimiter is not None:
            options["delimiter"] = self.delimiter
        if not self.has_quotes:
            options |= {"quoting": csv.QUOTE_NONE, "quotechar": None}
        return options

    def as_in(self, head: bytes) -> Dialect:
        """Return the dialect with the byte-order mark and the line ends of a file in UTF-8.

        Parameters
        ----------
        head : bytes
            The first bytes of the file.
        """
        is_windows = head.partition(b"\n")[0].endswith(b"\r")
        return self._replace(
            has_mark=head.startswith(codecs.BOM_UTF8), line_end="\r\n" if is_windows else "\n"
        )


DEFAULT_DIALECT: Final = Dialect()


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
    csv.field_size_limit(_MAX_CELL_CHARACTERS)
    lines, dialect = _take_sep_line(lines, dialect)
    lines = _LinesOfRow(lines)
    reader = csv.reader(lines, strict=True, **dialect.csv_options(format))
    rows = _parse_rows(reader, lines, name, 1 + dialect.has_sep_line, on_bad)
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
    _check_only_column(columns, name, column, dialect)
    hint = "; if the first line is a row, give --no-header" if dialect.has_header else ""
    text_column = choose_text_column(columns, name, column, hint)
    index_of_text = columns.index(text_column)

    def records() -> Iterator[Record | BadRow]:
        for parsed in rows:
            if isinstance(parsed, BadRow):
                yield parsed
                continue
            cells = parsed.cells
            if len(cells) != len(columns):
                problem = f"{len(cells)} cells, expected {len(columns)} as in the first line"
                yield on_bad(BadRow(parsed.where, problem, lines.text))
                continue
            row: Row = dict(zip(columns, cells, strict=True))
            text = cells[index_of_text] or None
            row[text_column] = text
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


def _check_only_column(columns: list[str], name: str, column: str | None, dialect: Dialect) -> None:
    """Look at the name of an only column that the caller did not name."""
    if column is not None or len(columns) > 1:
        return
    delimiter = next((mark for mark in ",;\t|" if mark in columns[0]), None)
    if delimiter is not None:
        raise ValueError(
            f"{name}: the only column is {shown(columns[0])}; are its cells divided by "
            f"{delimiter!r}? Give --delimiter {delimiter!r}, or choose this column with --column"
        )
    if dialect.has_header and _is_sentence(columns[0]):
        warnings.warn(
            f"{name}: the first line, {shown(columns[0])}, is taken as the name of the column, and "
            "is not labelled; if it is a text, give --no-header",
            stacklevel=2,
        )


def _is_sentence(name: str) -> bool:
    """Tell whether the name of a column is more likely a text."""
    return len(name.split()) > 3 or name.endswith((".", "!", "?"))


class _Parsed(NamedTuple):
    """The cells of a row, and the words that name its place."""

    where: str
    cells: list[str]


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


def _parse_rows(
    reader: Reader, lines: _LinesOfRow, name: str, first: int, on_bad: OnBadRow
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
                f"{error}; is there a quote that is not closed? If a quote is a character like any "
                "other in this file, give --no-quotes",
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
        options = {
            "lineterminator": self._dialect.line_end,
            **self._dialect.csv_options(self._format),
        }
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


def _cell(value: object) -> object:
    """Return the csv cell of a value: nothing for a null, and JSON for nested values."""
    if value is None or isinstance(value, (str, float, int)):
        return value
    if isinstance(value, (list, dict, tuple)):
        return json.dumps(value, ensure_ascii=False, default=json_value)
    return json_value(value)

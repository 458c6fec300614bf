r"""Cells of csv files in which a character such as a backslash stands before a quote: ``\"``.

Programs do not agree on what the escape character means before other characters: ``\N`` is a null
for MySQL, and ``C:\new`` is a path for Spark. So a cell keeps, besides its text, the way in which
it was written, and a cell that is only passed through means the same to every program as before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol


class EscapedCell(str):
    r"""The text of a cell that has escape characters.

    In the text, two escape characters are one. Before a quote, a delimiter or a line break, an
    escape character is left out; before another character, it is a character like any other.

    Attributes
    ----------
    written : str
        The cell as it was written, without its quotes and without the escape characters before
        quotes, delimiters and line breaks.
    """

    __slots__ = ("written",)

    written: str

    def __new__(cls, written: str, escape: str) -> EscapedCell:
        """Make the cell of the way in which it was written."""
        cell = super().__new__(cls, written.replace(escape * 2, escape))
        cell.written = written
        return cell


def protect_escapes(
    lines: Iterable[str], escape: str, delimiter: str, has_quotes: bool
) -> Iterator[str]:
    """Yield lines from which `csv.reader` takes only those escape characters that it needs itself.

    They are the ones before a quote, a delimiter and a line break. All others are doubled, because
    `csv.reader` takes every second one.
    """
    needed = {delimiter, "\r", "\n", "", *(['"'] if has_quotes else [])}
    pair = re.compile(re.escape(escape) + "(.?)", re.DOTALL)

    def protect(found: re.Match[str]) -> str:
        if found[1] in needed:
            return found[0]
        return escape * 4 if found[1] == escape else escape + found[0]

    return (pair.sub(protect, line) if escape in line else line for line in lines)


def unescape(cells: list[str], escape: str) -> list[str]:
    """Return the cells that `csv.reader` made of protected lines, with their texts."""
    return [EscapedCell(cell, escape) if escape in cell else cell for cell in cells]


class _Writable(Protocol):
    def write(self, text: str, /) -> object: ...


def make_row_writer(
    file: _Writable, *, escape: str, delimiter: str, has_quotes: bool, line_end: str
) -> Callable[[Iterable[object]], None]:
    """Return a function that writes a row of cells, with escape characters where they are needed.

    A cell has quotes around it if it has a quote, a delimiter, a line break or a blank at its
    beginning. In a file without quotes, delimiters and line breaks are escaped.
    """
    marks = re.escape(delimiter) + "\r\n"
    takes_quotes = re.compile(f'^ |["{marks}]')
    takes_escape = re.compile('"' if has_quotes else f"[{marks}]")

    def write_cell(cell: object) -> str:
        if isinstance(cell, EscapedCell):
            text = cell.written
        else:
            text = "" if cell is None else str(cell).replace(escape, escape * 2)
        escaped = takes_escape.sub(lambda found: escape + found[0], text)
        return f'"{escaped}"' if has_quotes and takes_quotes.search(text) else escaped

    def write_row(cells: Iterable[object]) -> None:
        written = [write_cell(cell) for cell in cells]
        if written == [""] and has_quotes:
            written = ['""']  # otherwise the row would be an empty line
        file.write(delimiter.join(written) + line_end)

    return write_row

"""Advice for csv files of another dialect than the one in which they are read."""

from __future__ import annotations

import re
import warnings
from typing import Final

from npbert.messages import shown
from npbert.tables.dialect import Dialect

_DELIMITERS: Final = ",;\t|"
_LONG_DELIMITER: Final = re.compile(r"([^\w\s\"'.,\-])\1+")


class DialectAdvice:
    """Advice for a file that does not fit the dialect in which it is read.

    Parameters
    ----------
    dialect : Dialect
    delimiter : str
        What stands between the cells in this dialect.
    """

    def __init__(self, dialect: Dialect, delimiter: str) -> None:
        self._dialect = dialect
        self._delimiter = delimiter

    def on_quotes(self, lines: str) -> str:
        """Return the advice for the lines of a row whose quotes cannot be read."""
        escape = self._dialect.escape
        if escape is not None and lines.endswith(escape):
            return f"the file ends with {escape!r}, and there is nothing that it escapes"
        return self._on_marks_before_quotes(lines) or (
            "is there a quote that is not closed? If a quote is a character like any other in this "
            "file, give --no-quotes"
        )

    def on_cells(self, cells: list[str], columns: list[str], lines: str, is_first: bool) -> str:
        """Return the end of the message that a row has more or fewer cells than the first line.

        Parameters
        ----------
        cells, columns : list of str
            The cells of the row, and the names of the columns.
        lines : str
            The lines of the row.
        is_first : bool
            Whether no row before this one fits the first line.
        """
        advice = self._on_marks_before_quotes(lines)
        if advice:
            return f"; {advice}"
        if not (self._dialect.has_header and is_first):
            return ""
        more = len(cells) - len(columns)
        mark = repr(self._delimiter)
        if more == 1 and not cells[-1]:
            return f"; if every row ends with {mark}, let the first line end with it too"
        if more == 1:
            return (
                f"; if the first line lacks the name of the first cell, let it begin with {mark}; "
                f"if a cell has {mark} in it, put quotes around that cell"
            )
        if more == -1 and columns[-1] == f"Unnamed: {len(cells)}":
            return f"; if only the first line ends with {mark}, remove it there"
        return ""

    def on_names(self, columns: list[str], column: str) -> str:
        """Return the end of the message that the file has no column of this name."""
        blanks = [name for name in columns if name.startswith(" ")]
        if not self._dialect.skips_initial_space and column in [n.strip(' "') for n in blanks]:
            return "; if the blank does not belong to the name, give --skip-initial-space"
        other = _find_delimiter(" ".join(columns), self._delimiter)
        if other:
            return f"; {_advise_on_delimiter(other)}"
        return "; if the first line is a row, give --no-header" if self._dialect.has_header else ""

    def _on_marks_before_quotes(self, lines: str) -> str:
        """Return the advice for backslashes or blanks before quotes, if there are any."""
        if not self._dialect.has_quotes:
            return ""
        if self._dialect.escape is None and '\\"' in lines:
            return "does a backslash stand before each quote in a cell? Give --escape '\\'"
        blanks = re.compile(f'{re.escape(self._delimiter)} +"')
        if not self._dialect.skips_initial_space and blanks.search(lines):
            return "do blanks stand before the quotes of a cell? Give --skip-initial-space"
        return ""


def check_only_column(columns: list[str], name: str, column: str | None, dialect: Dialect) -> None:
    """Look at the name of an only column that the caller did not name.

    Raises
    ------
    ValueError
        If the name seems to be the names of several columns.

    Warns
    -----
    UserWarning
        If the name seems to be a text.
    """
    if column is not None or len(columns) > 1:
        return
    other = _find_delimiter(columns[0], dialect.delimiter)
    if other:
        raise ValueError(
            f"{name}: the only column is {shown(columns[0])}; {_advise_on_delimiter(other)}, or "
            "choose this column with --column"
        )
    if dialect.has_header and _is_sentence(columns[0]):
        warnings.warn(
            f"{name}: the first line, {shown(columns[0])}, is taken as the name of the column, and "
            "is not labelled; if it is a text, give --no-header",
            stacklevel=3,
        )


def _is_sentence(name: str) -> bool:
    """Tell whether the name of a column is more likely a text."""
    return len(name.split()) > 3 or name.endswith((".", "!", "?"))


def _find_delimiter(names: str, delimiter: str | None) -> str | None:
    """Return what seems to stand between names, if it is not the delimiter."""
    found = _LONG_DELIMITER.search(names)
    if found is not None and found[1] != delimiter:
        return found[0]
    others = [mark for mark in _DELIMITERS if mark in names and mark != delimiter]
    return max(others, key=names.count, default=None)


def _advise_on_delimiter(delimiter: str) -> str:
    if len(delimiter) > 1:
        return f"are its cells divided by {delimiter!r}? {advise_on_long_delimiter(delimiter)}"
    return f"are its cells divided by {delimiter!r}? Give --delimiter {delimiter!r}"


def advise_on_long_delimiter(delimiter: str) -> str:
    """Return the advice for a file whose delimiter has several characters."""
    pattern = re.sub(r"[\\.*^$/\[\]]", r"\\\g<0>", delimiter)
    return (
        f"Put a tab in its place: sed 's/{pattern}/\\t/g' FILE | npbert classify --input - "
        "--input-format tsv"
    )

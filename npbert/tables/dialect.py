"""The dialects of csv and tsv."""

from __future__ import annotations

import codecs
import csv
from typing import Any, Final, NamedTuple

_DIALECTS: Final = {"csv": "excel", "tsv": "excel-tab"}  # Python's names for them


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
    escape : str, optional
        The character that stands before a quote in a cell, such as a backslash. By default a quote
        in a cell is doubled.
    skips_initial_space : bool
        Whether blanks at the beginning of a cell, before its quote, do not belong to the cell.
    """

    delimiter: str | None = None
    has_quotes: bool = True
    has_header: bool = True
    header: tuple[str, ...] | None = None
    has_mark: bool = False
    has_sep_line: bool = False
    line_end: str = "\n"
    escape: str | None = None
    skips_initial_space: bool = False

    def delimiter_in(self, format: str) -> str:
        """Return the character between the cells of a csv or tsv file."""
        return self.delimiter or csv.get_dialect(_DIALECTS[format]).delimiter

    def csv_options(self, format: str) -> dict[str, Any]:
        """Return the keyword arguments for `csv.reader` and `csv.writer` alike."""
        options: dict[str, Any] = {"dialect": _DIALECTS[format]}
        if self.delimiter is not None:
            options["delimiter"] = self.delimiter
        if not self.has_quotes:
            options |= {"quoting": csv.QUOTE_NONE, "quotechar": None}
        return options

    def reader_options(self, format: str) -> dict[str, Any]:
        """Return the keyword arguments for `csv.reader`."""
        return self.csv_options(format) | {
            "strict": True,
            "escapechar": self.escape,
            "skipinitialspace": self.skips_initial_space,
        }

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

"""The rows of a table, in chunks with fixed boundaries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from numbers import Real
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, Protocol

from npbert.arguments import repeated_names
from npbert.messages import enumerate_values, shown

if TYPE_CHECKING:
    from npbert.tables.dialect import Dialect

# A chunk ends after `CHUNK_ROWS` rows, or with the row that brings its texts to
# `CHUNK_CHARACTERS` characters or all its cells to `CHUNK_CELL_CHARACTERS`. The boundaries depend
# on the rows alone. So a run that goes on where another run stopped packs the same texts
# together, and computes the same digits.
CHUNK_ROWS: Final = 1024
CHUNK_CHARACTERS: Final = 128_000
CHUNK_CELL_CHARACTERS: Final = 4_000_000

_DRY_SECONDS: Final = 0.05  # too short for a person to notice
_LOOK_AHEAD_ROWS: Final = 64

Row = dict[str, object]  # cells by column name
Record = tuple[str | None, Row]  # the text of a row, and the row
ArrowTable = Any  # a pyarrow.Table or pyarrow.RecordBatch; pyarrow comes without types


class BadRow(NamedTuple):
    """A row that cannot be read.

    Attributes
    ----------
    where : str
        The words that name its place, such as "in.csv, line 7".
    problem : str
        Why it cannot be read, and what to do.
    content : object
        What stands there, as far as it was read, for JSON. A byte that could not be decoded is half
        of a surrogate pair, as Python's "surrogateescape" has it.
    """

    where: str
    problem: str
    content: object

    @property
    def message(self) -> str:
        """The words of an error that this row causes."""
        return f"{self.where}: {self.problem}"


# What a reader does with a bad row: it raises an error, or returns the row to be passed on.
OnBadRow = Callable[[BadRow], BadRow]


def stop_at(bad: BadRow) -> NoReturn:
    """Raise a ValueError for a bad row."""
    raise ValueError(f"{bad.message}; --bad-rows skip leaves such rows out")


def pass_on(bad: BadRow) -> BadRow:
    """Return a bad row, so that it is counted and written down, and the rows after it are read."""
    return bad


class Chunk(NamedTuple):
    """Neighbouring rows of a table, which are labelled together.

    Attributes
    ----------
    start : int
        The number of the first row, counted from 0.
    texts : list of str or None
        The text of each row, or None where a row has no text.
    rows : list of dict
        The cells of each row, by column name.
    table : pyarrow.Table, optional
        The same rows with the types that they have in their parquet file.
    skipped : list of BadRow
        The bad rows among them, which `start` and the other lists do not count.
    """

    start: int
    texts: list[str | None]
    rows: list[Row]
    table: ArrowTable = None
    skipped: Sequence[BadRow] = ()

    @property
    def where(self) -> str:
        """The words that name these rows in error messages."""
        return f"rows {self.start} to {self.start + len(self.rows) - 1} (counted from 0)"

    def rows_with(self, added: list[Column]) -> Iterator[Row]:
        """Yield the rows, with the cells of columns that are added to them."""
        for index, row in enumerate(self.rows):
            yield row | {column.name: column.values[index] for column in added}


class Column(NamedTuple):
    """A column that is added to the rows of a chunk.

    Attributes
    ----------
    name : str
    kind : the class str or float
        The type of the values.
    values : sequence of str, float or None
        One value per row, of the type `kind`, or None.
    """

    name: str
    kind: type[str] | type[float]
    values: Sequence[str | float | None]


class Serializer(Protocol):
    """Turns rows into the bytes of one file format."""

    @property
    def header(self) -> bytes:
        """The bytes that come before the first row."""
        ...

    def serialize(self, chunk: Chunk, added: list[Column]) -> bytes:
        """Return the bytes of the rows of a chunk, with columns added.

        Raises
        ------
        ValueError
            If the format cannot hold a row.
        """
        ...


class Table(NamedTuple):
    """The rows of a file, read chunk by chunk, with one column of texts.

    Attributes
    ----------
    format : str
        One of `npbert.tables.formats.FORMATS`.
    columns : list of str
        The names of the columns; for JSON lines, the keys of the first object.
    text_column : str
        The name of the column of texts.
    chunks : iterator of Chunk
        The rows. Each chunk is read when it is asked for. A table without rows has one chunk
        without rows, so that its columns can still be written.
    n_rows : int, optional
        The number of rows, if it is known before they are read.
    dialect : Dialect, optional
        How a csv or tsv file is written.
    """

    format: str
    columns: list[str]
    text_column: str
    chunks: Iterator[Chunk]
    n_rows: int | None = None
    dialect: Dialect | None = None


def split_into_chunks(
    records: Iterable[Record | BadRow], is_dry: Callable[[], bool] | None = None
) -> Iterator[Chunk]:
    """Split rows into chunks.

    Parameters
    ----------
    records : iterable of (str or None, dict) or BadRow
        The text of each row, and the row; or a bad row.
    is_dry : callable, optional
        Tells whether the next row is not there yet. It is given where somebody waits for the
        rows: then a chunk also ends where no more rows are there for now, and before an error.

    Yields
    ------
    Chunk
    """
    chunk = Chunk(0, [], [], skipped=(skipped := []))
    n_characters = n_cell_characters = 0
    is_first = True
    try:
        for record in records:
            if isinstance(record, BadRow):
                skipped.append(record)
                n_cell_characters += len(repr(record.content))
            else:
                text, row = record
                chunk.texts.append(text)
                chunk.rows.append(row)
                n_characters += len(text or "")
                n_cell_characters += len(repr(row))  # counts what is in nested cells, too
            is_full = (
                len(chunk.rows) + len(skipped) >= CHUNK_ROWS
                or n_characters >= CHUNK_CHARACTERS
                or n_cell_characters >= CHUNK_CELL_CHARACTERS
            )
            if is_full or (is_dry is not None and is_dry()):
                yield chunk
                is_first = False
                chunk = Chunk(chunk.start + len(chunk.rows), [], [], skipped=(skipped := []))
                n_characters = n_cell_characters = 0
    except ValueError:
        if chunk.rows and is_dry is not None:
            yield chunk
        raise
    if chunk.rows or skipped or is_first:
        yield chunk


class ReadAhead(Iterator[Record | BadRow]):
    """Rows that a second thread reads, so that the caller can ask whether the next one is there.

    Parameters
    ----------
    records : iterable of (str or None, dict) or BadRow
        The rows. An error that reading them raises is raised here, after the rows before it.
    """

    def __init__(self, records: Iterable[Record | BadRow]) -> None:
        self._read: Queue[Record | BadRow | BaseException] = Queue(_LOOK_AHEAD_ROWS)
        self._next: Record | BadRow | BaseException | None = None
        # As a daemon, the thread does not keep the program alive while it waits for more rows.
        threading.Thread(target=self._read_all, args=(records,), daemon=True).start()

    def _read_all(self, records: Iterable[Record | BadRow]) -> None:
        try:
            for record in records:
                self._read.put(record)
        except BaseException as error:  # of any class: it is raised again in the caller's thread
            self._read.put(error)
        self._read.put(StopIteration())

    def __next__(self) -> Record | BadRow:
        found = self._next or self._read.get()
        self._next = None
        if isinstance(found, BaseException):
            self._next = StopIteration()  # the thread has ended, so nothing else will come
            raise found
        return found

    def is_dry(self) -> bool:
        """Tell whether the next row is not there yet, after a short wait for it."""
        if self._next is None:
            try:
                self._next = self._read.get(timeout=_DRY_SECONDS)
            except Empty:
                return True
        return False


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
    reject_repeated(columns, name)
    column = column or default_text_column(columns)
    if column not in columns:
        raise missing_column(columns, name, column, hint)
    return column


def reject_repeated(columns: list[str], name: str) -> None:
    """Raise a ValueError if two columns of the table `name` have the same name."""
    if repeated := repeated_names(columns):
        raise ValueError(
            f"{name}: the column {shown(min(repeated))} is there more than once; rename one of them"
        )


def default_text_column(columns: list[str]) -> str:
    """Return the name of the column of texts that nobody named: "text", or the only column."""
    return columns[0] if len(columns) == 1 else "text"


def missing_column(columns: list[str], name: str, column: str, hint: str = "") -> ValueError:
    """Return the error for a table `name` that lacks the column of texts."""
    return ValueError(
        f"{name} has no column {shown(column)}; there is: {enumerate_values(columns)}; choose "
        f"one with --column{hint}"
    )


def is_nan(cell: object) -> bool:
    """Tell whether a cell is NaN, as which many programs write a null."""
    return isinstance(cell, Real) and cell != cell

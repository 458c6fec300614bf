"""A table in chunks with fixed boundaries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Queue
from typing import Any, Final, NamedTuple, Protocol

# A chunk ends after so many rows, or with the row that brings its texts, or all its cells, to so
# many characters.  The boundaries depend on the rows alone, so that a run that goes on where
# another one stopped packs the same texts together, and computes the same digits.
CHUNK_ROWS: Final = 1024
CHUNK_CHARACTERS: Final = 128_000
CHUNK_CELL_CHARACTERS: Final = 4_000_000

_DRY_SECONDS: Final = 0.05
_LOOK_AHEAD_ROWS: Final = 64

Row = dict[str, Any]
Record = tuple[str | None, Row]  # a row and its text


class Chunk(NamedTuple):
    """Some rows of a table.

    Attributes
    ----------
    start : int
        Number of the first row, counted from 0.
    texts : list of str or None
        What is to be labelled; None in a row that has no text.
    rows : list of dict
        Cells by column name.
    table : pyarrow.Table, optional
        The same rows as parquet has them, with its types.
    """

    start: int
    texts: list[str | None]
    rows: list[Row]
    table: Any = None

    @property
    def where(self) -> str:
        """Names the rows in error messages."""
        return f"rows {self.start} to {self.start + len(self.rows) - 1} (counted from 0)"


class Column(NamedTuple):
    """A column to add to the rows of a chunk.

    Attributes
    ----------
    name : str
    kind : str or float, the class
    values : list
        Of that class, or None.
    """

    name: str
    kind: type[str] | type[float]
    values: list[Any]


class Serializer(Protocol):
    """Rows → bytes of one format."""

    @property
    def header(self) -> bytes:
        """What comes before the first row."""
        ...

    def serialize(self, chunk: Chunk, added: list[Column]) -> bytes:
        """The rows of a chunk, with columns added; ValueError where a row has no such form."""
        ...


class Table(NamedTuple):
    """Rows with a column of texts.

    Attributes
    ----------
    format : str
        One of `npbert.tables.formats.FORMATS`.
    columns : list of str
        Names of the columns; for JSON lines, the keys of the first object.
    text_column : str
        The column to label.
    chunks : iterator of Chunk
        Read when they are asked for.  At least one: a table without rows has columns still.
    n_rows : int, optional
        Where it is known before they are read.
    """

    format: str
    columns: list[str]
    text_column: str
    chunks: Iterator[Chunk]
    n_rows: int | None = None


def split_into_chunks(
    records: Iterable[Record], is_dry: Callable[[], bool] | None = None
) -> Iterator[Chunk]:
    """Cut rows into chunks.

    Parameters
    ----------
    records : iterable of (str or None, dict)
    is_dry : callable, optional
        For those who wait: chunks end also where it says that no more rows are there for
        now, and before an error.
    """
    start = n_characters = n_cell_characters = 0
    texts: list[str | None] = []
    rows: list[Row] = []
    try:
        for text, row in records:
            texts.append(text)
            rows.append(row)
            n_characters += len(text or "")
            n_cell_characters += len(repr(row))  # of nested cells, too
            is_full = len(rows) >= CHUNK_ROWS or n_characters >= CHUNK_CHARACTERS
            is_full = is_full or n_cell_characters >= CHUNK_CELL_CHARACTERS
            if is_full or (is_dry is not None and is_dry()):
                yield Chunk(start, texts, rows)
                start += len(rows)
                texts, rows, n_characters, n_cell_characters = [], [], 0, 0
    except ValueError:
        if rows and is_dry is not None:
            yield Chunk(start, texts, rows)
        raise
    if rows or not start:
        yield Chunk(start, texts, rows)


class ReadAhead(Iterator[Record]):
    """Rows that a thread reads, so that one can ask whether there are any."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._read: Queue[Record | BaseException] = Queue(_LOOK_AHEAD_ROWS)
        self._next: Record | BaseException | None = None
        # A daemon: the program may end while this thread waits for more.
        threading.Thread(target=self._run, args=(records,), daemon=True).start()

    def _run(self, records: Iterable[Record]) -> None:
        try:
            for record in records:
                self._read.put(record)
        except BaseException as error:  # whatever it is, it belongs to the thread that asks
            self._read.put(error)
        self._read.put(StopIteration())

    def __next__(self) -> Record:
        found = self._next or self._read.get()
        self._next = None
        if isinstance(found, BaseException):
            self._next = StopIteration()  # nothing else comes: do not wait for it
            raise found
        return found

    def is_dry(self) -> bool:
        """Whether the next row keeps us waiting."""
        if self._next is None:
            try:
                self._next = self._read.get(timeout=_DRY_SECONDS)
            except Empty:
                return True
        return False

"""JSON: one object per line, or an array of objects."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Final

from npbert.arguments import check_text
from npbert.messages import shown
from npbert.tables.rows import Chunk, Column, Record, Row, choose_text_column, is_nan

_BLOCK_CHARACTERS: Final = 1 << 16
_BETWEEN_ELEMENTS: Final = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")
# In an array that is cut off, an error is at the cut, or at the beginning of a string that is cut.
_CUT_CHARACTERS: Final = 16
_CUT_STRING: Final = "Unterminated string"


def is_array(head: bytes) -> bool:
    """Tell whether a file that begins with `head` is an array, and not one object per line."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def read_lines(
    lines: Iterable[str], name: str, column: str | None
) -> tuple[list[str], str, Iterator[Record]]:
    """Read the rows of a file with one object per line, one at a time.

    Parameters
    ----------
    lines : iterable of str
    name : str
        What error messages call the file.
    column : str, optional
        The key of the texts. By default it is "text", or the only key of the first object.

    Returns
    -------
    columns : list of str
        The keys of the first object.
    column : str
    records : iterator of (str or None, dict)
        The text of each row, and the row. The text is None where the object has a null or NaN for
        it, or lacks the key.

    Raises
    ------
    ValueError
        If a line is not a JSON object, or if a text is something else.
    """
    return _records_of(_parse_lines(lines, name), column)


def read_array(
    read: Callable[[int], str], name: str, column: str | None
) -> tuple[list[str], str, Iterator[Record]]:
    """Read the rows of a file that is one array of objects, one at a time.

    Parameters
    ----------
    read : callable
        Returns so many more characters of the file, or fewer at its end.
    name, column
        As in `read_lines`.

    Returns
    -------
    columns, column, records
        As in `read_lines`.

    Raises
    ------
    ValueError
        If an element is not a JSON object, or if a text is something else.
    """
    return _records_of(_parse_array(read, name), column)


def _records_of(
    rows: Iterator[tuple[str, Row]], column: str | None
) -> tuple[list[str], str, Iterator[Record]]:
    """Return the columns, the column of texts and the records of parsed rows."""
    first = next(rows, None)
    if first is None:
        column = column or "text"
        return [column], column, iter(())
    where, row = first
    text_column = choose_text_column(list(row), f"{where},", column)
    key = shown(text_column)

    def records() -> Iterator[Record]:
        for where, row in itertools.chain([first], rows):
            text = row.get(text_column)
            if is_nan(text):
                text = None
            if text is not None and not isinstance(text, str):
                raise ValueError(f"{where}: {key} is {shown(text)}, expected a string or null")
            yield None if text is None else check_text(text, f"{where}: {key}"), row

    return list(row), text_column, records()


def _parse_lines(lines: Iterable[str], name: str) -> Iterator[tuple[str, Row]]:
    """Yield each object, after the words that name its place."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{where}: not JSON: {error}") from error
        yield where, _require_object(row, where)


def _parse_array(read: Callable[[int], str], name: str) -> Iterator[tuple[str, Row]]:
    """Yield each object of an array, after the words that name its place.

    Only the characters of the present element are in memory, and of a few more.
    """
    decoder = json.JSONDecoder()
    text = read(_BLOCK_CHARACTERS)
    while not text.strip():
        text += read(_BLOCK_CHARACTERS)
    place = text.index("[") + 1
    for number in itertools.count():
        where = f"{name}, element {number} (counted from 0)"
        while True:
            found = _BETWEEN_ELEMENTS.match(text, place)
            start = found.end() if found else place
            if text[start : start + 1] == "]":
                return
            try:
                row, end = decoder.raw_decode(text, start)
                break
            except RecursionError as error:
                raise ValueError(f"{where}: not JSON: {error}") from error
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith(_CUT_STRING) or (
                    error.pos > len(text) - _CUT_CHARACTERS
                )
                # As much again, so that a long element is not parsed too many times.
                more = read(max(_BLOCK_CHARACTERS, len(text) - place)) if is_cut else ""
                if not more:
                    raise ValueError(f"{where}: not JSON: {error.msg}") from error
                text, place = text[place:] + more, 0
        yield where, _require_object(row, where)
        place = end


def _require_object(row: object, where: str) -> Row:
    if not isinstance(row, dict):
        raise ValueError(f"{where}: a {type(row).__name__}, expected a JSON object")
    return row


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
            json.dumps(row, ensure_ascii=False, default=json_value)
            for row in chunk.rows_with(added)
        )
        # UTF-8 cannot hold one half of a surrogate pair, so it is written as JSON does: \ud83d.
        return "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")


def json_value(value: object) -> str:
    """Return a string for a value of a type that JSON does not have.

    Raises
    ------
    ValueError
        If there is no such string.
    """
    if isinstance(value, Decimal):
        return str(value)
    raise ValueError(
        f"a cell holds {shown(value)} ({type(value).__name__}), which csv and JSON cannot hold; "
        "write --format parquet"
    )

"""JSON: one object per line."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from npbert.arguments import check_text
from npbert.messages import shown
from npbert.tables.nested import place_of
from npbert.tables.rows import (
    CHUNK_CELL_CHARACTERS,
    CHUNK_ROWS,
    Chunk,
    Column,
    Record,
    Row,
    default_text_column,
    is_nan,
    missing_column,
)

_BLANK: Final = " \t\r\n"  # by the specification of JSON


class ParsedRow(NamedTuple):
    """An object of a file.

    Attributes
    ----------
    where : str
        The words that name its place.
    row : dict
    """

    where: str
    row: Row


def read_lines(
    lines: Iterable[str], name: str, column: str | None, *, live: bool = False
) -> tuple[list[str], str, Iterator[Record]]:
    """Read the rows of a file with one object per line, one at a time.

    Parameters
    ----------
    lines : iterable of str
    name : str
        What error messages call the file.
    column : str, optional
        The key of the texts, or the keys that lead to them, joined by dots. By default it is
        "text", or the only key of the first object.
    live : bool
        Whether somebody waits for the rows. If not, rows are read ahead until one has a text.

    Returns
    -------
    columns : list of str
        The keys of the rows up to the first one that has the key of the texts; if somebody waits
        for the rows, those of the first row.
    column : str
    records : iterator of (str or None, dict)
        The text of each row, and the row. The text is None where the object has a null or NaN for
        it, or lacks the key.

    Raises
    ------
    ValueError
        If a line is not a JSON object, if a text is something else, or if so many rows as a chunk
        has, or all, lack the key of the texts.
    """
    return records_of(_parse_lines(lines, name), name, column, live=live)


def records_of(
    rows: Iterator[ParsedRow], name: str, column: str | None, *, live: bool
) -> tuple[list[str], str, Iterator[Record]]:
    """Return the columns, the column of texts and the records of rows, as `read_lines` does."""
    first = next(rows, None)
    if first is None:
        column = column or "text"
        return [column], column, iter(())
    text_column = column or default_text_column(list(first.row))
    ahead: list[ParsedRow] = []
    rows = _require_texts(itertools.chain([first], rows), name, text_column)
    for found in rows:
        ahead.append(found)
        if live or place_of(found.row, text_column, found.where):
            break
    columns = list(dict.fromkeys(key for found in ahead for key in found.row))
    rows = itertools.chain(ahead, rows)
    if column is None and text_column != "text":
        rows = _require_only_column(rows, text_column)
    return columns, text_column, _with_texts(rows, text_column)


def _require_texts(rows: Iterator[ParsedRow], name: str, column: str) -> Iterator[ParsedRow]:
    """Yield the rows, and raise a ValueError if those that could make a chunk lack the column."""
    keys: dict[str, None] = {}
    n_characters = 0
    where = name
    for n_rows, found in enumerate(rows, 1):
        if place_of(found.row, column, found.where):
            yield found
            yield from rows
            return
        where = found.where
        keys |= dict.fromkeys(found.row)
        n_characters += len(repr(found.row))
        if n_rows >= CHUNK_ROWS or n_characters >= CHUNK_CELL_CHARACTERS:
            break
        yield found
    raise missing_column(list(keys), f"{name}, up to {where.removeprefix(f'{name}, ')},", column)


def _require_only_column(rows: Iterator[ParsedRow], column: str) -> Iterator[ParsedRow]:
    """Yield the rows, and raise a ValueError if `column` is not the only one that fits."""
    for found in rows:
        if "text" in found.row:
            raise ValueError(
                f"{found.where}: there is a key 'text', which the first row does not have, so the "
                f"texts may be there or in {shown(column)}; choose one with --column"
            )
        yield found


def _with_texts(rows: Iterator[ParsedRow], column: str) -> Iterator[Record]:
    key = shown(column)
    for where, row in rows:
        place = place_of(row, column, where)
        text = place and place[0][place[1]]
        if text is None or is_nan(text):
            yield None, row
        elif isinstance(text, str):
            yield check_text(text, f"{where}: {key}"), row
        else:
            raise ValueError(f"{where}: {key} is {shown(text)}, expected a string or null")


def _parse_lines(lines: Iterable[str], name: str) -> Iterator[ParsedRow]:
    decoder = make_decoder()
    for number, line in enumerate(lines, 1):
        line = line.strip(_BLANK)
        if line:
            where = f"{name}, line {number}"
            try:
                row = decoder.decode(line)
            except (ValueError, RecursionError) as error:
                raise not_json(error, where) from error
            yield ParsedRow(where, require_object(row, where))


def make_decoder() -> json.JSONDecoder:
    """Return a decoder that refuses objects in which a key is repeated."""
    return json.JSONDecoder(object_pairs_hook=_object_of)


def _object_of(pairs: list[tuple[str, object]]) -> Row:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {shown(key)} is there more than once in an object")
    return found


def not_json(error: Exception, where: str) -> ValueError:
    """Return the error for something that is not JSON, or that Python cannot read."""
    if isinstance(error, json.JSONDecodeError):
        return ValueError(f"{where}: not JSON: {error}")
    return ValueError(f"{where}: cannot be read: {error}")


def require_object(row: object, where: str) -> Row:
    """Return the row, or raise a ValueError if it is not an object."""
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

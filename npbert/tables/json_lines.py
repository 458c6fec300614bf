"""JSON: one object per line."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from npbert.arguments import check_text
from npbert.messages import shown
from npbert.tables.decoding import describe_byte, undecoded_byte
from npbert.tables.json_shapes import advice_for_object
from npbert.tables.nested import place_of
from npbert.tables.rows import (
    CHUNK_CELL_CHARACTERS,
    CHUNK_ROWS,
    BadRow,
    Chunk,
    Column,
    OnBadRow,
    Record,
    Row,
    default_text_column,
    is_nan,
    missing_column,
    stop_at,
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
    lines: Iterable[str],
    name: str,
    column: str | None,
    *,
    live: bool = False,
    on_bad: OnBadRow = stop_at,
) -> tuple[list[str], str, Iterator[Record | BadRow]]:
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
    on_bad : callable
        What to do with a line that is not a JSON object or could not be decoded, and with an object
        whose text is something else.

    Returns
    -------
    columns : list of str
        The keys of the rows up to the first one that has the key of the texts; if somebody waits
        for the rows, those of the first row.
    column : str
    records : iterator of (str or None, dict) or BadRow
        The text of each row, and the row; or a bad row. The text is None where the object has a
        null or NaN for it, or lacks the key.

    Raises
    ------
    ValueError
        If a line is not a JSON object, if a text is something else, or if so many rows as a chunk
        has, or all, lack the key of the texts.
    """
    rows = _parse_lines(lines, name, on_bad)
    return records_of(rows, name, column, live=live, on_bad=on_bad)


def records_of(
    rows: Iterator[ParsedRow | BadRow],
    name: str,
    column: str | None,
    *,
    live: bool,
    on_bad: OnBadRow,
) -> tuple[list[str], str, Iterator[Record | BadRow]]:
    """Return the columns, the column of texts and the records of rows, as `read_lines` does."""
    ahead: list[ParsedRow | BadRow] = []
    first = None
    for found in rows:
        ahead.append(found)
        if isinstance(found, ParsedRow):
            first = found
            break
    if first is None:
        column = column or "text"
        return [column], column, (bad for bad in ahead if isinstance(bad, BadRow))
    text_column = column or _default_key(first.row)
    _reject_whole_table(first, text_column)
    rows = _require_texts(itertools.chain(ahead, rows), name, text_column, on_bad)
    ahead = []
    for found in rows:
        ahead.append(found)
        if isinstance(found, ParsedRow) and (live or _has_text(found, text_column)):
            break
    keys = (key for found in ahead if isinstance(found, ParsedRow) for key in found.row)
    columns = list(dict.fromkeys(keys))
    rows = itertools.chain(ahead, rows)
    if column is None and text_column != "text":
        rows = _require_only_column(rows, text_column)
    return columns, text_column, _with_texts(rows, text_column, on_bad)


def _default_key(row: Row) -> str:
    """Return "text", or the only key of a row if it may be the one of the texts."""
    may_be_texts = all(cell is None or isinstance(cell, str) for cell in row.values())
    return default_text_column(list(row) if may_be_texts else [])


def _reject_whole_table(first: ParsedRow, column: str) -> None:
    """Raise a ValueError if the first object has no valid text, and seems to be a whole table."""
    try:
        _text_of(first.row, column)
    except ValueError as error:
        advice = advice_for_object(first.row, column)
        if advice:
            raise ValueError(f"{first.where}: {error}{advice}") from error


def _check_places(
    rows: Iterator[ParsedRow | BadRow], column: str, on_bad: OnBadRow
) -> Iterator[ParsedRow | BadRow]:
    """Yield the rows; those with something else than objects on the way to the text are bad."""
    for found in rows:
        if isinstance(found, ParsedRow):
            try:
                place_of(found.row, column)
            except ValueError as error:
                found = on_bad(BadRow(found.where, str(error), found.row))
        yield found


def _has_text(found: ParsedRow, column: str) -> bool:
    return place_of(found.row, column) is not None


def _require_texts(
    rows: Iterator[ParsedRow | BadRow], name: str, column: str, on_bad: OnBadRow
) -> Iterator[ParsedRow | BadRow]:
    """Yield the rows, and raise a ValueError if those that could make a chunk lack the column."""
    keys: dict[str, None] = {}
    n_characters = 0
    where, advice = name, ""
    for n_rows, found in enumerate(_check_places(rows, column, on_bad), 1):
        if isinstance(found, ParsedRow):
            if _has_text(found, column):
                yield found
                yield from rows
                return
            where = found.where.removeprefix(f"{name}, ")
            advice = advice_for_object(found.row, column) if n_rows == 1 else ""
            keys |= dict.fromkeys(found.row)
            n_characters += len(repr(found.row))
        if n_rows >= CHUNK_ROWS or n_characters >= CHUNK_CELL_CHARACTERS:
            break
        yield found
    raise missing_column(list(keys), f"{name}, up to {where},", column, advice)


def _require_only_column(
    rows: Iterator[ParsedRow | BadRow], column: str
) -> Iterator[ParsedRow | BadRow]:
    """Yield the rows, and raise a ValueError if `column` is not the only one that fits."""
    for found in rows:
        if isinstance(found, ParsedRow) and "text" in found.row:
            raise ValueError(
                f"{found.where}: there is a key 'text', which the first row does not have, so the "
                f"texts may be there or in {shown(column)}; choose one with --column"
            )
        yield found


def _with_texts(
    rows: Iterator[ParsedRow | BadRow], column: str, on_bad: OnBadRow
) -> Iterator[Record | BadRow]:
    for found in rows:
        if isinstance(found, BadRow):
            yield found
            continue
        try:
            text = _text_of(found.row, column)
        except ValueError as error:
            yield on_bad(BadRow(found.where, str(error), found.row))
        else:
            yield text, found.row


def _text_of(row: Row, column: str) -> str | None:
    place = place_of(row, column)
    text = place and place[0][place[1]]
    if text is None or is_nan(text):
        return None
    if isinstance(text, str):
        return check_text(text, shown(column))
    raise ValueError(f"{shown(column)} is {shown(text)}, expected a string or null")


def _parse_lines(lines: Iterable[str], name: str, on_bad: OnBadRow) -> Iterator[ParsedRow | BadRow]:
    decoder = make_decoder()
    for number, source in enumerate(lines, 1):
        line = source.rstrip(_BLANK)
        if line:
            where = f"{name}, line {number}"
            try:
                row = decoder.decode(line)
            except (ValueError, RecursionError) as error:
                yield on_bad(BadRow(where, describe_error(error), source))
            else:
                yield parsed_row(row, where, source, on_bad)


def make_decoder() -> json.JSONDecoder:
    """Return a decoder that refuses repeated keys, and numbers too large for a float64."""
    return json.JSONDecoder(object_pairs_hook=_object_of, parse_float=_fraction_of)


def _fraction_of(literal: str) -> float:
    """Return the float64 of a number, which must not become infinite: that is another value."""
    number = float(literal)
    if math.isinf(number):
        raise ValueError(
            f"the number {shown(literal)} is too large for 64 bits; store it as a string"
        )
    return number


def _object_of(pairs: list[tuple[str, object]]) -> Row:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {shown(key)} is there more than once in an object")
    return found


def describe_error(error: Exception) -> str:
    """Return the words for something that is not JSON, or that Python cannot read."""
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} (column {error.colno})"
    return f"cannot be read: {error}"


def parsed_row(row: object, where: str, source: str, on_bad: OnBadRow) -> ParsedRow | BadRow:
    """Return the row; it is a bad one if it is not an object, or if not all of it was decoded.

    Parameters
    ----------
    row : object
    where : str
        The words that name its place.
    source : str
        The JSON of the row.
    on_bad : callable
    """
    byte = undecoded_byte(source)
    if byte is not None:
        return on_bad(BadRow(where, describe_byte(byte), source))
    if not isinstance(row, dict):
        problem = f"a {type(row).__name__}, expected a JSON object"
        return on_bad(BadRow(where, problem, source))
    return ParsedRow(where, row)


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

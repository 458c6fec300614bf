"""JSON lines: one object per line."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Iterator
from decimal import Decimal

from npbert.arguments import check_text
from npbert.tables.rows import Chunk, Column, Record, Row, choose_text_column


def read_records(
    lines: Iterable[str], name: str, column: str | None
) -> tuple[list[str], str, Iterator[Record]]:
    """Read the rows of a file of JSON lines, one at a time.

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
    rows = _parse_json_rows(lines, name)
    first = next(rows, None)
    if first is None:
        column = column or "text"
        return [column], column, iter(())
    number, row = first
    text_column = choose_text_column(list(row), f"{name}, line {number},", column)

    def records() -> Iterator[Record]:
        for number, row in itertools.chain([first], rows):
            text = row.get(text_column)
            if isinstance(text, float) and math.isnan(text):  # so pandas writes a null
                text = None
            where = f"{name}, line {number}: {text_column!r}"
            if text is not None and not isinstance(text, str):
                raise ValueError(f"{where} is {text!r}, expected a string or null")
            yield None if text is None else check_text(text, where), row

    return list(row), text_column, records()


def _parse_json_rows(lines: Iterable[str], name: str) -> Iterator[tuple[int, Row]]:
    """Yield each object, after the number of its line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{name}, line {number}: not JSON: {error}") from error
        if not isinstance(row, dict):
            kind = type(row).__name__
            raise ValueError(f"{name}, line {number}: a {kind}, expected a JSON object")
        yield number, row


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
        f"a cell holds {value!r} ({type(value).__name__}), which csv and JSON cannot hold; "
        "write --format parquet"
    )

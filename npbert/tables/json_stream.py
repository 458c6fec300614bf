"""JSON that is not one object per line: an array of objects, or objects over several lines."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Final

from npbert.tables.decoding import MOST_CHARACTERS
from npbert.tables.json_lines import (
    ParsedRow,
    describe_error,
    make_decoder,
    parsed_row,
    records_of,
)
from npbert.tables.json_shapes import advice_for_array
from npbert.tables.rows import BadRow, OnBadRow, Record, stop_at

_BLOCK_CHARACTERS: Final = 1 << 16
_BETWEEN_ELEMENTS: Final = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")
# Where a text is cut off, an error is at the cut, or at the beginning of a string that is cut.
_CUT_CHARACTERS: Final = 16
_CUT_STRING: Final = "Unterminated string"
# No line of JSON lines is a brace alone, but the first line of an object over several lines is.
_BEGINNING: Final = re.compile(rb"(\xef\xbb\xbf)?[ \t\r\n]*(\[|\{[ \t]*\r?\n)")


def is_stream(head: bytes) -> bool:
    """Tell whether a file that begins with `head` is read by `read_stream`."""
    return _BEGINNING.match(head) is not None


def read_stream(
    read: Callable[[int], str],
    name: str,
    column: str | None,
    *,
    live: bool = False,
    on_bad: OnBadRow = stop_at,
) -> tuple[list[str], str, Iterator[Record | BadRow]]:
    """Read the rows of an array of objects, or objects one after the other, one at a time.

    Parameters
    ----------
    read : callable
        Returns so many more characters of the file, or fewer at its end.
    name, column, live, on_bad
        As in `npbert.tables.json_lines.read_lines`.

    Returns
    -------
    columns, column, records
        As in `npbert.tables.json_lines.read_lines`.

    Raises
    ------
    ValueError
        If an element is not a JSON object, or if a text is something else.
    """
    rows = _parse_elements(read, name, on_bad)
    return records_of(rows, name, column, live=live, on_bad=on_bad)


def _parse_elements(
    read: Callable[[int], str], name: str, on_bad: OnBadRow
) -> Iterator[ParsedRow | BadRow]:
    """Yield each object, after the words that name its place.

    Only the characters of the present element are in memory, and of a few more.
    """
    decoder = make_decoder()
    text = read(_BLOCK_CHARACTERS)
    while not text.strip():
        text += read(_BLOCK_CHARACTERS)
    start = len(text) - len(text.lstrip())
    is_array = text[start] == "["
    place = start + is_array
    for number in itertools.count():
        where = f"{name}, element {number} (counted from 0)"
        while True:
            found = _BETWEEN_ELEMENTS.match(text, place)
            start = found.end() if found else place
            if is_array and start < len(text):
                is_end = text[start] == "]"
                _check_comma("," in text[place:start], number == 0, is_end, where)
                if is_end:
                    _require_end(text[start + 1 :], read, name)
                    return
            try:
                row, end = decoder.raw_decode(text, start)
                break
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith(_CUT_STRING) or (
                    error.pos > len(text) - _CUT_CHARACTERS
                )
                if len(text) - place > MOST_CHARACTERS:
                    raise ValueError(
                        f"{where}: more than {MOST_CHARACTERS:,} characters, and no end of it"
                    ) from error
                # As much again, so that a long element is not parsed too many times.
                more = read(max(_BLOCK_CHARACTERS, len(text) - place)) if is_cut else ""
                if not more:
                    if not is_array and start == len(text):
                        return
                    raise ValueError(f"{where}: not JSON: {error.msg}") from error
                text, place = text[place:] + more, 0
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{where}: {describe_error(error)}") from error
        advice = advice_for_array(row) if is_array and number == 0 else ""
        if advice:
            raise ValueError(f"{where}: a {type(row).__name__}, expected a JSON object{advice}")
        yield parsed_row(row, where, text[start:end], on_bad)
        place = end


def _check_comma(has_comma: bool, is_first: bool, is_end: bool, where: str) -> None:
    """Raise a ValueError where an element of an array is lost, or was never there."""
    if has_comma and (is_first or is_end):
        raise ValueError(
            f"{where}: not JSON: nothing stands on one side of a comma, expected an element there"
        )
    if not (has_comma or is_first or is_end):
        raise ValueError(f"{where}: not JSON: there is no comma before it")


def _require_end(rest: str, read: Callable[[int], str], name: str) -> None:
    """Raise a ValueError if something follows an array."""
    while not rest.strip():
        rest = read(_BLOCK_CHARACTERS)
        if not rest:
            return
    raise ValueError(
        f"{name}: something follows the array, expected the end of the file; give every array "
        "a file of its own, or write one object per line"
    )

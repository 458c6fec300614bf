"""How values, names and counts stand in messages: short, harmless, and in good English."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_MOST_NAMES: Final = 10
_MOST_CHARACTERS: Final = 40
_MOST_OF_EXCERPTS: Final = 200


def shown(value: object) -> str:
    """Return a value as it is shown in a message: as Python writes it, cut at 40 characters.

    Line breaks and the control characters of terminals are written as Python's escapes, so a value
    from a file cannot write outside of its place in the message.
    """
    if isinstance(value, (str, bytes)):
        value = value[: _MOST_CHARACTERS + 1]  # the text of a cell can be very long
    written = repr(value)
    return written if len(written) <= _MOST_CHARACTERS + 2 else f"{written[:_MOST_CHARACTERS]}…"


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError name the file or folder that is written; that of a full disk does not."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def with_noun(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: "1 row", "2,000 rows".

    Where a verb follows, both forms are given together with it: "row is", "rows are".
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def harmless(text: str) -> str:
    """Return a text in which control characters of terminals are written as Python's escapes."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def excerpt(words: object) -> str:
    """Return what another program says, on one line, cut at 200 characters, and harmless.

    The message of another program may quote values of a file, or have several lines.
    """
    return as_name(" ".join(str(words).split()))


def as_name(text: str) -> str:
    """Return a name from a file, without quotes around it, harmless and cut at 200 characters."""
    text = harmless(text[: _MOST_OF_EXCERPTS + 1])
    return text if len(text) <= _MOST_OF_EXCERPTS else f"{text[:_MOST_OF_EXCERPTS]}…"


def enumerate_names(names: Iterable[str]) -> str:
    """Return at most ten of the names, separated by commas, and the number of the others."""
    names = list(names)
    more = len(names) - _MOST_NAMES
    return ", ".join(map(as_name, names[:_MOST_NAMES])) + (f" and {more} more" if more > 0 else "")


def enumerate_values(values: Iterable[object]) -> str:
    """Return at most ten of the values, as `shown` shows them, and the number of the others."""
    return enumerate_names(map(shown, values))

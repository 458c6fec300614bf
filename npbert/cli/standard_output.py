"""Standard output as a program needs it: nothing that is written there may be lost unnoticed."""

from __future__ import annotations

import io
import json
import os
import sys


def prepare_streams() -> None:
    """Put something in the place of a standard stream that is closed.

    If standard error is closed, as daemons have it, messages are dropped. If standard output is
    closed, writing to it raises an OSError. An open one is set to wait until there is room. The
    descriptor of a closed stream is taken, so that no file gets it.
    """
    if sys.stdin is None:
        os.open(os.devnull, os.O_WRONLY)
    if sys.stdout is None:
        sys.stdout = _Closed()
        os.open(os.devnull, os.O_WRONLY)
    elif os.name != "nt":  # a pipe that does not block refuses what it has no room for just now
        os.set_blocking(sys.stdout.fileno(), True)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


class _Closed(io.TextIOBase):
    """A standard output that is closed."""

    def write(self, _text: str, /) -> int:
        raise OSError("standard output is closed; give --output FILE")


def write_bytes(content: bytes) -> None:
    """Write the bytes of a file format, which are UTF-8 whatever the locale is.

    Programs get the bytes as they are. A terminal would obey the control characters of cells and
    labels, so it gets the escapes that JSON has for them.
    """
    if sys.stdout.isatty():
        content = _for_terminals(content.decode()).encode()
    _write(content, "utf-8")


def write_for_people(text: str) -> None:
    """Write a text in the encoding of the terminal; "?" stands for characters that it lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    _write(text.encode(encoding, "replace"), encoding)


def _for_terminals(text: str) -> str:
    """Return some lines of a file format in which no character acts on a terminal."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(map(escape_as_json, lines))


def escape_as_json(line: str) -> str:
    """Return a line in which each character that is not shown is written as JSON escapes it.

    In a line of JSON, the values stay the same.
    """
    return "".join(
        character if character.isprintable() or character == "\t" else json.dumps(character)[1:-1]
        for character in line
    )


def _write(content: bytes, encoding: str) -> None:
    sys.stdout.flush()
    if isinstance(sys.stdout, io.TextIOWrapper):
        rest = memoryview(content)
        while rest:  # with PYTHONUNBUFFERED, one call may write only a part
            rest = rest[sys.stdout.buffer.write(rest) :]
    else:  # somebody has put an object that takes text in its place
        sys.stdout.write(content.decode(encoding))
    sys.stdout.flush()


def drop_unwritten() -> None:
    """Drop what cannot be written.

    Otherwise Python would try to write it once more when it exits, and print another error.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

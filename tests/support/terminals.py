"""The command line on terminals."""

from __future__ import annotations

import os
import threading

import pytest

from tests.support.command_line import start_npbert

# The colours of `npbert explain`, and what tqdm writes around its line.
_OURS = ("\x1b[94m", "\x1b[33m", "\x1b[0m", "\x1b[A")
_JOINERS = "\u200c\u200d"  # parts of words in Persian and Indian languages, and of emoji


def run_on_terminals(
    *arguments: str, stdin: bytes = b"", code: int = 0, **variables: str
) -> tuple[str, str]:
    """Run the command line with two terminals: as its standard output and its standard error.

    Returns what each of them shows.
    """
    pty = pytest.importorskip("pty")
    termios = pytest.importorskip("termios")
    ends = [pty.openpty() for _ in range(2)]
    for _, theirs in ends:
        termios.tcsetwinsize(theirs, (24, 80))
    to_read, to_write = os.pipe()
    process = start_npbert(
        *arguments,
        stdout=ends[0][1],
        stderr=ends[1][1],
        stdin=to_read,
        env=os.environ | variables,
    )
    os.close(to_read)
    shown = [b"", b""]

    def read(number: int) -> None:
        ours, theirs = ends[number]
        os.close(theirs)
        try:
            while part := os.read(ours, 4096):
                shown[number] += part
        except OSError:  # the other end is closed
            pass
        os.close(ours)

    threads = [threading.Thread(target=read, args=[number]) for number in range(2)]
    for thread in threads:
        thread.start()
    try:
        with os.fdopen(to_write, "wb") as stream:
            stream.write(stdin)
    except BrokenPipeError:  # it ended before it had read all
        pass
    for thread in threads:
        thread.join()
    assert process.wait(60) == code, shown
    return shown[0].decode(), shown[1].decode()


def obeyed(shown: str) -> set[str]:
    """Return the characters that a terminal obeys, other than line ends and our own colours."""
    shown = shown.replace("\r\n", "\n")
    for ours in _OURS:
        shown = shown.replace(ours, "")
    return {
        character
        for character in shown
        if not character.isprintable() and character not in f"\n\t{_JOINERS}"
    }

"""The files of a model that are read whole: what they may be, and how large."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from npbert.checkpoints.links import describe_link, leads_outside

MOST_BYTES_OF_JSON: Final = 16 << 20  # as objects of Python, such a file takes up to 30 times this
MOST_BYTES_OF_VOCABULARY: Final = 64 << 20

_NOT_BLOCKING: Final = getattr(os, "O_NONBLOCK", 0)  # or opening a FIFO would wait for a writer


def read_small_file(path: str | Path, most_bytes: int = MOST_BYTES_OF_JSON) -> bytes:
    """Read a whole file, if it is a regular file and not too large.

    Parameters
    ----------
    path : str or Path
    most_bytes : int
        The size of the largest file that is read.

    Returns
    -------
    bytes

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is a FIFO, a device or a link out of its folder, or if it is too large.
    """
    with _opened(path, most_bytes) as file:
        return file.read(most_bytes)


def check_small_file(path: str | Path, most_bytes: int) -> None:
    """Raise the errors of `read_small_file` for a file that a library reads by its path."""
    with _opened(path, most_bytes):
        pass


@contextmanager
def _opened(path: str | Path, most_bytes: int) -> Iterator[BinaryIO]:
    if leads_outside(path):
        raise ValueError(describe_link(path))
    with open(path, "rb", opener=_open_without_waiting) as file:
        _check_status(os.fstat(file.fileno()), str(path), most_bytes)
        yield file


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | _NOT_BLOCKING)


def _check_status(status: os.stat_result, path: str, most_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path} is not a regular file; put a copy of the file in its place")
    if status.st_size > most_bytes:
        raise ValueError(
            f"{path} has {status.st_size:,} bytes, expected at most {most_bytes:,}; is it the file "
            "that its name says?"
        )

"""The files of a model that are read whole: what they may be, and how large."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

MOST_BYTES_OF_JSON: Final = 16 << 20  # as objects of Python, such a file takes up to 30 times this
MOST_BYTES_OF_VOCABULARY: Final = 64 << 20

_NOT_BLOCKING: Final = getattr(os, "O_NONBLOCK", 0)  # or opening a FIFO would wait for a writer
_AS_IT_IS: Final = getattr(os, "O_BINARY", 0)  # on Windows, where files are text otherwise


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
        If it is a FIFO or a device, or if it is too large.
    """
    with os.fdopen(_open_small_file(path, most_bytes), "rb") as file:
        return file.read(most_bytes)


def check_small_file(path: str | Path, most_bytes: int) -> None:
    """Raise the errors of `read_small_file` for a file that a library reads by its path."""
    os.close(_open_small_file(path, most_bytes))


def _open_small_file(path: str | Path, most_bytes: int) -> int:
    descriptor = os.open(path, os.O_RDONLY | _NOT_BLOCKING | _AS_IT_IS)
    try:
        _check_status(os.fstat(descriptor), str(path), most_bytes)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_status(status: os.stat_result, path: str, most_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path} is not a regular file; put a copy of the file in its place")
    if status.st_size > most_bytes:
        raise ValueError(
            f"{path} has {status.st_size:,} bytes, expected at most {most_bytes:,}; is it the file "
            "that its name says?"
        )

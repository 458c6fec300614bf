"""The bytes of a file or of standard input, decompressed while they are read."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from npbert.tables import sniffing
from npbert.tables.compression import Decompressed, compression_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


@dataclass(frozen=True)
class Source:
    """A file that is being read.

    Attributes
    ----------
    name : str
        What error messages call the file.
    stream : binary file
        The content, decompressed.
    head : bytes
        The first bytes of the content.
    size_bytes : int or None
        The size of the file as it is stored; None for a pipe, whose size nobody knows.
    is_compressed : bool
    """

    name: str
    stream: BinaryIO
    head: bytes
    size_bytes: int | None
    is_compressed: bool
    _stored: BinaryIO

    @property
    def is_parquet(self) -> bool:
        """Whether the content begins as a parquet file does."""
        return sniffing.is_parquet(self.head)

    @property
    def is_pipe(self) -> bool:
        """Whether the source is a pipe or a terminal, where more content may come later."""
        return self.size_bytes is None

    def position_bytes(self) -> int:
        """Return how many bytes of the stored file have been read."""
        return self._stored.tell()


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """Open a file for reading, and decompress it if it is compressed.

    Parameters
    ----------
    path : str
        The file, or "-" for standard input.

    Yields
    ------
    Source

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If the file is no table, such as an archive. Reading from the source raises it if the
        file is damaged.
    ModuleNotFoundError
        If the file is compressed with zstd, and neither Python nor pyarrow can read that.
    """
    name = "standard input" if path == "-" else path
    if path == "-" and sys.stdin is None:
        raise OSError("standard input is closed; give --input FILE, or a pipe")
    # The descriptor is duplicated, so that Python's own standard input is not closed with it.
    with open(os.dup(0) if path == "-" else path, "rb", buffering=0) as raw:
        if os.name != "nt":  # a pipe that does not block seems to end where it is empty for now
            os.set_blocking(raw.fileno(), True)
        status = os.fstat(raw.fileno())
        is_file = stat.S_ISREG(status.st_mode)
        head = _read_head(raw)
        if is_file:
            raw.seek(-len(head), os.SEEK_CUR)
        # This reader is not closed here: closing it would wait for a thread that waits for a pipe.
        stored = io.BufferedReader(raw if is_file else _Rejoined(head, raw))
        compression = sniffing.compression_of_content(head)
        stream: BinaryIO = stored
        is_cut = compression is None and head != b"" and sniffing.is_undecided(head)
        if is_cut and compression_of(path):
            raise ValueError(
                f"{name} is damaged or incomplete: it ends within its first bytes; fetch or "
                "compress it once more"
            )
        if compression is not None:
            content = Decompressed(stored, compression, name)
            head = _read_head(content)
            stream = io.BufferedReader(_Rejoined(head, content))
        sniffing.reject_foreign(head, name)
        size = status.st_size if is_file else None
        yield Source(name, stream, head, size, compression is not None, stored)


def _read_head(file: io.RawIOBase) -> bytes:
    """Read the first bytes, which tell what kind of file this is.

    If the program at the other end of a pipe has written only a few bytes so far, no more are
    asked for than it takes to tell. It may pause, and its first line must not be kept back until
    it goes on.
    """
    head = b""
    while not head or sniffing.is_undecided(head):
        more = file.read(sniffing.HEAD_BYTES - len(head))
        if not more:
            break
        head += more
    return head


class _Rejoined(io.RawIOBase):
    """A file whose first bytes have been read already, and are given out once more."""

    def __init__(self, head: bytes, rest: io.RawIOBase) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if not self._head:
            return self._rest.readinto(buffer)
        view = memoryview(buffer)
        n_bytes = min(len(view), len(self._head))
        view[:n_bytes] = self._head[:n_bytes]
        self._head = self._head[n_bytes:]
        return n_bytes

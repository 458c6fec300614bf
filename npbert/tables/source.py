"""Bytes of a file or of standard input, decompressed while they are read."""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError, ZstdFile

    _DAMAGE: Final = (EOFError, zlib.error, ZstdError)
else:
    _DAMAGE: Final = (EOFError, zlib.error)

# What a file begins with, by RFC 1952 and RFC 8878.
_MAGIC: Final = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst"}
_NOT_READ: Final = {
    b"PK\x03\x04": "a zip archive (a spreadsheet, perhaps); extract it, or save it as csv",
    b"\xfd7zXZ\x00": "compressed with xz; try xzcat FILE | npbert classify -",
    b"BZh91AY&SY": "compressed with bzip2; try bzcat FILE | npbert classify -",
}
_PARQUET: Final = b"PAR1"
_HEAD_BYTES: Final = 10

_ZST_ASKED: Final = "a .zst file is asked for"

COMPRESSIONS: Final = tuple(_MAGIC.values())


@dataclass(frozen=True)
class Source:
    """A file that is being read.

    Attributes
    ----------
    name : str
        Names it in error messages.
    stream : binary file
        Its content, decompressed.
    head : bytes
        The first bytes of the content.
    size_bytes : int or None
        Of the file as it is stored; None where nobody knows, as for a pipe.
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
        """Whether the content begins as parquet does."""
        return self.head.startswith(_PARQUET)

    @property
    def is_pipe(self) -> bool:
        """Whether more may come later: a pipe or a terminal, not a file."""
        return self.size_bytes is None

    def position_bytes(self) -> int:
        """How far the stored file has been read."""
        return self._stored.tell()


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """Open a file, or standard input for "-", whatever it is compressed with.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is compressed otherwise; while it is read, if it is damaged.
    ModuleNotFoundError
        If it is compressed with zstd, and neither Python nor pyarrow can read that.
    """
    name = "standard input" if path == "-" else path
    # A copy of the descriptor: closing it leaves Python's own standard input alone.
    with open(os.dup(0) if path == "-" else path, "rb", buffering=0) as raw:
        if os.name != "nt":  # else a pipe that has nothing for now would look as if it had ended
            os.set_blocking(raw.fileno(), True)
        status = os.fstat(raw.fileno())
        is_file = stat.S_ISREG(status.st_mode)
        head = _first_bytes(raw)
        if is_file:
            raw.seek(-len(head), os.SEEK_CUR)
        # Not to be closed itself: that would wait for a thread that waits for a pipe.
        stored = io.BufferedReader(raw if is_file else _FromStart(head, raw))
        compression = _compression(head)
        stream: Any = stored
        if compression is not None:
            content = _Decompressed(stored, compression, name)
            head = _first_bytes(content)
            stream = io.BufferedReader(_FromStart(head, content))
        for magic, what in _NOT_READ.items():
            if head.startswith(magic):
                raise ValueError(f"{name} is {what}")
        size = status.st_size if is_file else None
        yield Source(name, stream, head, size, compression is not None, stored)


def compression_of(path: str) -> str | None:
    """How a file is to be compressed by its ending: one of `COMPRESSIONS`, or None."""
    ending = Path(path).suffix.lower().removeprefix(".")
    return ending if ending in COMPRESSIONS else None


def _compression(head: bytes) -> str | None:
    """How a file is compressed, by what it begins with."""
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def _first_bytes(file: io.RawIOBase) -> bytes:
    """As many as say what it is: those who write to a pipe may pause behind any of them."""
    known = (*_MAGIC, *_NOT_READ, _PARQUET)
    head = b""
    while any(len(head) < len(magic) and magic.startswith(head) for magic in known):
        more = file.read(_HEAD_BYTES - len(head))
        if not more:
            break
        head += more
    return head


class _FromStart(io.RawIOBase):
    """A file of which the first bytes were read already: they come once more."""

    def __init__(self, head: bytes, rest: io.RawIOBase) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self._head:
            return self._rest.readinto(buffer)
        n_bytes = min(len(buffer), len(self._head))
        buffer[:n_bytes] = self._head[:n_bytes]
        self._head = self._head[n_bytes:]
        return n_bytes


class _Decompressed(io.RawIOBase):
    """The content of a compressed file; where it is damaged, an error that says so."""

    def __init__(self, stored: BinaryIO, compression: str, name: str) -> None:
        self._name = name
        self._decompressing = _decompressing(stored, compression, name)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._decompressing.read(len(buffer))
        except OSError as error:
            if error.errno is not None:  # of the file itself
                raise
            raise self._damage(error) from error
        except _DAMAGE as error:
            raise self._damage(error) from error
        buffer[: len(content)] = content
        return len(content)

    def _damage(self, error: Exception) -> ValueError:
        return ValueError(
            f"{self._name} is damaged or incomplete and cannot be decompressed: {error}"
        )


def _decompressing(stored: BinaryIO, compression: str, name: str) -> Any:
    if compression == "gz":
        return gzip.GzipFile(fileobj=stored)
    if sys.version_info >= (3, 14):
        return ZstdFile(stored)
    return import_optional("pyarrow", f"{name} is compressed with zstd").CompressedInputStream(
        stored, "zstd"
    )


def open_compressed(stream: BinaryIO, compression: str) -> Any:
    """A file to write to, whose compressed content goes to `stream`; close it at the end."""
    if compression == "gz":  # no name and no time in it: the same rows give the same bytes
        return gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0)
    if sys.version_info >= (3, 14):
        return ZstdFile(stream, "wb")
    return import_optional("pyarrow", _ZST_ASKED).CompressedOutputStream(stream, "zstd")


def require_compressor(compression: str) -> None:
    """Raise ModuleNotFoundError now where `open_compressed` would, at the end of a night's work."""
    if compression == "zst" and sys.version_info < (3, 14):
        import_optional("pyarrow", _ZST_ASKED)


def import_optional(module: str, what: str) -> Any:
    """A module of the extra "files"; where it is missing, the error says what it is for."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise ModuleNotFoundError(
            f"{what}, and that takes pyarrow: pip install 'npbert[files]'", name=error.name
        ) from error

"""The bytes of a file or of standard input, decompressed while they are read."""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

if TYPE_CHECKING:
    from _typeshed import SupportsWrite, WriteableBuffer

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError, ZstdFile

    _DAMAGE: Final = (EOFError, zlib.error, ZstdError)
else:
    _DAMAGE: Final = (EOFError, zlib.error)

# The first bytes of compressed files, by RFC 1952 and RFC 8878.
_MAGIC: Final = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst"}
_NOT_READ: Final = {
    b"PK\x03\x04": "a zip archive (perhaps a spreadsheet); extract it, or save it as csv",
    b"\xfd7zXZ\x00": "compressed with xz; try xzcat FILE | npbert classify -",
    b"BZh91AY&SY": "compressed with bzip2; try bzcat FILE | npbert classify -",
}
_PARQUET: Final = b"PAR1"
_HEAD_BYTES: Final = 10  # the length of the longest of these beginnings

_ZST_REQUESTED: Final = "a .zst file is asked for"

COMPRESSIONS: Final = tuple(_MAGIC.values())


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
        return self.head.startswith(_PARQUET)

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
        If the file is compressed in a way that is not supported. Reading from the source raises
        it if the file is damaged.
    ModuleNotFoundError
        If the file is compressed with zstd, and neither Python nor pyarrow can read that.
    """
    name = "standard input" if path == "-" else path
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
        compression = _compression_of_content(head)
        stream: BinaryIO = stored
        if compression is not None:
            content = _Decompressed(stored, compression, name)
            head = _read_head(content)
            stream = io.BufferedReader(_Rejoined(head, content))
        for magic, description in _NOT_READ.items():
            if head.startswith(magic):
                raise ValueError(f"{name} is {description}")
        size = status.st_size if is_file else None
        yield Source(name, stream, head, size, compression is not None, stored)


def compression_of(path: str) -> str | None:
    """Return the compression that a file's ending asks for: one of `COMPRESSIONS`, or None."""
    ending = Path(path).suffix.lower().removeprefix(".")
    return ending if ending in COMPRESSIONS else None


def _compression_of_content(head: bytes) -> str | None:
    """Return the compression of a file that begins with `head`, or None."""
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def _read_head(file: io.RawIOBase) -> bytes:
    """Read just enough of the first bytes to tell what kind of file this is.

    It does not ask for more than that, because the program at the other end of a pipe may write a
    few bytes and then pause. Its first line must not be kept back until it goes on.
    """
    known = (*_MAGIC, *_NOT_READ, _PARQUET)
    head = b""
    while any(len(head) < len(magic) and magic.startswith(head) for magic in known):
        more = file.read(_HEAD_BYTES - len(head))
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


class _Readable(Protocol):
    """A file that can be read."""

    def read(self, size: int, /) -> bytes: ...


class _Decompressed(io.RawIOBase):
    """The content of a compressed file; reading it raises a ValueError if the file is damaged."""

    def __init__(self, stored: BinaryIO, compression: str, name: str) -> None:
        self._name = name
        self._content = _open_decompressed(stored, compression, name)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        try:
            content = self._content.read(len(view))
        except OSError as error:
            if error.errno is not None:  # an error of the disk, not of the decompression
                raise
            raise self._damage(error) from error
        except _DAMAGE as error:
            raise self._damage(error) from error
        view[: len(content)] = content
        return len(content)

    def _damage(self, error: Exception) -> ValueError:
        return ValueError(
            f"{self._name} is damaged or incomplete and cannot be decompressed: {error}"
        )


def _open_decompressed(stored: BinaryIO, compression: str, name: str) -> _Readable:
    if compression == "gz":
        return gzip.GzipFile(fileobj=stored)
    if sys.version_info >= (3, 14):
        return ZstdFile(stored)
    pyarrow = import_optional("pyarrow", f"{name} is compressed with zstd")
    stream: _Readable = pyarrow.CompressedInputStream(stored, "zstd")
    return stream


def open_compressed(
    stream: BinaryIO, compression: str
) -> AbstractContextManager[SupportsWrite[bytes]]:
    """Open a file that compresses what is written to it.

    Parameters
    ----------
    stream : binary file
        Where the compressed content goes. It is complete when the returned file is closed.
    compression : str
        One of `COMPRESSIONS`.

    Raises
    ------
    ModuleNotFoundError
        As `require_compressor` does.
    """
    if compression == "gz":  # without a name and a time, the same rows give the same bytes
        return gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0)
    if sys.version_info >= (3, 14):
        return ZstdFile(stream, "wb")
    file: AbstractContextManager[SupportsWrite[bytes]]
    file = import_optional("pyarrow", _ZST_REQUESTED).CompressedOutputStream(stream, "zstd")
    return file


def require_compressor(compression: str) -> None:
    """Raise a ModuleNotFoundError if a package is missing that `open_compressed` needs.

    It is called before the rows are labelled, because the error would come too late after hours
    of work.
    """
    if compression == "zst" and sys.version_info < (3, 14):
        import_optional("pyarrow", _ZST_REQUESTED)


def import_optional(module: str, reason: str) -> ModuleType:
    """Import a module of pyarrow, which comes with the extra "files".

    Parameters
    ----------
    module : str
    reason : str
        Why the module is needed: a clause that begins the error message.

    Raises
    ------
    ModuleNotFoundError
        If pyarrow is not installed. The message says how to install it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise ModuleNotFoundError(
            f"{reason}, and that takes pyarrow: pip install 'npbert[files]'", name=error.name
        ) from error

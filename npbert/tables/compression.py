"""Compressed files: their content is read and written while it passes by."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from npbert.messages import excerpt

if TYPE_CHECKING:
    from _typeshed import SupportsWrite, WriteableBuffer

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError, ZstdFile

    _DAMAGE: Final = (EOFError, zlib.error, ZstdError)
else:
    _DAMAGE: Final = (EOFError, zlib.error)

READ: Final = ("gz", "zst", "bz2", "xz")  # the compressions that are read, by their endings
WRITTEN: Final = ("gz", "zst")

_ZST_REQUESTED: Final = "a .zst file is asked for"
_BLOCK_BYTES: Final = 1 << 16


def compression_of(path: str) -> str | None:
    """Return the compression that a file's ending stands for: one of `READ`, or None."""
    ending = Path(path).suffix.lower().removeprefix(".")
    return ending if ending in READ else None


class _Readable(Protocol):
    """A file that can be read."""

    def read(self, size: int, /) -> bytes: ...


class Decompressed(io.RawIOBase):
    """The content of a compressed file.

    Parameters
    ----------
    stored : binary file
    compression : str
        One of `READ`.
    name : str
        What error messages call the file.

    Raises
    ------
    ValueError
        If the file is damaged, when the damage is read.
    ModuleNotFoundError
        If the file is compressed with zstd, and neither Python nor pyarrow can read that.
    """

    def __init__(self, stored: BinaryIO, compression: str, name: str) -> None:
        self._name = name
        self._content = _open(stored, compression, name)

    def readable(self) -> bool:
        """Tell that the file can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read content into a buffer, and return the number of bytes."""
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
        if "too much memory" in str(error):  # zstd's words for a window of more than 128 MiB
            return ValueError(
                f"{self._name} was compressed with zstd --long, whose windows are not read; "
                "decompress it with zstd -d --long=31"
            )
        return ValueError(
            f"{self._name} is damaged or incomplete and cannot be decompressed "
            f"({excerpt(error)}); fetch or compress it once more"
        )


def _open(stored: BinaryIO, compression: str, name: str) -> _Readable:
    if compression == "gz":
        return gzip.GzipFile(fileobj=stored)
    # A Python that was built without these libraries can still read everything else.
    if compression == "bz2":
        import bz2

        return _Streams(stored, bz2.BZ2Decompressor, OSError)
    if compression == "xz":
        import lzma

        return _Streams(stored, partial(lzma.LZMADecompressor, lzma.FORMAT_XZ), lzma.LZMAError)
    if sys.version_info >= (3, 14):
        return ZstdFile(stored)
    pyarrow = import_optional("pyarrow", f"{name} is compressed with zstd")
    stream: _Readable = pyarrow.CompressedInputStream(stored, "zstd")
    return stream


class _Decompressor(Protocol):
    """A decompressor of the standard library, for one stream."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Streams:
    """Compressed streams, one behind the other.

    The files of the standard library for bzip2 and xz ignore whatever is behind a stream. But a
    stream whose first bytes are damaged has rows, too.
    """

    def __init__(
        self, stored: BinaryIO, make: Callable[[], _Decompressor], damage: type[Exception]
    ) -> None:
        self._stored = stored
        self._make = make
        self._damage = damage
        self._stream = make()

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes of the content; none at its end."""
        while True:
            data = b""
            if self._stream.eof:
                data = self._without_zeros(self._stream.unused_data)
                if not data:
                    return b""
                self._stream = self._make()
            elif self._stream.needs_input:
                data = self._stored.read(_BLOCK_BYTES)
                if not data:
                    raise EOFError("its end is missing")
            try:
                content = self._stream.decompress(data, size)
            except self._damage as error:
                raise EOFError(str(error)) from error
            if content:
                return content

    def _without_zeros(self, data: bytes) -> bytes:
        """Return what follows the zeros that may stand between streams."""
        while not (data := data.lstrip(b"\0")):
            data = self._stored.read(_BLOCK_BYTES)
            if not data:
                return b""
        return data


def open_compressed(
    stream: BinaryIO, compression: str
) -> AbstractContextManager[SupportsWrite[bytes]]:
    """Open a file that compresses what is written to it.

    Parameters
    ----------
    stream : binary file
        Where the compressed content goes. It is complete when the returned file is closed.
    compression : str
        One of `WRITTEN`.

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

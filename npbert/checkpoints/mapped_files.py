"""The files of weights, which are mapped into memory, and whether they have changed since.

The values of a mapped tensor lie in the file itself. So they change when a program writes into the
file, and the system ends this process with SIGBUS when it reads what has been cut off the file.
No program can prevent that. But a look at the size and the time of a file costs less than a
microsecond, and it is taken before and after everything that is computed.

A new file that is renamed over the old one does no harm, because the mapping keeps the old one. So
the look is at the file that was opened, and not at what has its name now.
"""

from __future__ import annotations

import math
import mmap
import os
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from npbert.checkpoints.safetensors_files import ITEM_SIZES, CheckpointError, StoredTensor

_READ_BINARY: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0)
# Windows lets nobody replace or remove a file that is open or mapped, such as one in a temporary
# folder whose model is still in the cache of `classify`.
_MAPS: Final = os.name != "nt"
_ADVICE: Final = (
    "load the model again; and replace a model by writing a new folder and renaming it, never by "
    "writing into its files"
)


class FileState(NamedTuple):
    """What shows that a file has changed, although nobody has read it."""

    inode: int
    size_bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileState:
        """Return the state of a file that `os.stat` or a relative of it has looked at."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)

    def __str__(self) -> str:
        seconds, nanoseconds = divmod(self.mtime_ns, 10**9)
        written = datetime.fromtimestamp(seconds, UTC)
        return (
            f"{self.size_bytes:,} bytes, written {written:%Y-%m-%d %H:%M:%S}.{nanoseconds:09} UTC"
        )


class MappedFiles:
    """The files of the weights of one model.

    Parameters
    ----------
    paths : iterable of Path
    disable_mmap : bool
        Whether every tensor is read into memory of its own, and nothing is mapped.
    """

    def __init__(self, paths: Iterable[Path] = (), *, disable_mmap: bool = False) -> None:
        self._disable_mmap = disable_mmap or not _MAPS
        self._watched = {path: _WatchedFile(path) for path in paths}
        self._states = {path: file.state for path, file in self._watched.items()}

    def __reduce__(self) -> tuple[type[MappedFiles], tuple[()], dict[str, object]]:
        # The arrays of a copy of a model have memory of their own.
        return MappedFiles, (), {"_states": self._states}

    def stored_bytes(self, tensor: StoredTensor) -> NDArray[np.uint8]:
        """Return the bytes of a tensor's values, which are not copied if they are mapped.

        Raises
        ------
        CheckpointError
            If the file has changed.
        """
        file = self._watched[tensor.path]
        file.require_unchanged()
        size_bytes = math.prod(tensor.shape) * ITEM_SIZES[tensor.dtype]
        if self._disable_mmap:
            return file.read(tensor.offset, size_bytes)
        return file.map()[tensor.offset : tensor.offset + size_bytes]

    def release_unused(self) -> None:
        """Close the files that no array is a view of. What becomes of them does not matter."""
        self._watched = {path: file for path, file in self._watched.items() if file.is_mapped}

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Require that no mapped file has changed when the block begins, nor when it ends."""
        self.require_unchanged()
        try:
            yield
        finally:
            self.require_unchanged()

    def require_unchanged(self) -> None:
        """Raise a CheckpointError if a mapped file has changed since it was opened."""
        for file in self._watched.values():
            file.require_unchanged()

    def require_in_place(self) -> None:
        """Raise a CheckpointError if a path leads to another file than it did, or to none."""
        for path, state in self._states.items():
            found = FileState.of(path.stat()) if path.exists() else None
            if found != state:
                raise CheckpointError(
                    f"{path} is not the file that was read: it has {found or 'been removed'}, "
                    f"expected {state}; {_ADVICE}"
                )


class _WatchedFile:
    """A file that stays open, whatever becomes of its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, _READ_BINARY)
        weakref.finalize(self, os.close, self._descriptor)
        self.state = FileState.of(os.fstat(self._descriptor))
        self._mapping: weakref.ref[mmap.mmap] | None = None

    @property
    def is_mapped(self) -> bool:
        """Whether there are arrays that are views of the file."""
        return self._mapping is not None and self._mapping() is not None

    def map(self) -> NDArray[np.uint8]:
        """Return the bytes of the file, which are not read before somebody looks at them."""
        mapping = self._mapping() if self._mapping is not None else None
        if mapping is None:
            mapping = mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ)
            self._mapping = weakref.ref(mapping)
        return np.frombuffer(mapping, np.uint8)

    def read(self, offset: int, size_bytes: int) -> NDArray[np.uint8]:
        """Return a copy of some bytes of the file."""
        with open(self._descriptor, "rb", closefd=False) as stream:
            stream.seek(offset)
            return np.fromfile(stream, np.uint8, size_bytes)

    def require_unchanged(self) -> None:
        """Raise a CheckpointError if the file has changed since it was opened."""
        try:
            found = FileState.of(os.fstat(self._descriptor))
        except OSError as error:
            raise CheckpointError(
                f"{self._path}: it cannot be seen any longer whether the file is what it was "
                f"({error.strerror}); load the model again"
            ) from error
        if found != self.state:
            raise CheckpointError(
                f"{self._path} has changed while it was in use: it has {found}, expected "
                f"{self.state}; {_ADVICE}"
            )

"""A file in the making: it appears when it is complete, and survives a process that is killed.

While `labelled.csv` is made, a folder `labelled.csv.partial` stands beside it, with the rows so
far and a journal of checkpoints.  A checkpoint says how many bytes of the rows were whole, and
what the work had come to.  The rows reach the disk before the checkpoint that speaks of them,
so whatever cuts the work short, the last checkpoint is true; what follows it is dropped.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

ENDING: Final = ".partial"
_ROWS, _JOURNAL, _FINISHED, _LOCK = "rows", "journal.jsonl", "finished", "lock"

State = dict[str, Any]
Finish = Callable[[Path, Path], None]  # makes a file of rows: (rows, file)


class ResumableFile:
    """What `resumable` gives: a place for rows, and what an earlier run has left of them.

    Attributes
    ----------
    recipe : dict or None
        What the earlier run was to do; None where there is nothing to go on from.
    state : dict
        Of its last checkpoint; ``state["rows"]`` is the number of rows done.
    rows_path : Path
        The rows so far.
    is_whole : bool
        Whether all rows are there, and only `complete` is left to do.
    """

    def __init__(self, target: Path, finish: Finish | None, *, force: bool) -> None:
        self.target = target
        self._force = force
        self.folder = target.with_name(target.name + ENDING)
        self.rows_path = self.folder / _ROWS
        self._finish = finish
        self.has_begun = False
        self.start_over()

    def start_over(self) -> None:
        """Know of no earlier run; what it has left goes when this one begins."""
        self.recipe: State | None = None
        self.state: State = {"rows": 0}
        self.is_whole = False
        self._size_bytes = 0

    @property
    def is_moved(self) -> bool:
        """Whether the file is in its place, and only the folder is left to remove."""
        is_here = self.rows_path.exists() or (self.folder / _FINISHED).exists()
        return self.is_whole and not is_here and self.target.exists()

    # ------------------------------------------------------------------- the earlier run

    def read_journal(self) -> None:
        """Find the last checkpoint that can be relied on."""
        self.start_over()
        journal = self.folder / _JOURNAL
        if not journal.exists():
            return
        n_bytes = self.rows_path.stat().st_size if self.rows_path.exists() else 0
        end = 0
        for line in journal.read_bytes().splitlines(keepends=True):
            try:
                entry = json.loads(line)
            except ValueError:  # torn
                break
            if not line.endswith(b"\n"):
                break
            if self.recipe is None:
                self.recipe = entry["recipe"]
            elif "size_bytes" in entry:
                if self.rows_path.exists() and entry["size_bytes"] > n_bytes:
                    break
                self._size_bytes, self.state = entry["size_bytes"], entry["state"]
            else:
                self.is_whole = True
            end += len(line)
        self._journal_bytes = end
        is_finished = self.is_whole and ((self.folder / _FINISHED).exists() or self.target.exists())
        if not self.state["rows"] or not (self.rows_path.exists() or is_finished):
            self.start_over()  # it is as good as nothing

    def forget(self) -> None:
        """Remove what an earlier run has left."""
        for name in (_JOURNAL, _ROWS, _FINISHED):  # the journal first: without it, all is void
            (self.folder / name).unlink(missing_ok=True)
        self.start_over()

    # -------------------------------------------------------------------------- this run

    def begin(self, recipe: Mapping[str, Any]) -> None:
        """Begin, or go on behind the last checkpoint.

        Raises
        ------
        ValueError
            If the earlier run was to do something else.
        """
        if self.recipe is None:
            self.forget()
            self._make(self.rows_path)
            self._note({"recipe": dict(recipe)})
            _sync_folder(self.folder)
            _sync_folder(self.folder.parent)
            self.has_begun = True
            return
        now = json.loads(json.dumps(recipe))
        others = [
            f"{name} is {now.get(name)!r}, was {self.recipe.get(name)!r}"
            for name in sorted(now.keys() | self.recipe.keys())
            if now.get(name) != self.recipe.get(name)
        ]
        if others:
            raise ValueError(
                f"{self.folder} is of a run that was to do something else: {'; '.join(others)}. "
                "Resume with what it had, or start over: --force without --resume"
            )
        os.truncate(self.folder / _JOURNAL, self._journal_bytes)
        if self.rows_path.exists():
            os.truncate(self.rows_path, self._size_bytes)
        self.has_begun = True

    def write(self, content: bytes, state: State) -> None:
        """Add some rows, and a checkpoint: what `state` says is true from now on."""
        _append(self.rows_path, content)
        self._size_bytes += len(content)
        self._note({"size_bytes": self._size_bytes, "state": state})
        self.state = state

    def complete(self) -> None:
        """Put the file into its place: from now on it is there, and whole.

        Raises
        ------
        FileExistsError
            If another file has appeared there, and is not to be replaced.
        """
        if not self.is_moved:
            self._note({"is_whole": True})
            made = self.rows_path
            if self._finish is not None:
                made = self.folder / _FINISHED
                if self.rows_path.exists():
                    self._make(made)
                    self._finish(self.rows_path, made)
                    with made.open("rb+") as file:
                        os.fsync(file.fileno())
                    self.rows_path.unlink()  # the finished file stands for them from now on
            if self.target.exists() and not self._force:
                raise FileExistsError(
                    f"{self.target} has appeared meanwhile; rename it and go on with --resume, or "
                    "replace it with --resume --force"
                )
            os.replace(made, self.target)
            _sync_folder(self.target.parent)
        self.forget()

    def _make(self, path: Path) -> None:
        """Make a file that the same people may read as the one that it will replace."""
        path.touch()
        if self.target.exists():
            shutil.copymode(self.target, path)

    def _note(self, entry: State) -> None:
        _append(self.folder / _JOURNAL, json.dumps(entry).encode() + b"\n")


@contextmanager
def resumable(
    target: Path, *, resume: bool, force: bool, finish: Finish | None = None
) -> Iterator[ResumableFile]:
    """Make a file that appears under its name only when it is complete.

    If the work is cut short, what was done up to the last checkpoint is kept beside it.

    Parameters
    ----------
    target : Path
        The file.  A link is followed.
    resume : bool
        Go on with what an earlier run has left, if it has left anything.
    force : bool
        Whether an existing file may be replaced and, without `resume`, the rows of an
        earlier run dropped, when this one begins.
    finish : callable, optional
        ``finish(rows, file)`` makes the file of the rows; by default the rows are the file.

    Yields
    ------
    ResumableFile
        Call `begin`, then `write` for every chunk, then `complete`.

    Raises
    ------
    FileExistsError
        If the file is there, or an earlier run has left rows, and neither `force` nor
        `resume` says what to do.
    OSError
        If there cannot be such a file, or another process is making it.

    Warns
    -----
    UserWarning
        If the work is cut short and rows are kept.
    """
    output = ResumableFile(Path(os.path.realpath(target)), finish, force=force)
    _check_place(output.target, target)
    with _locked(output.folder, target):
        try:
            output.read_journal()
            if output.target.exists() and not force and not (resume and output.is_moved):
                raise FileExistsError(f"{target} is there already; choose another name or --force")
            if output.recipe is not None and not resume:
                if not force:
                    raise FileExistsError(
                        f"{output.folder} holds {output.state['rows']:,} rows of a run that did "
                        "not end: --resume goes on with it, --force starts over"
                    )
                output.start_over()
            yield output
        except BaseException:
            output.read_journal()  # a signal may have come between a checkpoint and our own note
            if not output.state["rows"] or output.is_moved:
                output.forget()
            elif output.has_begun:
                warnings.warn(
                    f"{output.state['rows']:,} rows are kept in {output.folder}; --resume goes on "
                    "from there",
                    stacklevel=3,
                )
            raise


def _check_place(target: Path, name: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(f"{name} is a folder, expected a file's name")
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        raise FileExistsError(f"{name} is no ordinary file; leave out --output and use '>'")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: no such folder; make it first")


@contextmanager
def _locked(folder: Path, target: Path) -> Iterator[None]:
    """Keep other processes from `folder`; it is made, and removed where nothing is left in it."""
    from filelock import FileLock, Timeout  # 10 ms, which only files have to wait for

    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is in the way; rename it")
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder / _LOCK)
    try:
        with suppress(NotImplementedError):  # a file system without locks
            lock.acquire(timeout=0)
    except Timeout:
        raise BlockingIOError(f"{target} is being made by another process") from None
    try:
        yield
    finally:
        is_left = (folder / _JOURNAL).exists()
        if not is_left:
            # As long as it is ours: a file that another process has locked by then is not removed.
            with suppress(PermissionError):  # Windows removes it with the release
                (folder / _LOCK).unlink(missing_ok=True)
        lock.release()
        if not is_left:
            with suppress(OSError):  # something of somebody else's is in it
                folder.rmdir()


def _append(path: Path, content: bytes) -> None:
    """Add to a file, and wait until it is on the disk."""
    try:
        with path.open("ab") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        error.filename = str(path)  # a full disk does not say which one
        raise


def _sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.EINVAL):  # a file system that cannot do that
            raise
    finally:
        os.close(handle)

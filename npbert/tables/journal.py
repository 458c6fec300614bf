"""The journal of a run that may be cut short, and the lock that keeps other processes away."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from npbert.messages import naming, shown

ENDING: Final = ".partial"  # of the folder that stands beside an output while it is made
JOURNAL: Final = "journal.jsonl"
_LOCK: Final = "lock"

# Both are JSON objects, whose values are what json.loads makes of them.
Recipe = dict[str, Any]  # what decides the content of the output: the model, the options, …
Entry = dict[str, Any]  # one line of a journal; the first one has the recipe


def read_entries(folder: Path) -> Iterator[tuple[Entry, int]]:
    """Yield the entries of the journal in a folder that reached the disk as a whole.

    Yields
    ------
    entry : dict
    end : int
        The size of the journal up to the end of this entry, in bytes.
    """
    journal = folder / JOURNAL
    if not journal.exists():
        return
    end = 0
    for line in journal.read_bytes().splitlines(keepends=True):
        try:
            entry = json.loads(line)
        except ValueError:  # only a part of the line reached the disk
            return
        if not line.endswith(b"\n"):
            return
        end += len(line)
        yield entry, end


def add_entry(folder: Path, entry: Mapping[str, object]) -> None:
    """Add an entry to the journal in a folder, and wait until it is on the disk."""
    append(folder / JOURNAL, json.dumps(entry).encode() + b"\n")


def start_journal(folder: Path, recipe: Mapping[str, object]) -> None:
    """Begin the journal in a folder with a recipe, and wait until it is on the disk."""
    add_entry(folder, {"recipe": dict(recipe)})
    sync_folder(folder)
    sync_folder(folder.parent)


def continue_journal(folder: Path, end: int, earlier: Recipe, recipe: Mapping[str, object]) -> None:
    """Go on with the journal of an earlier run.

    Parameters
    ----------
    folder : Path
    end : int
        The size of the journal up to the last entry that counts, in bytes. The rest is dropped.
    earlier, recipe : mapping
        The recipe of that run, and of this one.

    Raises
    ------
    ValueError
        If the recipes differ.
    """
    _require_same_recipe(folder, earlier, recipe)
    os.truncate(folder / JOURNAL, end)


def _require_same_recipe(folder: Path, earlier: Recipe, recipe: Mapping[str, object]) -> None:
    now = json.loads(json.dumps(recipe))
    differences = [
        f"{name} is {shown(now.get(name))}, was {shown(earlier.get(name))}"
        for name in sorted(now.keys() | earlier.keys())
        if now.get(name) != earlier.get(name)
    ]
    if differences:
        raise ValueError(
            f"{folder} is of a run that was to do something else: {'; '.join(differences)}. Resume "
            "with what that run had, or start over: --force without --resume"
        )


@contextmanager
def lock_folder(folder: Path, target: Path) -> Iterator[None]:
    """Keep other processes from `folder`, which is made, and removed if nothing is left in it.

    Parameters
    ----------
    folder : Path
    target : Path
        What error messages call the output that is made in it.

    Raises
    ------
    FileExistsError
        If a file is in the place of the folder.
    BlockingIOError
        If another process has locked it.
    """
    from filelock import FileLock, Timeout  # takes 10 ms, so only runs that need it wait for it

    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is in the way; rename it")
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder / _LOCK)
    try:
        with suppress(NotImplementedError):  # the file system has no locks
            lock.acquire(timeout=0)
    except Timeout:
        raise BlockingIOError(f"{target} is being made by another process") from None
    try:
        yield
    finally:
        is_left = (folder / JOURNAL).exists()
        if not is_left:
            # The lock file is removed while this process holds the lock. Later, another process
            # might have locked it.
            with suppress(PermissionError):  # on Windows, releasing the lock removes its file
                (folder / _LOCK).unlink(missing_ok=True)
        lock.release()
        if not is_left:
            with suppress(OSError):  # the folder also has files of somebody else
                folder.rmdir()


def move(made: Path, target: Path) -> None:
    """Rename a file or a folder, in the place of an earlier one.

    Raises
    ------
    PermissionError
        If there is an earlier one which may not be replaced. On Windows this is so while another
        program has it open.
    """
    try:
        os.replace(made, target)
    except PermissionError as error:
        raise PermissionError(
            f"{target} cannot be replaced ({error.strerror or error}); if another program has it "
            "open, close it there, and run the command again"
        ) from error


def append(path: Path, content: bytes) -> None:
    """Append bytes to a file, and wait until they are on the disk."""
    with naming(path), path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names of the files in a folder are on the disk, if the system can do that."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.EINVAL):  # the file system cannot do it
            raise
    finally:
        os.close(handle)

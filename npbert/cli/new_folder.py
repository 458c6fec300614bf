"""A folder of files that appears under its name only when it is complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from npbert.messages import enumerate_values, naming
from npbert.tables.journal import ENDING, JOURNAL, lock_folder, move, sync_folder

_FILES: Final = ".npbert-files"
_DROPPED: Final = ".npbert-dropped"


@contextmanager
def new_folder(
    target: Path, is_replaceable: Callable[[str], bool], *, force: bool
) -> Iterator[Path]:
    """Make a folder beside `target`, and give it that name when the block ends without an error.

    Parameters
    ----------
    target : Path
        The folder. If it is a symbolic link, the link is followed.
    is_replaceable : callable
        Tells by the name of a file in an existing folder whether the new folder stands for it.
    force : bool
        Whether an existing folder may be replaced. It is not if it has other files.

    Yields
    ------
    Path
        An empty folder, to be filled.

    Raises
    ------
    FileExistsError
        If the folder exists and may not be replaced, or if something else is in the way.
    OSError
        If the folder cannot be made there, or another process is making it.
    """
    real = Path(os.path.realpath(target))
    if not real.parent.is_dir():
        raise FileNotFoundError(f"{real.parent}: no such folder; make it first")
    work = real.with_name(real.name + ENDING)
    if (work / JOURNAL).exists():
        raise FileExistsError(f"{work} is of a run of npbert classify; choose another name")
    made, dropped = work / _FILES, work / _DROPPED
    with lock_folder(work, target):
        # A process that was killed may have left these two.
        if dropped.exists() and not real.exists():
            move(dropped, real)
        shutil.rmtree(made, ignore_errors=True)
        shutil.rmtree(dropped, ignore_errors=True)
        _require_replaceable(real, target, is_replaceable, force=force)
        made.mkdir()
        try:
            with naming(target):
                yield made
            sync_folder(made)
            _require_replaceable(real, target, is_replaceable, force=force)
            if real.exists():
                move(real, dropped)
            move(made, real)
            sync_folder(real.parent)
        finally:
            shutil.rmtree(made, ignore_errors=True)
            shutil.rmtree(dropped, ignore_errors=True)


def _require_replaceable(
    real: Path, name: Path, is_replaceable: Callable[[str], bool], *, force: bool
) -> None:
    """Raise a FileExistsError if a folder, which the caller named `name`, must stay as it is."""
    if not real.exists():
        return
    if not real.is_dir():
        raise FileExistsError(f"{name} is a file, expected the name of a folder")
    files = sorted(real.iterdir())
    if files and not force:
        raise FileExistsError(f"{name} is there already; choose another name or --force")
    others = [path.name for path in files if path.is_dir() or not is_replaceable(path.name)]
    if others:
        raise FileExistsError(
            f"{name} also has files that would not be replaced: {enumerate_values(others)}; choose "
            "another name, or move them away"
        )

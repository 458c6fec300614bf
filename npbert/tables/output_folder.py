"""A folder in the making: it appears when all its files are complete.

While the folder `labelled` is made, a folder `labelled.partial` stands beside it. It holds the
files so far, in a folder `files`, and a journal that says which of them are complete. Each of them
is made as `npbert.tables.resumable` makes a file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from npbert.messages import enumerate_values, with_noun
from npbert.tables.journal import (
    ENDING,
    JOURNAL,
    Entry,
    Recipe,
    add_entry,
    continue_journal,
    lock_folder,
    move,
    read_entries,
    start_journal,
    sync_folder,
)
from npbert.tables.resumable import SKIPPED_ENDING

_FILES: Final = "files"
_DROPPED: Final = "dropped"

Counts = dict[str, int]


class OutputFolder:
    """A folder in the making, whose complete files survive if the process is killed.

    Attributes
    ----------
    target : Path
        The folder.
    folder : Path
        Where it is made.
    recipe : dict or None
        The recipe of the earlier run that this run goes on with; None if there is no such run.
    has_begun : bool
        Whether `begin` was called.
    """

    def __init__(self, target: Path) -> None:
        self.has_begun = False
        self.target = target
        self.folder = target.with_name(target.name + ENDING)
        self._files = self.folder / _FILES
        self.ignore_earlier_run()

    def ignore_earlier_run(self) -> None:
        """Take the state of a run that has no files; those of an earlier run stay on the disk."""
        self.recipe: Recipe | None = None
        self._complete: dict[str, Entry] = {}  # by the names of the files

    @property
    def n_complete(self) -> int:
        """The number of complete files."""
        return len(self._complete)

    @property
    def is_moved(self) -> bool:
        """Whether an earlier run moved the complete folder to its target, but kept its journal."""
        return self.recipe is not None and not self._files.exists() and self.target.exists()

    def has_rows(self) -> bool:
        """Tell whether any row is kept, in a complete file or in one that is being made."""
        return any(names for _, _, names in os.walk(self._files))

    def read_journal(self) -> None:
        """Find the complete files of the earlier run."""
        self.ignore_earlier_run()
        for entry, end in read_entries(self.folder):
            if self.recipe is None:
                self.recipe = entry["recipe"]
            else:
                self._complete[entry["name"]] = entry
            self._journal_bytes = end

    def begin(self, recipe: Mapping[str, object]) -> None:
        """Start with the first file, or go on with the files that are not complete.

        Parameters
        ----------
        recipe : mapping
            What decides the content of the files, as values that JSON can hold.

        Raises
        ------
        ValueError
            If the earlier run had another recipe.
        """
        if self.recipe is not None:
            continue_journal(self.folder, self._journal_bytes, self.recipe, recipe)
        else:
            self.remove_earlier_run()
            self._files.mkdir()
            start_journal(self.folder, recipe)
            self.recipe = dict(recipe)
        self.has_begun = True

    def path_of(self, name: str) -> Path:
        """Return the path at which a file is made, in a folder that exists."""
        path = self._files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def counts_of(self, name: str, input_path: str) -> Counts | None:
        """Return the counts of a file if it is complete, or None.

        Raises
        ------
        ValueError
            If its input has changed since then.
        """
        entry = self._complete.get(name)
        if entry is None:
            return None
        if entry["input"] != digest_of(input_path):
            raise ValueError(
                f"{input_path} has changed since it was labelled into {self.folder}; bring it "
                "back, or start over: --force without --resume"
            )
        counts: Counts = entry["counts"]
        return counts

    def add(self, name: str, input_digest: str, counts: Counts) -> None:
        """Note that a file is complete.

        Parameters
        ----------
        name : str
        input_digest : str
            The digest of its input, by `digest_of`.
        counts : dict
            What `counts_of` returns for the file from now on.
        """
        sync_folder(self.path_of(name).parent)
        entry = {"name": name, "input": input_digest, "counts": counts}
        add_entry(self.folder, entry)
        self._complete[name] = entry

    def complete(self) -> None:
        """Move the folder to its target."""
        if not self.is_moved:
            if self.target.exists():
                self._drop(self.target)
            move(self._files, self.target)
            sync_folder(self.target.parent)
        self.remove_earlier_run()

    def remove_earlier_run(self) -> None:
        """Remove what an earlier run left; without its journal, a folder is not touched."""
        if (self.folder / JOURNAL).exists():
            if self._files.exists():
                self._drop(self._files)
            (self.folder / JOURNAL).unlink()
        shutil.rmtree(self.folder / _DROPPED, ignore_errors=True)
        self.ignore_earlier_run()

    def _drop(self, folder: Path) -> None:
        """Move a folder away at once, because to remove it takes time."""
        shutil.rmtree(self.folder / _DROPPED, ignore_errors=True)
        move(folder, self.folder / _DROPPED)


@contextmanager
def resumable_folder(
    target: Path, names: Collection[str], *, resume: bool, force: bool
) -> Iterator[OutputFolder]:
    """Make a folder that appears under its name only when all its files are complete.

    If the work is cut short, the files and the rows so far are kept in a folder beside it.

    Parameters
    ----------
    target : Path
        The folder. If it is a symbolic link, the link is followed.
    names : collection of str
        The names of its files.
    resume : bool
        Whether to go on with the files of an earlier run, if there are any.
    force : bool
        Whether an existing folder may be replaced. It is not if it has other files than these.
        Without `resume`, the files of an earlier run may then be dropped, too.

    Yields
    ------
    OutputFolder
        Call `begin`, then `add` for every file that is complete at its `path_of`, then `complete`.

    Raises
    ------
    FileExistsError
        If the folder exists, or an earlier run left files, and neither `force` nor `resume` says
        what to do with them.
    OSError
        If the folder cannot be made there, or another process is making it.

    Warns
    -----
    UserWarning
        If the work is cut short and files are kept.
    """
    output = OutputFolder(Path(os.path.realpath(target)))
    if not output.target.parent.is_dir():
        raise FileNotFoundError(f"{output.target.parent}: no such folder; make it first")
    with lock_folder(output.folder, target):
        output.read_journal()
        _decide_about_earlier_run(output, target, names, resume=resume, force=force)
        try:
            yield output
        except BaseException:
            if not output.has_begun or output.is_moved:
                pass
            elif not output.has_rows():
                output.remove_earlier_run()
            elif output.n_complete:
                warnings.warn(
                    f"{output.folder} has {output.n_complete:,} of "
                    f"{with_noun(len(names), 'file')}; --resume goes on from there",
                    stacklevel=3,
                )
            raise


def _decide_about_earlier_run(
    output: OutputFolder, name: Path, names: Collection[str], *, resume: bool, force: bool
) -> None:
    """Decide whether the earlier run counts, or raise an error if the caller has to decide."""
    target = output.target
    if target.exists() and not (resume and output.is_moved):
        if not target.is_dir():
            raise FileExistsError(f"{name} is a file, expected the name of a folder")
        if not force and any(target.iterdir()):
            raise FileExistsError(f"{name} is there already; choose another name or --force")
        others = _files_in(target) - {*names} - {name + SKIPPED_ENDING for name in names}
        if others:
            raise FileExistsError(
                f"{name} also has files that would not be replaced: "
                f"{enumerate_values(sorted(others))}; choose another name, or move them away"
            )
    if output.recipe is not None and not resume:
        if not force:
            raise FileExistsError(
                f"{output.folder} holds a run that did not end, of which "
                f"{with_noun(output.n_complete, 'file is', 'files are')} complete: "
                "--resume goes on with it, --force starts over"
            )
        output.ignore_earlier_run()


def _files_in(folder: Path) -> set[str]:
    return {
        (Path(place) / name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder)
        for name in names
    }


def digest_of(path: str) -> str:
    """Return the SHA-256 of the content of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

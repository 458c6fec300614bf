"""A file in the making: it appears when it is complete, and it survives a process that is killed.

While `labelled.csv` is made, a folder `labelled.csv.partial` stands beside it. The folder holds
the rows so far and a journal of checkpoints. A checkpoint says how many bytes of the rows are
complete, and in which state the work was at that point. The rows reach the disk before the
checkpoint that counts them. So the last checkpoint is true wherever the work is cut short, and
whatever follows it in the file of rows is dropped.
"""

from __future__ import annotations

import os
import shutil
import stat
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from npbert.messages import naming, with_noun
from npbert.tables.journal import (
    ENDING,
    JOURNAL,
    Recipe,
    add_entry,
    append,
    continue_journal,
    lock_folder,
    move,
    read_entries,
    start_journal,
    sync_folder,
)

SKIPPED_ENDING: Final = ".skipped.jsonl"  # of the file of bad rows, beside the output
_ROWS, _FINISHED, _SKIPPED = "rows", "finished", "skipped"

# A JSON object, whose values are what json.loads makes of them.
State = dict[str, Any]  # how far the work is; "rows" is the number of rows that are done

Finish = Callable[[Path, Path], None]  # makes the file from the rows: (rows, file)


class ResumableFile:
    """A file in the making, whose rows survive if the process is killed; see `resumable`.

    Attributes
    ----------
    recipe : dict or None
        The recipe of the earlier run that this run goes on with; None if there is no such run.
    state : dict
        The state at the last checkpoint. ``state["rows"]`` is the number of rows that are done.
    rows_path : Path
        The file of the rows so far.
    skipped_target : Path
        The file of the bad rows, which appears beside the target if there are any.
    is_whole : bool
        Whether the earlier run wrote all rows, so that only `complete` is left to do.
    is_foreign : bool
        Whether the folder has the journal of another version of npbert, without a recipe.
    has_begun : bool
        Whether `begin` was called.
    """

    def __init__(self, target: Path, finish: Finish | None, *, force: bool) -> None:
        self.target = target
        self._force = force
        self.folder = target.with_name(target.name + ENDING)
        self.rows_path = self.folder / _ROWS
        self.skipped_target = target.with_name(target.name + SKIPPED_ENDING)
        self._skipped_path = self.folder / _SKIPPED
        self._finish = finish
        self.has_begun = False
        self.ignore_earlier_run()

    def ignore_earlier_run(self) -> None:
        """Take the state of a run that starts from the first row.

        The files of the earlier run stay on the disk until this run begins.
        """
        self.recipe: Recipe | None = None
        self.state: State = {"rows": 0}
        self.is_whole = False
        self.is_foreign = False
        self._size_bytes = self._skipped_bytes = 0

    @property
    def is_moved(self) -> bool:
        """Whether an earlier run moved the complete file to its target, but kept this folder.

        This is so if the run was killed between its last two steps.
        """
        is_here = self.rows_path.exists() or (self.folder / _FINISHED).exists()
        return self.is_whole and not is_here and self.target.exists()

    @property
    def has_moved_skipped(self) -> bool:
        """Whether an earlier run moved the file of bad rows, but not yet the file itself."""
        return self.is_whole and self._skipped_bytes > 0 and not self._skipped_path.exists()

    # ------------------------------------------------------------------- the earlier run

    def read_journal(self) -> None:
        """Find the last checkpoint of the earlier run whose rows are on the disk."""
        self.ignore_earlier_run()
        n_bytes, n_skipped_bytes = _size_of(self.rows_path), _size_of(self._skipped_path)
        for entry, end in read_entries(self.folder):
            if self.recipe is None:
                if not isinstance(entry, dict) or "recipe" not in entry:
                    self.is_foreign = True
                    return
                self.recipe = entry["recipe"]
            elif "size_bytes" in entry:
                if self.rows_path.exists() and entry["size_bytes"] > n_bytes:
                    break
                skipped_bytes = entry.get("skipped_bytes", 0)
                if skipped_bytes > n_skipped_bytes and not self.skipped_target.exists():
                    break
                self._size_bytes, self.state = entry["size_bytes"], entry["state"]
                self._skipped_bytes = skipped_bytes
            else:
                self.is_whole = True
            self._journal_bytes = end
        is_finished = self.is_whole and ((self.folder / _FINISHED).exists() or self.target.exists())
        if not self.state["rows"] or not (self.rows_path.exists() or is_finished):
            self.ignore_earlier_run()  # it has no rows to go on from

    def remove_earlier_run(self) -> None:
        """Remove the files that an earlier run left in the folder."""
        # The journal is removed first, because without it the other files count for nothing.
        for name in (JOURNAL, _ROWS, _FINISHED, _SKIPPED):
            (self.folder / name).unlink(missing_ok=True)
        self.ignore_earlier_run()

    # -------------------------------------------------------------------------- this run

    def begin(self, recipe: Mapping[str, object]) -> None:
        """Start from the first row, or go on after the last checkpoint of the earlier run.

        Parameters
        ----------
        recipe : mapping
            What decides the content of the file, as values that JSON can hold.

        Raises
        ------
        ValueError
            If the earlier run had another recipe.
        """
        if self.recipe is None:
            self.remove_earlier_run()
            self._create_file(self.rows_path)
            start_journal(self.folder, recipe)
            self.has_begun = True
            return
        continue_journal(self.folder, self._journal_bytes, self.recipe, recipe)
        if self.rows_path.exists():
            os.truncate(self.rows_path, self._size_bytes)
        if self._skipped_path.exists():
            os.truncate(self._skipped_path, self._skipped_bytes)
        self.has_begun = True

    def write(self, content: bytes, state: Mapping[str, object], skipped: bytes = b"") -> None:
        """Add the bytes of some rows, and a checkpoint with the state after these rows.

        Parameters
        ----------
        content : bytes
        state : mapping
        skipped : bytes
            The lines of the bad rows among them, for a file of their own.
        """
        if skipped:
            append(self._skipped_path, skipped)
            self._skipped_bytes += len(skipped)
        append(self.rows_path, content)
        self._size_bytes += len(content)
        entry = {
            "size_bytes": self._size_bytes,
            "skipped_bytes": self._skipped_bytes,
            "state": dict(state),
        }
        add_entry(self.folder, entry)
        self.state = dict(state)

    def complete(self) -> None:
        """Move the complete file to its target.

        Raises
        ------
        FileExistsError
            If another file has appeared there, and may not be replaced.
        """
        if not self.is_moved:
            add_entry(self.folder, {"is_whole": True})
            made = self.rows_path
            if self._finish is not None:
                made = self.folder / _FINISHED
                if self.rows_path.exists():
                    self._create_file(made)
                    with naming(made):
                        self._finish(self.rows_path, made)
                        with made.open("rb+") as file:
                            os.fsync(file.fileno())
                    self.rows_path.unlink()  # from now on, the finished file stands for the rows
            if self.target.exists() and not self._force:
                raise FileExistsError(
                    f"{self.target} has appeared meanwhile; rename it and go on with --resume, or "
                    "replace it with --resume --force"
                )
            self._move_skipped()
            move(made, self.target)
            sync_folder(self.target.parent)
        self.remove_earlier_run()

    def _move_skipped(self) -> None:
        if self._skipped_path.exists():
            if self.skipped_target.exists() and not self._force:
                raise FileExistsError(
                    f"{self.skipped_target} has appeared meanwhile; rename it and go on with "
                    "--resume, or replace it with --resume --force"
                )
            move(self._skipped_path, self.skipped_target)
        elif self._force and not self._skipped_bytes:
            self.skipped_target.unlink(missing_ok=True)  # it was of the file that is replaced

    def _create_file(self, path: Path) -> None:
        """Create a file that the same people may read as the file that it will replace."""
        path.touch()
        if self.target.exists():
            shutil.copymode(self.target, path)


@contextmanager
def resumable(
    target: Path, *, resume: bool, force: bool, finish: Finish | None = None
) -> Iterator[ResumableFile]:
    """Make a file that appears under its name only when it is complete.

    If the work is cut short, the rows up to the last checkpoint are kept in a folder beside it.

    Parameters
    ----------
    target : Path
        The file. If it is a symbolic link, the link is followed.
    resume : bool
        Whether to go on with the rows of an earlier run, if there are any.
    force : bool
        Whether an existing file may be replaced. Without `resume`, the rows of an earlier run may
        then be dropped, too; this happens when the new run begins.
    finish : callable, optional
        ``finish(rows, file)`` makes the file from the rows. By default the rows are the file.

    Yields
    ------
    ResumableFile
        Call `begin`, then `write` for every chunk, then `complete`.

    Raises
    ------
    FileExistsError
        If the file exists, or an earlier run left rows, and neither `force` nor `resume` says
        what to do with them.
    ValueError
        If an earlier run was one of another version of npbert, which this version cannot go on
        with.
    OSError
        If the file cannot be made there, or another process is making it.

    Warns
    -----
    UserWarning
        If the work is cut short and rows are kept.
    """
    output = ResumableFile(Path(os.path.realpath(target)), finish, force=force)
    _require_possible_target(output.target, target)
    with lock_folder(output.folder, target):
        try:
            output.read_journal()
            _decide_about_earlier_run(output, target, resume=resume, force=force)
            yield output
        except BaseException:
            # A signal may come after a checkpoint is written and before `state` says so.
            output.read_journal()
            if output.is_foreign:
                pass  # it is kept until a run that may drop it begins
            elif not output.state["rows"] or output.is_moved:
                output.remove_earlier_run()
            elif output.has_begun:
                warnings.warn(
                    f"{with_noun(output.state['rows'], 'row is', 'rows are')} kept in "
                    f"{output.folder}; --resume goes on from there",
                    stacklevel=3,
                )
            raise


def _decide_about_earlier_run(
    output: ResumableFile, name: Path, *, resume: bool, force: bool
) -> None:
    """Decide whether the earlier run counts, or raise an error if the caller has to decide."""
    if output.is_foreign and (resume or not force):
        raise ValueError(
            f"{output.folder} is of a run of another version of npbert, which this version cannot "
            "go on with; --force without --resume starts over"
        )
    if output.target.exists() and not force and not (resume and output.is_moved):
        raise FileExistsError(f"{name} is there already; choose another name or --force")
    skipped = output.skipped_target
    if skipped.exists() and not force and not (resume and output.has_moved_skipped):
        raise FileExistsError(
            f"{skipped} is there already, with the bad rows of another run; move it away, or give "
            "--force"
        )
    if output.recipe is not None and not resume:
        if not force:
            raise FileExistsError(
                f"{output.folder} holds {with_noun(output.state['rows'], 'row')} of a run that did "
                "not end: --resume goes on with it, --force starts over"
            )
        output.ignore_earlier_run()


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _require_possible_target(target: Path, name: Path) -> None:
    """Raise an OSError if there cannot be a file `target`, which the caller named `name`."""
    if target.is_dir():
        raise IsADirectoryError(f"{name} is a folder, expected a file's name")
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        raise FileExistsError(f"{name} is not an ordinary file; leave out --output and use '>'")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: no such folder; make it first")

"""Files in the making, and runs that are cut short."""

from __future__ import annotations

import gzip
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from npbert.tables.resumable import resumable

HEADER = b"id,text\n"
CHUNKS = [b"1,one\n", b"2,two\n", b"3,three\n"]
CONTENT = HEADER + b"".join(CHUNKS)
RECIPE = {"model": "a", "threads": 2}
Finish = Callable[[Path, Path], None]

Step = Callable[[], Any]  # something that is about to be done on the disk
Watch = Callable[[Callable[[Step], Any]], None]


def make(
    target: Path,
    *,
    resume: bool = False,
    force: bool = False,
    finish: Finish | None = None,
    recipe: dict[str, Any] = RECIPE,
    error: BaseException | None = None,
    after: int = 0,
    n_chunks: int = len(CHUNKS),
) -> int:
    """Make a file, or fail with `error` after `after` chunks.

    Returns the number of chunks that were there before.
    """
    with resumable(target, resume=resume, force=force, finish=finish) as output:
        output.begin(recipe)
        n_before: int = output.state["rows"]
        if not n_before:
            output.write(HEADER, {"rows": 0})
        for number in range(n_before, n_chunks):
            if error is not None and number == after:
                raise error
            assert not output.is_whole
            output.write(CHUNKS[number], {"rows": number + 1})
        output.complete()
    return n_before


def cut_short(target: Path, after: int, **options: Any) -> None:
    """Make what is left of a run that fails after `after` chunks."""
    with (
        pytest.warns(UserWarning, match=r"rows? (is|are) kept"),
        pytest.raises(ValueError, match="cut short"),
    ):
        make(target, error=ValueError("cut short"), after=after, **options)


@contextmanager
def no_warnings() -> Iterator[None]:
    """Raise an error for a warning: what was not begun needs no word about rows that are kept."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def bury_before_each_step(watch: Watch, folder: Path) -> list[Path]:
    """Copy the folder before every step on the disk, as a process that dies there leaves it.

    The copies appear in the list that is returned, while the steps are taken.
    """
    graves: list[Path] = []

    def bury(step: Step) -> Any:
        graves.append(folder.with_name(f"grave{len(graves)}"))
        shutil.copytree(folder, graves[-1])
        return step()

    watch(bury)
    return graves


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock"}


def compress_in_two_steps(rows: Path, target: Path) -> None:
    content = gzip.compress(rows.read_bytes(), mtime=0)
    with target.open("wb") as file:
        for part in (content[:20], content[20:]):
            file.write(part)
            file.flush()
            os.fsync(file.fileno())


finishes = pytest.mark.parametrize("finish", [None, compress_in_two_steps])

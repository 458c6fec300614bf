"""Files in the making: processes that die at any step, full disks, incomplete journals."""

from __future__ import annotations

import errno
import gzip
import json
import os
import stat
import subprocess
import sys
import warnings
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from npbert.tables.resumable import resumable
from tests.support.resumable import (
    CHUNKS,
    CONTENT,
    HEADER,
    RECIPE,
    Finish,
    Step,
    Watch,
    bury_before_each_step,
    compress_in_two_steps,
    contents,
    cut_short,
    finishes,
    make,
    names,
)

# ------------------------------------------------------------------------------- processes

HOLDER = """
import sys
from pathlib import Path
from npbert.tables.resumable import resumable

with resumable(Path(sys.argv[1]), resume=False, force=False) as output:
    output.begin({"model": "a", "threads": 2})
    output.write(b"id,text\\n", {"rows": 0})
    output.write(b"1,one\\n", {"rows": 1})
    print("begun", flush=True)
    sys.stdin.read()
"""


def test_one_process_at_a_time_until_it_is_killed(target: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"begun\n"
        for resume, force in ((False, False), (True, False), (False, True)):
            with pytest.raises(OSError, match=r"out\.csv is being made by another process"):
                make(target, resume=resume, force=force)
        holder.kill()
    assert make(target, resume=True) == 1
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["out.csv"]


FULL_DISK = """
import resource, sys
from pathlib import Path
from npbert.tables.resumable import resumable

resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
n_rows, n_state = map(int, sys.argv[2:])
with resumable(Path(sys.argv[1]), resume=False, force=False) as output:
    output.begin({"model": "a", "threads": 2})
    output.write(b"id,text\\n", {"rows": 0})
    output.write(b"1,one\\n", {"rows": 1})
    output.write(b"x" * n_rows, {"rows": 2, "more": "x" * n_state})
"""


@pytest.mark.skipif(not find_spec("resource"), reason="the system has no limits of POSIX")
@pytest.mark.parametrize(("n_rows", "n_state", "torn"), [(9999, 0, "rows"), (9, 9999, "journal")])
def test_a_full_disk_leaves_the_last_checkpoint(
    target: Path, partial_folder: Path, n_rows: int, n_state: int, torn: str
) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(target), str(n_rows), str(n_state)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert "OSError" in done.stderr
    assert "UserWarning: 1 row is kept" in done.stderr
    (path,) = partial_folder.glob(f"{torn}*")
    assert path.stat().st_size == 5000  # the most that fitted on the disk
    assert make(target, resume=True) == 1
    assert target.read_bytes() == CONTENT


# ------------------------------------------------------------------------------ torn files


def test_the_last_true_checkpoint_is_found(target: Path, partial_folder: Path) -> None:
    """It is found whichever part of the next rows and their checkpoint has reached the disk."""
    cut_short(target, after=1)
    one = contents(partial_folder)
    cut_short(target, after=2, resume=True)
    two = contents(partial_folder)
    assert names(partial_folder)[:1] == ["journal.jsonl"]
    rows, journal = two["rows"], two["journal.jsonl"]
    n_rows, n_journal = len(one["rows"]), len(one["journal.jsonl"])
    states = [(rows[:end], journal[:n_journal], 1) for end in range(n_rows, len(rows) + 1)]
    states += [(rows, journal[:end], 1) for end in range(n_journal, len(journal))]
    # Some file systems show zeros where they have not written the content yet.
    states += [(rows, journal[:n_journal] + bytes(n), 1) for n in (1, 4, 100)]
    states += [(rows, journal[:n_journal] + b"\0\n", 1), (rows, b"\0\n", 0), (rows, b"", 0)]
    states += [(rows + bytes(9), journal, 2), (rows, journal + bytes(9), 2), (rows, journal, 2)]
    # Here the disk has lost rows although it had reported that they were written.
    states += [(rows[:end], journal, 1) for end in (n_rows, len(rows) - 1)]
    states += [(rows[: n_rows - 1], journal, 0)]
    for torn_rows, torn_journal, n_true in states:
        (partial_folder / "rows").write_bytes(torn_rows)
        (partial_folder / "journal.jsonl").write_bytes(torn_journal)
        with resumable(target, resume=True, force=False) as output:
            assert output.state["rows"] == n_true
        cut_short(target, after=2, resume=True)
        assert make(target, resume=True) == 2  # although it stands after torn lines
        assert target.read_bytes() == CONTENT
        target.unlink()
        partial_folder.mkdir()


@pytest.mark.parametrize(("is_whole", "is_new"), [(False, True), (False, False), (True, True)])
def test_a_journal_whose_rows_are_gone_is_as_good_as_none(
    target: Path, partial_folder: Path, is_whole: bool, is_new: bool
) -> None:
    cut_short(target, after=2)
    (partial_folder / "rows").unlink()
    if is_whole:
        with (partial_folder / "journal.jsonl").open("a") as journal:
            journal.write(json.dumps({"is_whole": True}) + "\n")
    if not is_new:
        target.write_text("old", encoding="utf-8")
    assert make(target, resume=True, force=not is_new) == 0
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["out.csv"]


def copy(rows: Path, finished: Path) -> None:
    finished.write_bytes(rows.read_bytes())


def test_rows_reach_the_disk_before_the_checkpoint_that_speaks_of_them(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        """Note the name and, for a file, whether other processes see content in it."""
        status = os.fstat(handle)
        beside = [target.parent, *target.parent.rglob("*")]
        (path,) = (path for path in beside if path.stat().st_ino == status.st_ino)
        synced.append(path.name if path.is_dir() else f"{path.name} {path.stat().st_size > 0}")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    n_handles = psutil.Process().num_fds()
    make(target, n_chunks=1, finish=copy)
    begin = ["journal.jsonl True", "out.csv.partial", "work"]
    write = ["rows True", "journal.jsonl True"]
    assert synced == [*begin, *write * 2, "journal.jsonl True", "finished True", "work"]
    assert psutil.Process().num_fds() == n_handles


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBADF, errno.EIO])
def test_file_systems_that_do_not_sync_folders(
    target: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fsync = os.fsync

    def refuse(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, "no")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", refuse)
    if number == errno.EIO:  # a disk that fails is an error
        with pytest.raises(OSError, match="no"):
            make(target)
        assert names(target.parent) == []
    else:
        make(target)
        assert target.read_bytes() == CONTENT


def test_the_lock_is_removed_while_it_is_held(
    target: Path, partial_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the release, it could be the lock of the next process.

    If it were removed then, a third process could lock a new file of that name.
    """
    release = FileLock.release

    def watched(lock: FileLock, *args: Any, **options: Any) -> None:
        assert not (partial_folder / "lock").exists()
        release(lock, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(FileLock, "release", watched)
        make(target)
    assert names(target.parent) == ["out.csv"]


# --------------------------------------------------------------------- death at every step


@finishes
@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize(("n_before", "n_chunks"), [(0, 0), (0, 3), (2, 3)])
def test_a_run_that_dies_is_gone_on_with(
    target: Path,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    finish: Finish | None,
    is_new: bool,
    n_before: int,
    n_chunks: int,
) -> None:
    """A process that dies at a step leaves what is on the disk before that step."""
    if n_before:
        cut_short(target, after=n_before, finish=finish)
    if not is_new:
        target.write_text("old", encoding="utf-8")
    graves = bury_before_each_step(watch, target.parent)
    again = partial(make, resume=True, force=not is_new, finish=finish, n_chunks=n_chunks)
    again(target)
    monkeypatch.undo()
    whole = target.read_bytes()
    assert (whole if finish is None else gzip.decompress(whole)) == CONTENT[: whole_size(n_chunks)]
    n_refused = 0
    for grave in graves:
        found = grave / target.name
        is_done = found.exists() and found.read_bytes() == whole
        assert is_done or found.exists() != is_new
        has_journal = (grave / "out.csv.partial" / "journal.jsonl").exists()
        try:
            n_found = again(found)
        except FileExistsError:  # the file was complete, as after a run that has ended
            assert is_done
            assert not has_journal or not n_chunks
            n_refused += 1
        else:
            assert n_found >= (n_chunks if is_done else n_before) * has_journal
        assert found.read_bytes() == whole
        assert names(grave) == [target.name]
    assert len(graves) > 10
    assert n_refused < len(graves) / 2


def whole_size(n_chunks: int) -> int:
    return len(HEADER + b"".join(CHUNKS[:n_chunks]))


@finishes
def test_a_run_that_is_interrupted_anywhere_is_gone_on_with(
    tmp_path: Path, watch: Watch, finish: Finish | None
) -> None:
    """A signal may come right after a step, before the program has noted that it was taken."""
    n_steps = place = 0
    n_known = 0

    def interrupt(step: Step) -> Any:
        nonlocal n_steps, n_known
        done = step()
        n_steps += 1
        if n_steps == place:
            journal = folder / "out.csv.partial" / "journal.jsonl"
            lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
            states = [json.loads(line).get("state", {"rows": 0}) for line in lines]
            n_known = max((state["rows"] for state in states), default=0)
            raise KeyboardInterrupt
        return done

    watch(interrupt)
    while n_steps >= place:  # until a run has fewer steps
        place += 1
        folder = tmp_path / str(place)
        os.mkdir(folder)
        n_steps = n_known = 0
        target = folder / "out.csv"
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            with suppress(KeyboardInterrupt):
                make(target, finish=finish)
        assert bool(warned) == (n_known > 0 and not target.exists())
        if not target.exists():
            assert make(target, resume=True, finish=finish) == n_known
        whole = target.read_bytes()
        assert (whole if finish is None else gzip.decompress(whole)) == CONTENT
        assert not (folder / "out.csv.partial" / "rows").exists()
    assert place > 20


# ---------------------------------------------------------- failures where it is completed


def fail_half_way(_rows: Path, target: Path) -> None:
    target.write_bytes(b"half of it")
    raise OSError("the disk is full")


def test_rows_are_kept_where_they_cannot_be_finished(target: Path) -> None:
    with (
        pytest.warns(UserWarning, match="3 rows are kept"),
        pytest.raises(OSError, match="the disk is full"),
    ):
        make(target, finish=fail_half_way)
    assert not target.exists()
    assert make(target, resume=True, finish=compress_in_two_steps) == 3
    assert gzip.decompress(target.read_bytes()) == CONTENT
    assert names(target.parent) == ["out.csv"]


@finishes
def test_rows_are_kept_where_the_file_cannot_be_put_into_its_place(
    target: Path, monkeypatch: pytest.MonkeyPatch, finish: Finish | None
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError("not here")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with (
            pytest.warns(UserWarning, match="3 rows are kept"),
            pytest.raises(PermissionError, match="not here"),
        ):
            make(target, finish=finish)
    assert make(target, resume=True, finish=finish) == 3
    whole = target.read_bytes()
    assert (whole if finish is None else gzip.decompress(whole)) == CONTENT
    assert names(target.parent) == ["out.csv"]


def test_an_interrupt_after_all_is_done_leaves_the_file(target: Path) -> None:
    def work() -> None:
        with resumable(target, resume=False, force=False) as output:
            output.begin(RECIPE)
            output.write(CONTENT, {"rows": 3})
            output.complete()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["out.csv"]

"""Files in the making: when they appear, what is left of runs that are cut short, and resumed."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import stat
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock
from pyarrow import parquet

from npbert.tables.formats import finisher_for
from npbert.tables.parquet_writing import ParquetSerializer
from npbert.tables.resumable import resumable
from tests.support.tables import chunk_of

HEADER = b"id,text\n"
CHUNKS = [b"1,one\n", b"2,two\n", b"3,three\n"]
CONTENT = HEADER + b"".join(CHUNKS)
RECIPE = {"model": "a", "threads": 2}
Finish = Callable[[Path, Path], None]


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
    """Make a file, or fail with `error` after so many chunks; tells how many were there before."""
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
    """Leave what a run that fails after so many chunks leaves."""
    with (
        pytest.warns(UserWarning, match="rows are kept"),
        pytest.raises(ValueError, match="cut short"),
    ):
        make(target, error=ValueError("cut short"), after=after, **options)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder / "out.csv"


@pytest.fixture
def partial_folder(target: Path) -> Path:
    return target.with_name("out.csv.partial")


@contextmanager
def quiet() -> Iterator[None]:
    """Where a warning is an error: nothing was begun, so there is nothing to say of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


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


# --------------------------------------------------------------------------------- complete


def test_a_file_appears_when_it_is_complete(target: Path) -> None:
    with resumable(target, resume=False, force=False) as output:
        assert (output.recipe, output.state, output.is_whole) == (None, {"rows": 0}, False)
        output.begin(RECIPE)
        output.write(b"one\n", {"rows": 1})
        output.write(b"two\n", {"rows": 2})
        assert output.state == {"rows": 2}
        assert output.rows_path.read_bytes() == b"one\ntwo\n"
        assert not target.exists()
        output.complete()
        assert target.read_bytes() == b"one\ntwo\n"
    assert names(target.parent) == ["out.csv"]


def test_a_file_without_rows(target: Path) -> None:
    assert make(target, n_chunks=0) == 0
    assert target.read_bytes() == HEADER
    assert names(target.parent) == ["out.csv"]


@pytest.mark.parametrize("compression", ["gz", "zst"])
def test_compressed_files(target: Path, compression: str) -> None:
    target = target.with_name(f"out.csv.{compression}")
    make(target, finish=finisher_for("csv", target.name))
    finish = finisher_for("csv", f"again.{compression}")
    assert finish is not None
    (target.parent / "rows").write_bytes(CONTENT)
    finish(target.parent / "rows", target.parent / "again")
    assert target.read_bytes() == (target.parent / "again").read_bytes()


def test_parquet_files(target: Path) -> None:
    with resumable(target, resume=False, force=False, finish=finisher_for("parquet", "")) as output:
        output.begin(RECIPE)
        output.write(ParquetSerializer([]).serialize(chunk_of([{"text": "one"}]), []), {"rows": 1})
        output.complete()
    assert parquet.read_table(target).to_pylist() == [{"text": "one"}]
    assert names(target.parent) == ["out.csv"]


@pytest.fixture(params=[0o022, 0o077, 0o002])
def mode(request: pytest.FixtureRequest) -> Iterator[int]:
    """The mode that new files have."""
    before = os.umask(request.param)
    yield 0o666 & ~request.param
    os.umask(before)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "csv.zst", "parquet"])
def test_the_mode_is_that_of_new_files(target: Path, mode: int, ending: str) -> None:
    format = ending.partition(".")[0]
    with resumable(
        target, resume=False, force=False, finish=finisher_for(format, f"a.{ending}")
    ) as output:
        output.begin(RECIPE)
        output.complete()
    assert stat.S_IMODE(target.stat().st_mode) == mode


# ------------------------------------------------------------------------------ cut short

ERRORS = [ValueError("no"), KeyboardInterrupt("no"), SystemExit("no")]


@pytest.mark.parametrize("error", ERRORS)
def test_before_there_are_rows_nothing_is_left(target: Path, error: BaseException) -> None:
    target.write_text("old")
    with pytest.raises(type(error), match="no"):
        make(target, error=error, force=True)
    with (
        pytest.raises(type(error), match="no"),
        resumable(target, resume=False, force=True),
    ):
        raise error
    assert names(target.parent) == ["out.csv"]
    assert target.read_text() == "old"


@pytest.mark.parametrize("error", ERRORS)
def test_rows_are_kept_and_gone_on_with(
    target: Path, partial_folder: Path, error: BaseException
) -> None:
    message = r"^2 rows are kept in .*out\.csv\.partial; --resume goes on from there$"
    with (
        pytest.warns(UserWarning, match=message) as warned,
        pytest.raises(type(error), match="no"),
    ):
        make(target, error=error, after=2)
    assert [warning.filename for warning in warned] == [__file__]
    assert names(target.parent) == [partial_folder.name]
    with resumable(target, resume=True, force=False) as output:
        assert (output.recipe, output.state["rows"], output.is_whole) == (RECIPE, 2, False)
        assert output.rows_path.read_bytes() == HEADER + CHUNKS[0] + CHUNKS[1]
    assert make(target, resume=True) == 2
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["out.csv"]


def test_a_run_may_be_cut_short_again_and_again(target: Path) -> None:
    cut_short(target, after=1)
    cut_short(target, after=1, resume=True)
    cut_short(target, after=2, resume=True)
    assert make(target, resume=True) == 2
    assert target.read_bytes() == CONTENT


def test_rows_are_neither_dropped_nor_mixed_unasked(target: Path, partial_folder: Path) -> None:
    cut_short(target, after=2)
    before = contents(partial_folder)
    message = r"holds 2 rows of a run that did not end: --resume .*, --force starts over"
    with quiet(), pytest.raises(FileExistsError, match=message):
        make(target)
    assert contents(partial_folder) == before


def test_force_starts_over(target: Path) -> None:
    cut_short(target, after=2)
    assert make(target, force=True, recipe={"model": "another"}) == 0
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["out.csv"]


def test_force_drops_nothing_before_a_run_begins(target: Path, partial_folder: Path) -> None:
    """Such as when the model has a wrong name: the rows of a night are there still."""
    cut_short(target, after=2)
    before = contents(partial_folder)
    with (
        quiet(),
        pytest.raises(ValueError, match="no such model"),
        resumable(target, resume=False, force=True),
    ):
        raise ValueError("no such model")
    assert contents(partial_folder) == before
    assert make(target, resume=True) == 2
    assert target.read_bytes() == CONTENT


OTHER_RECIPES: list[tuple[dict[str, Any], str]] = [
    ({"model": "b", "threads": 2}, "model is 'b', was 'a'"),
    ({"model": "a", "threads": 3}, "threads is 3, was 2"),
    ({"model": "a"}, "threads is None, was 2"),
    (RECIPE | {"new": [1]}, r"new is \[1\], was None"),
    ({}, "model is None, was 'a'; threads is None, was 2"),
]


@pytest.mark.parametrize(("recipe", "difference"), OTHER_RECIPES)
def test_another_recipe_is_not_gone_on_with(
    target: Path, partial_folder: Path, recipe: dict[str, Any], difference: str
) -> None:
    cut_short(target, after=2)
    before = contents(partial_folder)
    message = rf"to do something else: {difference}\. .*--force"
    with quiet(), pytest.raises(ValueError, match=message):
        make(target, resume=True, recipe=recipe)
    assert contents(partial_folder) == before
    assert make(target, resume=True) == 2


FOREIGN_LINES = [
    '{"job": {"model": "a"}}',
    '{"size_bytes": 0, "state": {"rows": 0}}',
    "{}",
    "[]",
    "5",
]


@pytest.mark.parametrize("line", FOREIGN_LINES)
@pytest.mark.parametrize(("resume", "force"), [(False, False), (True, False), (True, True)])
def test_the_journal_of_another_version_is_kept_until_force_starts_over(
    target: Path, partial_folder: Path, line: str, resume: bool, force: bool
) -> None:
    """Its first line has no recipe, but the rows may be the work of a night."""
    cut_short(target, after=2)
    journal = partial_folder / "journal.jsonl"
    _, *checkpoints = journal.read_text().splitlines()
    journal.write_text("\n".join([line, *checkpoints, ""]))
    before = contents(partial_folder)
    message = r"is of a run of another version of npbert, .*--force without --resume starts over$"
    with quiet(), pytest.raises(ValueError, match=message):
        make(target, resume=resume, force=force)
    assert contents(partial_folder) == before
    with (
        quiet(),
        pytest.raises(ValueError, match="no such model"),
        resumable(target, resume=False, force=True),
    ):
        raise ValueError("no such model")
    assert contents(partial_folder) == before
    assert make(target, force=True) == 0
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["out.csv"]


def test_recipes_are_compared_as_json(target: Path) -> None:
    cut_short(target, after=1, recipe={"columns": ("a", "b"), 1: None})
    assert make(target, resume=True, recipe={"columns": ["a", "b"], "1": None}) == 1


def test_resuming_what_was_not_begun_begins(target: Path) -> None:
    assert make(target, resume=True) == 0
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("resume", [False, True])
def test_existing_files_are_replaced_only_with_force(target: Path, resume: bool) -> None:
    target.write_text("old")
    with pytest.raises(FileExistsError, match=r"out\.csv is there already; .*--force"):
        make(target, resume=resume)
    assert target.read_text() == "old"
    assert names(target.parent) == ["out.csv"]
    make(target, resume=resume, force=True)
    assert target.read_bytes() == CONTENT


@finishes
def test_the_mode_of_a_file_that_is_replaced(target: Path, finish: Finish | None) -> None:
    """Who may not read the old one may not read what is to come, either."""
    target.write_text("old")
    target.chmod(0o600)
    cut_short(target, after=2, force=True, finish=finish)
    rows = target.with_name("out.csv.partial") / "rows"
    assert stat.S_IMODE(rows.stat().st_mode) == 0o600
    make(target, resume=True, force=True, finish=finish)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_file_that_has_appeared_meanwhile_is_replaced_only_with_force(target: Path) -> None:
    cut_short(target, after=2)
    target.write_text("new")
    with pytest.raises(FileExistsError, match="there already"):
        make(target, resume=True)
    assert target.read_text() == "new"
    assert make(target, resume=True, force=True) == 2
    assert target.read_bytes() == CONTENT


@finishes
def test_a_file_that_appears_at_the_end_is_replaced_only_with_force(
    target: Path, finish: Finish | None
) -> None:
    def work() -> None:
        with resumable(target, resume=False, force=False, finish=finish) as output:
            output.begin(RECIPE)
            output.write(CONTENT, {"rows": 3})
            target.write_text("new")
            output.complete()

    with (
        pytest.warns(UserWarning, match="3 rows are kept"),
        pytest.raises(FileExistsError, match=r"out\.csv has appeared meanwhile.*--resume --force"),
    ):
        work()
    assert target.read_text() == "new"
    assert make(target, resume=True, force=True, finish=finish) == 3
    whole = target.read_bytes()
    assert (whole if finish is None else gzip.decompress(whole)) == CONTENT
    assert names(target.parent) == ["out.csv"]


# -------------------------------------------------------------------------------- processes

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


@pytest.mark.parametrize(("n_rows", "n_state", "torn"), [(9999, 0, "rows"), (9, 9999, "journal")])
def test_a_full_disk_leaves_the_last_checkpoint(
    target: Path, partial_folder: Path, n_rows: int, n_state: int, torn: str
) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(target), str(n_rows), str(n_state)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "OSError" in done.stderr
    assert "UserWarning: 1 rows are kept" in done.stderr
    (path,) = partial_folder.glob(f"{torn}*")
    assert path.stat().st_size == 5000  # as much as there was room for
    assert make(target, resume=True) == 1
    assert target.read_bytes() == CONTENT


# -------------------------------------------------------------------------------- torn files


def test_the_last_true_checkpoint_is_found(target: Path, partial_folder: Path) -> None:
    """Whatever part of a checkpoint has reached the disk, of the rows first."""
    cut_short(target, after=1)
    one = contents(partial_folder)
    cut_short(target, after=2, resume=True)
    two = contents(partial_folder)
    assert names(partial_folder)[:1] == ["journal.jsonl"]
    rows, journal = two["rows"], two["journal.jsonl"]
    n_rows, n_journal = len(one["rows"]), len(one["journal.jsonl"])
    states = [(rows[:end], journal[:n_journal], 1) for end in range(n_rows, len(rows) + 1)]
    states += [(rows, journal[:end], 1) for end in range(n_journal, len(journal))]
    # Some file systems fill up with zeros what they have not written yet.
    states += [(rows, journal[:n_journal] + bytes(n), 1) for n in (1, 4, 100)]
    states += [(rows, journal[:n_journal] + b"\0\n", 1), (rows, b"\0\n", 0), (rows, b"", 0)]
    states += [(rows + bytes(9), journal, 2), (rows, journal + bytes(9), 2), (rows, journal, 2)]
    # The rule was broken: the disk has lost rows that it had promised to keep.
    states += [(rows[:end], journal, 1) for end in (n_rows, len(rows) - 1)]
    states += [(rows[: n_rows - 1], journal, 0)]
    for torn_rows, torn_journal, n_true in states:
        (partial_folder / "rows").write_bytes(torn_rows)
        (partial_folder / "journal.jsonl").write_bytes(torn_journal)
        with resumable(target, resume=True, force=False) as output:
            assert output.state["rows"] == n_true
        cut_short(target, after=2, resume=True)
        assert make(target, resume=True) == 2  # found behind what was torn
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
        target.write_text("old")
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
        """Note the name and, of a file, the size that is seen from outside."""
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
    if number == errno.EIO:  # a disk that fails is another thing
        with pytest.raises(OSError, match="no"):
            make(target)
        assert names(target.parent) == []
    else:
        make(target)
        assert target.read_bytes() == CONTENT


def test_the_lock_is_removed_while_it_is_held(
    target: Path, partial_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it could be that of the next process, and a third one would lock another file."""
    release = FileLock.release

    def watched(lock: FileLock, *args: Any, **options: Any) -> None:
        assert not (partial_folder / "lock").exists()
        release(lock, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(FileLock, "release", watched)
        make(target)
    assert names(target.parent) == ["out.csv"]


# ---------------------------------------------------------------------- death at every step

Step = Callable[[], Any]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Step], Any]], None]:
    """Lets a function take all steps on the disk: it is given each, to be done or not."""

    def watch(take: Callable[[Step], Any]) -> None:
        def watched(step: Callable[..., Any]) -> Callable[..., Any]:
            return lambda *args, **options: take(partial(step, *args, **options))

        for owner, steps in ((os, "fsync replace truncate"), (Path, "unlink touch mkdir rmdir")):
            for name in steps.split():
                monkeypatch.setattr(owner, name, watched(getattr(owner, name)))

    return watch


@finishes
@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize(("n_before", "n_chunks"), [(0, 0), (0, 3), (2, 3)])
def test_a_run_that_dies_is_gone_on_with(
    target: Path,
    watch: Callable[[Callable[[Step], Any]], None],
    monkeypatch: pytest.MonkeyPatch,
    finish: Finish | None,
    is_new: bool,
    n_before: int,
    n_chunks: int,
) -> None:
    """What is on the disk before each step is what a process leaves that dies there."""
    if n_before:
        cut_short(target, after=n_before, finish=finish)
    if not is_new:
        target.write_text("old")
    graves: list[Path] = []

    def bury(step: Step) -> Any:
        graves.append(target.parent.with_name(f"grave{len(graves)}"))
        shutil.copytree(target.parent, graves[-1])
        return step()

    watch(bury)
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
        except FileExistsError:  # nothing was left to do, as after a run that has ended
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
    tmp_path: Path, watch: Callable[[Callable[[Step], Any]], None], finish: Finish | None
) -> None:
    """A signal may come right behind a step, before the program has made a note of it."""
    n_steps = place = 0
    n_known = 0

    def interrupt(step: Step) -> Any:
        nonlocal n_steps, n_known
        done = step()
        n_steps += 1
        if n_steps == place:
            journal = folder / "out.csv.partial" / "journal.jsonl"
            lines = journal.read_text().splitlines() if journal.exists() else []
            states = [json.loads(line).get("state", {"rows": 0}) for line in lines]
            n_known = max((state["rows"] for state in states), default=0)
            raise KeyboardInterrupt
        return done

    watch(interrupt)
    while n_steps >= place:  # until there is no such step
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


# ------------------------------------------------------------- failures where it is completed


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


# ----------------------------------------------------------------------------------- places


@pytest.mark.parametrize("force", [False, True])
def test_impossible_places(tmp_path: Path, force: bool) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder, expected a file's name"):
        make(tmp_path, force=force)
    with pytest.raises(FileNotFoundError, match="no: no such folder; make it first"):
        make(tmp_path / "no" / "out.csv", force=force)
    (tmp_path / "out.csv.partial").write_text("mine")
    with pytest.raises(FileExistsError, match=r"out\.csv\.partial is in the way"):
        make(tmp_path / "out.csv", force=force)
    assert contents(tmp_path) == {"out.csv.partial": b"mine"}


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_ordinary_file_is_not_replaced(tmp_path: Path, force: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for special in (pipe, Path(os.devnull)):
        with (
            pytest.raises(FileExistsError, match="is no ordinary file; leave out --output"),
            resumable(special, resume=False, force=force),
        ):
            pass
        assert not stat.S_ISREG(special.stat().st_mode)
    assert names(tmp_path) == ["pipe"]


@pytest.mark.parametrize("exists", [False, True])
def test_links_are_followed(
    target: Path, partial_folder: Path, tmp_path: Path, exists: bool
) -> None:
    if exists:
        target.write_text("old")
    link = tmp_path / "link"
    link.symlink_to(target)
    cut_short(link, after=2, force=exists)
    assert names(tmp_path) == ["link", "work"]
    assert partial_folder.is_dir()
    assert make(link, resume=True, force=exists) == 2
    assert link.is_symlink()
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["out.csv"]


def test_files_of_others_survive(target: Path, partial_folder: Path) -> None:
    partial_folder.mkdir()
    (partial_folder / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="no"):
        make(target, error=ValueError("no"))
    cut_short(target, after=2)
    cut_short(target, after=1, force=True)
    make(target, resume=True)
    assert target.read_bytes() == CONTENT
    assert contents(partial_folder) == {"notes.txt": b"mine"}
    assert names(partial_folder) == ["notes.txt"]

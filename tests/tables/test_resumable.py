"""Files in the making: when they appear, and what is kept of a run that is cut short."""

from __future__ import annotations

import gzip
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from npbert.tables.formats import finisher_for
from npbert.tables.parquet_writing import ParquetSerializer
from npbert.tables.resumable import resumable
from tests.support.platforms import needs_fifos
from tests.support.resumable import (
    CHUNKS,
    CONTENT,
    HEADER,
    RECIPE,
    Finish,
    contents,
    cut_short,
    finishes,
    make,
    names,
    no_warnings,
)
from tests.support.tables import chunk_of

# -------------------------------------------------------------------------------- complete


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
    """The permissions of new files."""
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


# ------------------------------------------------------------------------------- cut short

ERRORS = [ValueError("no"), KeyboardInterrupt("no"), SystemExit("no")]


@pytest.mark.parametrize("error", ERRORS)
def test_before_there_are_rows_nothing_is_left(target: Path, error: BaseException) -> None:
    target.write_text("old", encoding="utf-8")
    with pytest.raises(type(error), match="no"):
        make(target, error=error, force=True)
    with (
        pytest.raises(type(error), match="no"),
        resumable(target, resume=False, force=True),
    ):
        raise error
    assert names(target.parent) == ["out.csv"]
    assert target.read_text(encoding="utf-8") == "old"


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
    assert [warning.filename for warning in warned] == [make.__code__.co_filename]
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
    with no_warnings(), pytest.raises(FileExistsError, match=message):
        make(target)
    assert contents(partial_folder) == before


def test_force_starts_over(target: Path) -> None:
    cut_short(target, after=2)
    assert make(target, force=True, recipe={"model": "another"}) == 0
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["out.csv"]


def test_force_drops_nothing_before_a_run_begins(target: Path, partial_folder: Path) -> None:
    """If the model has a wrong name, for example, the rows of a night are still there."""
    cut_short(target, after=2)
    before = contents(partial_folder)
    with (
        no_warnings(),
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
    with no_warnings(), pytest.raises(ValueError, match=message):
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
    _, *checkpoints = journal.read_text(encoding="utf-8").splitlines()
    journal.write_text("\n".join([line, *checkpoints, ""]))
    before = contents(partial_folder)
    message = r"is of a run of another version of npbert, .*--force without --resume starts over$"
    with no_warnings(), pytest.raises(ValueError, match=message):
        make(target, resume=resume, force=force)
    assert contents(partial_folder) == before
    with (
        no_warnings(),
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
    target.write_text("old", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"out\.csv is there already; .*--force"):
        make(target, resume=resume)
    assert target.read_text(encoding="utf-8") == "old"
    assert names(target.parent) == ["out.csv"]
    make(target, resume=resume, force=True)
    assert target.read_bytes() == CONTENT


@finishes
def test_the_mode_of_a_file_that_is_replaced(target: Path, finish: Finish | None) -> None:
    """People who may not read the old file may not read the new one either."""
    target.write_text("old", encoding="utf-8")
    target.chmod(0o600)
    cut_short(target, after=2, force=True, finish=finish)
    rows = target.with_name("out.csv.partial") / "rows"
    assert stat.S_IMODE(rows.stat().st_mode) == 0o600
    make(target, resume=True, force=True, finish=finish)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_file_that_has_appeared_meanwhile_is_replaced_only_with_force(target: Path) -> None:
    cut_short(target, after=2)
    target.write_text("new", encoding="utf-8")
    with pytest.raises(FileExistsError, match="there already"):
        make(target, resume=True)
    assert target.read_text(encoding="utf-8") == "new"
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
            target.write_text("new", encoding="utf-8")
            output.complete()

    with (
        pytest.warns(UserWarning, match="3 rows are kept"),
        pytest.raises(FileExistsError, match=r"out\.csv has appeared meanwhile.*--resume --force"),
    ):
        work()
    assert target.read_text(encoding="utf-8") == "new"
    assert make(target, resume=True, force=True, finish=finish) == 3
    whole = target.read_bytes()
    assert (whole if finish is None else gzip.decompress(whole)) == CONTENT
    assert names(target.parent) == ["out.csv"]


# ---------------------------------------------------------------------------------- places


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


@needs_fifos
@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_ordinary_file_is_not_replaced(tmp_path: Path, force: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for special in (pipe, Path(os.devnull)):
        with (
            pytest.raises(FileExistsError, match="is not an ordinary file; leave out --output"),
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
        target.write_text("old", encoding="utf-8")
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

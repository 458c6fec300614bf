"""A folder in the making: it appears when it is complete, and survives deaths at any step."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from npbert.tables.output_folder import digest_of, resumable_folder
from tests.support.resumable import (
    CONTENT,
    RECIPE,
    Watch,
    bury_before_each_step,
    make,
    names,
    no_warnings,
)

NAMES = ("a.csv", "day=1/b.csv", "day=2/b.csv")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work" / "labelled"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "in.csv"
    source.write_text("text\n")
    return source


def make_folder(
    target: Path,
    source: Path,
    *,
    resume: bool = False,
    force: bool = False,
    recipe: dict[str, Any] = RECIPE,
    after: int = len(NAMES),
) -> int:
    """Make a folder, or fail after some files; return how many were complete before."""
    with resumable_folder(target, NAMES, resume=resume, force=force) as output:
        output.begin(recipe)
        n_before = output.n_complete
        for number, name in enumerate(NAMES):
            if number == after:
                raise ValueError("cut short")
            counts = output.counts_of(name, str(source))
            if counts is None:
                make(output.path_of(name), resume=True, force=True)
                output.add(name, digest_of(str(source)), {"rows": number})
            else:
                assert counts == {"rows": number}
        output.complete()
    return n_before


def cut_short(target: Path, source: Path, after: int, **options: Any) -> None:
    with (
        pytest.warns(UserWarning, match=rf"d\.partial has {after} of 3 files; --resume"),
        pytest.raises(ValueError, match="cut short"),
    ):
        make_folder(target, source, after=after, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_appears_when_it_is_complete(target: Path, source: Path) -> None:
    cut_short(target, source, after=2)
    assert names(target.parent) == ["labelled.partial"]
    with no_warnings():
        assert make_folder(target, source, resume=True) == 2
    assert contents(target) == dict.fromkeys(NAMES, CONTENT)
    assert names(target.parent) == ["labelled"]


def test_nothing_is_left_where_nothing_was_made(target: Path, source: Path) -> None:
    with no_warnings(), pytest.raises(ValueError, match="cut short"):
        make_folder(target, source, after=0)
    with no_warnings(), resumable_folder(target, NAMES, resume=False, force=False):
        pass
    assert make_folder(target, source, resume=True) == 0


def test_an_entry_of_which_only_a_part_reached_the_disk(target: Path, source: Path) -> None:
    """It is dropped, so that the entries after it count."""
    cut_short(target, source, after=1)
    with (target.with_name("labelled.partial") / "journal.jsonl").open("ab") as file:
        file.write(b'{"name": "day=')
    cut_short(target, source, after=2, resume=True)
    assert make_folder(target, source, resume=True) == 2


def test_an_earlier_run_is_never_dropped_silently(target: Path, source: Path) -> None:
    cut_short(target, source, after=2)
    with pytest.raises(FileExistsError, match="did not end, of which 2 files are complete"):
        make_folder(target, source)
    with pytest.raises(ValueError, match="was to do something else: model is 'b', was 'a'"):
        make_folder(target, source, resume=True, recipe=RECIPE | {"model": "b"})
    with pytest.raises(ValueError, match=r"model is 'b\\x1b\\nb\\x1b\\n.{20,40}…, was 'a'"):
        make_folder(target, source, resume=True, recipe=RECIPE | {"model": "b\x1b\n" * 100})
    source.write_text("text\nchanged\n", encoding="utf-8")
    with (
        pytest.warns(UserWarning, match="2 of 3 files"),
        pytest.raises(
            ValueError, match=r"in\.csv has changed since it was labelled into .*partial"
        ),
    ):
        make_folder(target, source, resume=True)
    assert make_folder(target, source, force=True) == 0
    assert contents(target) == dict.fromkeys(NAMES, CONTENT)


def test_an_existing_folder(target: Path, source: Path) -> None:
    target.mkdir()
    make_folder(target, source)  # an empty one is as good as none
    for resume in (False, True):
        with pytest.raises(FileExistsError, match="labelled is there already; choose another name"):
            make_folder(target, source, resume=resume)
    (target / "day=1" / "b.csv").write_text("old")
    make_folder(target, source, force=True)
    assert contents(target) == dict.fromkeys(NAMES, CONTENT)
    (target / "day=1" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"not be replaced: 'day=1/notes\.txt'; choose"):
        make_folder(target, source, force=True)
    assert names(target.parent) == ["labelled"]
    shutil.rmtree(target)
    target.write_text("a file", encoding="utf-8")
    with pytest.raises(FileExistsError, match="labelled is a file, expected the name of a folder"):
        make_folder(target, source, force=True)
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder; make it first"):
        make_folder(target.parent / "nowhere" / "labelled", source)


def test_a_folder_of_somebody_else_is_not_touched(target: Path, source: Path) -> None:
    files = target.with_name("labelled.partial") / "files"
    files.mkdir(parents=True)
    (files / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="files"):
        make_folder(target, source, force=True)
    assert (files / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_one_process_at_a_time(target: Path, source: Path) -> None:
    with (
        resumable_folder(target, NAMES, resume=False, force=False),
        pytest.raises(OSError, match="labelled is being made by another process"),
    ):
        make_folder(target, source)


@pytest.mark.parametrize("is_new", [True, False])
def test_a_run_that_dies_is_gone_on_with(
    target: Path,
    source: Path,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    is_new: bool,
) -> None:
    """A process that dies at a step leaves what is on the disk before that step."""
    if not is_new:
        target.mkdir()
        (target / "a.csv").write_text("old")
    graves = bury_before_each_step(watch, target.parent)
    make_folder(target, source, force=not is_new)
    monkeypatch.undo()
    n_refused = 0
    for grave in graves:
        found = grave / target.name
        is_done = found.exists() and contents(found) == contents(target)
        try:
            make_folder(found, source, resume=True, force=not is_new)
        except FileExistsError:
            assert is_done
            n_refused += 1
        assert contents(found) == dict.fromkeys(NAMES, CONTENT)
        assert names(grave) == [target.name]
    assert len(graves) > 50
    assert n_refused < 5

"""The file of bad rows appears with its output, and survives what the output survives."""

from __future__ import annotations

from pathlib import Path

import pytest

from npbert.tables.resumable import resumable
from tests.support.resumable import (
    CONTENT,
    HEADER,
    RECIPE,
    Watch,
    bury_before_each_step,
    names,
)

CHUNKS = [(b"1,one\n", b""), (b"2,two\n", b'{"bad": 1}\n'), (b"3,three\n", b'{"bad": 2}\n')]
SKIPPED = b'{"bad": 1}\n{"bad": 2}\n'


@pytest.fixture
def side(target: Path) -> Path:
    return target.with_name("out.csv.skipped.jsonl")


def make(
    target: Path, *, resume: bool = False, force: bool = False, after: int = 3, n_bad: int = 2
) -> None:
    with resumable(target, resume=resume, force=force) as output:
        output.begin(RECIPE)
        if not output.state["rows"]:
            output.write(HEADER, {"rows": 0})
        for number in range(output.state["rows"], 3):
            if number == after:
                raise ValueError("cut short")
            content, skipped = CHUNKS[number]
            output.write(content, {"rows": number + 1}, skipped if n_bad else b"")
        output.complete()


def test_both_files_appear_at_the_end(target: Path, side: Path) -> None:
    with pytest.warns(UserWarning, match="2 rows are kept"), pytest.raises(ValueError, match="cut"):
        make(target, after=2)
    assert names(target.parent) == ["out.csv.partial"]
    # What did not reach its checkpoint is dropped.
    with (target.parent / "out.csv.partial" / "skipped").open("ab") as file:
        file.write(b'{"bad": ')
    make(target, resume=True)
    assert (target.read_bytes(), side.read_bytes()) == (CONTENT, SKIPPED)
    assert names(target.parent) == [target.name, side.name]


def test_there_is_no_file_without_bad_rows(target: Path, side: Path) -> None:
    make(target, n_bad=0)
    assert not side.exists()


def test_bad_rows_of_another_run_are_not_replaced_silently(target: Path, side: Path) -> None:
    side.write_text("old", encoding="utf-8")
    for resume in (False, True):
        with pytest.raises(
            FileExistsError, match=r"out\.csv\.skipped\.jsonl is there already, with the bad rows"
        ):
            make(target, resume=resume)
    make(target, force=True)
    assert side.read_bytes() == SKIPPED
    make(target, force=True, n_bad=0)  # those were the bad rows of the file that is replaced
    assert not side.exists()


def test_a_file_that_appears_meanwhile(target: Path, side: Path) -> None:
    def interfere() -> None:
        with resumable(target, resume=False, force=False) as output:
            output.begin(RECIPE)
            output.write(CHUNKS[0][0], {"rows": 1}, b"bad\n")
            side.write_text("old", encoding="utf-8")
            output.complete()

    with (
        pytest.warns(UserWarning, match="1 row is kept"),
        pytest.raises(FileExistsError, match=r"skipped\.jsonl has appeared meanwhile; rename it"),
    ):
        interfere()
    assert side.read_text(encoding="utf-8") == "old"
    assert not target.exists()
    side.unlink()
    with resumable(target, resume=True, force=False) as output:
        output.begin(RECIPE)
        output.complete()
    assert side.read_text(encoding="utf-8") == "bad\n"


def test_bad_rows_that_the_disk_has_lost(target: Path, side: Path) -> None:
    """The run goes on from the last checkpoint whose bad rows are there."""
    with pytest.warns(UserWarning, match="2 rows are kept"), pytest.raises(ValueError, match="cut"):
        make(target, after=2)
    (target.parent / "out.csv.partial" / "skipped").unlink()
    with resumable(target, resume=True, force=False) as output:
        assert output.state["rows"] == 1
    make(target, resume=True)
    assert side.read_bytes() == SKIPPED


@pytest.mark.parametrize("is_new", [True, False])
def test_a_run_that_dies_is_gone_on_with(
    target: Path, side: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    """A process that dies at a step leaves what is on the disk before that step."""
    if not is_new:
        target.write_text("old", encoding="utf-8")
        side.write_text("old", encoding="utf-8")
    graves = bury_before_each_step(watch, target.parent)
    make(target, force=not is_new)
    monkeypatch.undo()
    for grave in graves:
        found = grave / target.name
        try:
            make(found, resume=True, force=not is_new)
        except FileExistsError:
            assert found.read_bytes() == CONTENT
        assert found.read_bytes() == CONTENT
        assert (grave / side.name).read_bytes() == SKIPPED
        assert names(grave) == [target.name, side.name]
    assert len(graves) > 15

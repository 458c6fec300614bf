"""A folder that appears when it is complete, and that takes the place of no other files."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from npbert.cli.new_folder import new_folder


def making(target: Path, force: bool = False) -> AbstractContextManager[Path]:
    """Make a folder that may replace one whose files are called ours-…."""
    return new_folder(target, lambda name: name.startswith("ours-"), force=force)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "there"


def fill(target: Path, content: str, force: bool = False) -> None:
    with making(target, force) as made:
        (made / f"ours-{content}").write_text(content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_appears_when_it_is_complete(target: Path) -> None:
    with making(target) as made:
        (made / "ours-1").write_text("one")
        assert not target.exists()
    assert names(target) == ["ours-1"]
    assert names(target.parent) == ["there"]


def test_an_empty_folder_is_filled(target: Path) -> None:
    target.mkdir()
    fill(target, "1")
    assert names(target) == ["ours-1"]


def test_an_existing_folder_is_replaced_only_by_force(target: Path) -> None:
    fill(target, "1")
    with pytest.raises(FileExistsError, match="there is there already; choose another name or --f"):
        fill(target, "2")
    assert names(target) == ["ours-1"]
    fill(target, "2", force=True)
    assert names(target) == ["ours-2"]
    assert names(target.parent) == ["there"]


@pytest.mark.parametrize("other", ["theirs", "ours-folder/theirs"])
def test_the_files_of_others_are_never_replaced(target: Path, other: str) -> None:
    fill(target, "1")
    (target / other).parent.mkdir(exist_ok=True)
    (target / other).write_text("mine")
    with pytest.raises(FileExistsError, match="also has files that would not be replaced: '"):
        fill(target, "2", force=True)
    assert (target / other).read_text(encoding="utf-8") == "mine"
    assert (target / "ours-1").exists()


def test_files_that_come_meanwhile_stay(target: Path) -> None:
    def fill_late() -> None:
        with making(target):
            target.mkdir()
            (target / "theirs").write_text("mine")

    with pytest.raises(FileExistsError, match="there already"):
        fill_late()
    assert names(target) == ["theirs"]
    assert names(target.parent) == ["there"]


@pytest.mark.parametrize("force", [False, True])
def test_an_error_leaves_all_as_it_was(target: Path, force: bool) -> None:
    if force:
        fill(target, "1")

    def fail() -> None:
        with making(target, force) as made:
            (made / "ours-2").write_text("half")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert names(target.parent) == (["there"] if force else [])
    assert not force or names(target) == ["ours-1"]


def test_what_is_in_the_way(target: Path) -> None:
    target.write_text("a file", encoding="utf-8")
    with pytest.raises(FileExistsError, match="there is a file, expected the name of a folder"):
        fill(target, "1", force=True)
    with pytest.raises(FileNotFoundError, match="no: no such folder; make it first"):
        fill(target.parent / "no" / "folder", "1")
    partial = target.with_name("other.partial")
    partial.mkdir()
    (partial / "journal.jsonl").write_text("{}\n")
    with pytest.raises(FileExistsError, match="is of a run of npbert classify"):
        fill(target.parent / "other", "1", force=True)
    assert names(partial) == ["journal.jsonl"]


def test_a_link_is_followed(target: Path) -> None:
    (target.parent / "link").symlink_to(target, target_is_directory=True)
    fill(target.parent / "link", "1")
    assert names(target) == ["ours-1"]
    assert (target.parent / "link").is_symlink()


def test_two_at_once(target: Path) -> None:
    with making(target) as made:
        (made / "ours-1").write_text("one")
        with pytest.raises(BlockingIOError, match="there is being made by another process"):
            fill(target, "2")
    assert names(target) == ["ours-1"]


DIE = """
import os, sys
from pathlib import Path
from tests.cli.test_new_folder import fill

target, last = Path(sys.argv[1]), int(sys.argv[2])
replace, calls = os.replace, []

def replace_or_die(*paths):
    if len(calls) == last:
        os._exit(9)
    replace(*paths)
    calls.append(paths)
    if len(calls) == 2:
        os._exit(9)

os.replace = replace_or_die
fill(target, "2", force=True)
"""


@pytest.mark.parametrize(("n_moves", "then"), [(0, ["ours-1"]), (1, None), (2, ["ours-2"])])
def test_a_process_that_is_killed(target: Path, n_moves: int, then: list[str] | None) -> None:
    """It moves the old folder away, and the new one to its place; it dies before and after each."""
    fill(target, "1")
    died = subprocess.run([sys.executable, "-c", DIE, target, str(n_moves)], check=False)
    assert died.returncode == 9
    assert (names(target) if target.exists() else None) == then
    with pytest.raises(FileExistsError):  # the next run finds one of the two, and never neither
        fill(target, "3")
    assert names(target) == (then or ["ours-1"])
    assert names(target.parent) == ["there"]
    fill(target, "3", force=True)
    assert names(target) == ["ours-3"]
    assert names(target.parent) == ["there"]

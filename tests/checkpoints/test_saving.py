"""Files are written whole or not at all, and never in the place of others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from npbert.checkpoints.saving import write_files


def test_texts_and_copies(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"\x00\xff")
    contents: dict[str, str | Path] = {"a.json": "é\n", "b.bin": tmp_path / "source"}
    folder = tmp_path / "new" / "folder"
    for _ in range(2):  # again, where the files are there already
        assert write_files(folder, contents) == (str(folder / "a.json"), str(folder / "b.bin"))
        assert (folder / "a.json").read_bytes() == "é\n".encode()
        assert (folder / "b.bin").read_bytes() == b"\x00\xff"
        assert sorted(path.name for path in folder.iterdir()) == ["a.json", "b.bin"]


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_the_mode_is_that_of_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    before = os.umask(umask)
    try:
        with monkeypatch.context() as changed:
            changed.delattr(os, "umask")  # other threads make files with the same one
            write_files(tmp_path, {"ours": "x"})
        (tmp_path / "theirs").write_text("x")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "theirs")]
    assert modes == [0o666 & ~umask] * 2


@pytest.mark.parametrize("content", ["mine", "", "x\n"])
def test_other_files_are_not_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "b").write_text(content)
    with pytest.raises(FileExistsError, match="b exists and holds something else; choose another"):
        write_files(tmp_path, {"a": "first", "b": "x"})
    assert (tmp_path / "b").read_text(encoding="utf-8") == content
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_nothing_is_left_of_a_file_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="the disk is full"):
        write_files(tmp_path, {"a": "x"})
    assert list(tmp_path.iterdir()) == []

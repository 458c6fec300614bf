"""Several files: which they are, and what their outputs are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from npbert.tables.parts import (
    expand_patterns,
    find_parts,
    is_pattern,
    name_of_output,
    require_different_names,
)
from tests.support.platforms import needs_fifos


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with folders of files as they come out of other programs."""
    monkeypatch.chdir(tmp_path)
    files = (
        "parts/b.csv parts/a.csv parts/_SUCCESS parts/.a.csv.crc parts/day=2/p.parquet "
        "parts/day=1/p.parquet parts/_temporary/t.csv parts/.hidden/h.csv parts/out/old.csv "
        "parts/late.partial/files/l.csv parts/lines.TXT parts/x.jsonl.gz parts/notes.md "
        "parts/run empty/notes.md plain.csv"
    )
    for name in files.split():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text\n")
    return tmp_path


def test_the_files_of_a_folder(folder: Path) -> None:
    with pytest.warns(
        UserWarning, match="^parts: left out, .* of tables: 'notes.md', 'run'; --input-format takes"
    ):
        parts = find_parts(["parts", "plain.csv"], "parts/out", any_ending=False)
    assert [name for _, name in parts] == [
        *("a.csv", "b.csv", "lines.TXT", "x.jsonl.gz"),
        *("day=1/p.parquet", "day=2/p.parquet", "plain.csv"),
    ]
    assert all(os.path.samefile(path, folder / "parts" / name) for path, name in parts[:-1])
    parts = find_parts(["parts"], "parts/out", any_ending=True)
    assert [name for _, name in parts if "." not in name or "notes" in name] == ["notes.md", "run"]


def test_links(folder: Path) -> None:
    """Links to files are followed. Links to folders are not, because they can go round."""
    links = folder / "links"
    links.mkdir()
    (links / "a.csv").symlink_to(folder / "plain.csv")
    (links / "round").symlink_to(links)
    (links / "gone.csv").symlink_to(folder / "nothing")
    assert [part.name for part in find_parts(["links"], "out", any_ending=False)] == ["a.csv"]


@pytest.mark.usefixtures("folder")
def test_what_is_not_there() -> None:
    with pytest.raises(FileNotFoundError, match=r"^none: no such file or folder"):
        find_parts(["plain.csv", "none"], "out", any_ending=False)
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(
            FileNotFoundError, match=r"^empty has no file whose name ends in \.csv, .*xt"
        ),
    ):
        find_parts(["empty"], "out", any_ending=False)


@needs_fifos
def test_what_is_neither_a_file_nor_a_folder(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(ValueError, match=r"^pipe is neither a file nor a folder; label it by"):
        find_parts(["pipe"], "out", any_ending=False)


def test_patterns(folder: Path) -> None:
    """Shells of Windows leave them to the program."""
    assert expand_patterns(["plain.csv", "parts/[ab].csv"]) == [
        *("plain.csv", "parts/a.csv", "parts/b.csv")
    ]
    assert "parts/day=1/p.parquet" in expand_patterns(["parts/**/*.parquet"])
    (folder / "odd[1].csv").write_text("text\n")
    assert expand_patterns(["odd[1].csv"]) == ["odd[1].csv"]
    assert not is_pattern("odd[1].csv")
    with pytest.raises(FileNotFoundError, match=r"^none/\*: no file has such a name"):
        expand_patterns(["plain.csv", "none/*"])


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("a.csv", "csv", "a.csv"),
        ("day=1/a.CSV.gz", "csv", "day=1/a.CSV.gz"),
        ("a.csv.bz2", "csv", "a.csv"),
        ("a.csv.xz", "jsonl", "a.jsonl"),
        ("a.csv.zst", "jsonl", "a.jsonl.zst"),
        ("a.txt", "jsonl", "a.jsonl"),
        ("a.txt.gz", "jsonl", "a.jsonl.gz"),
        ("a.json", "jsonl", "a.json"),
        ("a.pq", "parquet", "a.pq"),
        ("a.csv.gz", "parquet", "a.parquet"),
        ("a.parquet.gz", "parquet", "a.parquet"),
        ("part-00000", "jsonl", "part-00000.jsonl"),
        ("part-00000.gz", "tsv", "part-00000.tsv.gz"),
        ("v1.2/data.v2", "csv", "v1.2/data.v2.csv"),
    ],
)
def test_the_name_of_an_output(name: str, format: str, expected: str) -> None:
    assert name_of_output(name, format) == expected


def test_two_outputs_of_one_name() -> None:
    require_different_names([("x/a.csv", "a.csv"), ("x/b.csv", "b.csv")])
    for other in ("a.csv", "A.csv"):  # which are one file on some systems
        with pytest.raises(ValueError, match=rf"^x/a.csv and y/{other} would both become {other}"):
            require_different_names([("x/a.csv", "a.csv"), (f"y/{other}", other)])


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("é.csv", "e\u0301.csv"),
        ("É.csv", "e\u0301.csv"),
        ("ß.csv", "SS.csv"),
        ("\uac00.csv", "\u1100\u1161.csv"),
    ],
)
def test_two_outputs_that_are_one_file_on_some_systems(name: str, other: str) -> None:
    """They ignore the case of letters, or whether an accent is a character of its own."""
    with pytest.raises(ValueError, match="would both become"):
        require_different_names([("x", name), ("y", other)])


def test_the_output_is_no_input_under_whatever_name(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name in ("a.csv", "out/b.csv"):
        (tmp_path / name).write_text("text\n", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    for output in ("out", "out/", "./out", "link"):
        found = find_parts([str(tmp_path)], str(tmp_path / output), any_ending=False)
        assert [part.name for part in found] == ["a.csv"]

"""csv and tsv without a first line of names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import Classify, read_json_lines


@pytest.mark.parametrize(("ending", "mark"), [("csv", ","), ("tsv", "\t")])
def test_columns_by_number(classify: Classify, tmp_path: Path, ending: str, mark: str) -> None:
    path = tmp_path / f"in.{ending}"
    path.write_text(f"1{mark}a film{mark}x\n2{mark}{mark}y\n")
    code, out, err = classify("--input", str(path), "--no-header", "--column", "1")
    assert (code, err) == (0, "npbert: 2 rows done, 1 null, 0 truncated to 512 tokens\n")
    first, second = out.splitlines()
    assert first.startswith(f"1{mark}a film{mark}x{mark}GOOD{mark}0.")
    assert second == f"2{mark}{mark}y{mark}{mark}"
    options = ("--no-header", "--column", "1", "--format", "jsonl")
    code, out, _ = classify("--input", str(path), *options)
    assert code == 0
    assert list(read_json_lines(out)[0]) == ["0", "1", "2", "label", "score"]
    code, _, err = classify("--input", str(path), "--no-header")
    assert code == 1
    assert "has no column 'text'; there is: '0', '1', '2'; choose one with --column\n" in err


def test_one_column(classify: Classify, tmp_path: Path) -> None:
    """The first text is not lost, or at least it is said that it is."""
    path = tmp_path / "in.csv"
    path.write_text("I loved this film.\nI hated it.\n")
    code, out, err = classify("--input", str(path), "--no-header")
    assert (code, len(out.splitlines())) == (0, 2)
    assert "give --no-header" not in err
    code, out, err = classify("--input", str(path))
    assert (code, len(out.splitlines())) == (0, 2)  # the name, and one row
    assert "the first line, 'I loved this film.', is taken as the name of the column" in err
    path.write_text("the review\nI hated it.\n")
    assert "--no-header" not in classify("--input", str(path))[2]


def test_a_column_that_is_not_there(classify: Classify, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("1,I loved this film.\n2,I hated it.\n")
    code, _, err = classify("--input", str(path), "--column", "1")
    assert code == 0  # a column can have such a name
    code, _, err = classify("--input", str(path), "--column", "2")
    assert code == 1
    assert "choose one with --column; if the first line is a row, give --no-header" in err

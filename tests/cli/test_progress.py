"""Progress, and the line of counts at the end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from npbert.cli.progress import describe_counts
from npbert.tables.labelling import Counts
from tests.support.command_line import TEXTS, Classify, read_json_lines
from tests.support.terminals import run_on_terminals

COUNTS = [
    (Counts(), "0 rows done, 0 null, 0 truncated to 512 tokens"),
    (Counts(rows=1, nulls=1), "1 row done, 1 null, 0 truncated to 512 tokens"),
    (
        Counts(rows=1_234_567, nulls=1_000, truncated=2_000),
        "1,234,567 rows done, 1,000 null, 2,000 truncated to 512 tokens",
    ),
    (
        Counts(rows=2, windowed=1, windows=3),
        "2 rows done, 0 null, 1 long text read in 3 windows",
    ),
]


@pytest.mark.parametrize(("counts", "line"), COUNTS, ids=lambda value: str(value)[:30])
def test_counts_are_one_line(counts: Counts, line: str) -> None:
    assert describe_counts(counts, 512) == line


def test_on_a_terminal(folder: str, tmp_path: Path) -> None:
    out, err = run_on_terminals("classify", "--model", folder, TEXTS[0])
    assert "█" in out
    assert TEXTS[0] in out
    assert err == ""
    lines, labelled = tmp_path / "in.txt", tmp_path / "out.jsonl"
    lines.write_text("good\nbad\n")
    arguments = ["--input", str(lines), "--output", str(labelled)]
    out, err = run_on_terminals("classify", "--model", folder, *arguments)
    assert out == ""
    assert re.search(r"0 rows, 0 rows/s, 0 tokens/s \[00:00<", err)  # progress
    assert err.endswith("npbert: 2 rows done, 0 null, 0 truncated to 512 tokens\r\n")
    assert len(read_json_lines(labelled.read_text(encoding="utf-8"))) == 2


def test_quiet_and_progress(classify: Classify, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("good\n" * 3)
    _, out, err = classify("--input", str(source), "--quiet")
    assert (len(read_json_lines(out)), err) == (3, "")
    _, out, err = classify("--input", str(source), "--progress")
    assert len(read_json_lines(out)) == 3
    assert re.search(r"\d+%\|.*\| 0 rows, 0 rows/s, 0 tokens/s \[00:00<", err)

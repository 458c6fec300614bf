"""A small file that unpacks to a huge line, cell or object ends with one line of error."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

HUGE = 100 << 20  # bytes
MOST_MEMORY = 500 << 10  # KiB


@pytest.mark.parametrize(
    ("name", "beginning", "message"),
    [
        ("in.txt.gz", b"", "in.txt.gz, line 1: a line of more than 33,554,432 characters"),
        ("in.csv.gz", b'text\n"', "in.csv.gz, line 2: a line of more than 33,554,432 characters"),
        ("in.jsonl.gz", b'{"text": "', "in.jsonl.gz, line 1: a line of more than 33,554,432 char"),
        (
            "in.json.gz",
            b'[{"text": "',
            "element 0 (counted from 0): more than 33,554,432 characters, and no end of it",
        ),
    ],
)
def test_it_ends_with_a_line(tmp_path: Path, name: str, beginning: bytes, message: str) -> None:
    path = tmp_path / name
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(beginning)
        for _ in range(HUGE >> 20):
            file.write(b"x" * (1 << 20))
    assert path.stat().st_size < 2 << 20
    code, errors, memory = run_measured("classify", "--model", "mini", "--input", str(path))
    assert code == 1
    assert message in errors
    assert errors.count("\n") == 1
    assert memory < MOST_MEMORY


def test_a_cell_of_many_lines(tmp_path: Path) -> None:
    """A quote that is not closed takes all lines behind it."""
    path = tmp_path / "in.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'text\n"')
        for _ in range(HUGE >> 20):
            file.write(b"x" * ((1 << 20) - 1) + b"\n")
    code, errors, memory = run_measured("classify", "--model", "mini", "--input", str(path))
    assert code == 1
    assert "field larger than field limit (33554432)" in errors
    assert errors.count("\n") == 1
    assert memory < MOST_MEMORY


# The memory of a process counts from the fork of its parent, so a small process starts npbert.
_MEASURED = """
import resource, subprocess, sys
code = subprocess.call([sys.executable, "-m", "npbert", *sys.argv[1:]])
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def run_measured(*arguments: str) -> tuple[int, str, int]:
    """Run npbert; return its exit code, what it wrote to standard error, and its memory in KiB."""
    pytest.importorskip("resource")
    command = [sys.executable, "-c", _MEASURED, *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=True)
    code, memory = done.stdout.splitlines()[-1].split()
    return int(code), done.stderr, int(memory)

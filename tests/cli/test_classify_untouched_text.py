"""Cells of csv, tsv and JSON lines that are only passed through come out as they went in."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas
import pytest

from tests.support.command_line import Classify

Label = Callable[..., bytes]


@pytest.fixture
def label(classify: Classify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Label:
    """Label the content of a file of this name, and return the content of the output."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, content: bytes, *arguments: str) -> bytes:
        Path(name).write_bytes(content)
        code, _, err = classify("--input", name, "--output", "out", "--force", *arguments)
        assert (code, err.count("\n")) == (0, 1), err
        return Path("out").read_bytes()

    return run


# A cell that the csv module writes as it is here: without quotes where it does not need them.
CELLS = [
    *["1", "1.10", "007", "1e400", "NaN", "NA", "", " blank ", "é", "'", "\u2028", "\x1f"],
    *['"a,b"', '"a ""b"""', '"two\nlines"', "12345678901234567890", "0.10000000000000000055"],
]


def assert_equal_elsewhere(name: str, before: bytes, after: bytes, delimiter: str = ",") -> None:
    frames = [
        pandas.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, sep=delimiter)
        for content in (before, after)
    ]
    pandas.testing.assert_frame_equal(frames[1][frames[0].columns], frames[0])
    Path(name).write_bytes(before)
    read = "SELECT * FROM read_csv(?, delim = ?, header = true, all_varchar = true, quote = '\"')"
    rows = [duckdb.execute(read, [path, delimiter]).fetchall() for path in (name, "out")]
    n_cells = len(frames[0].columns)
    assert [row[:n_cells] for row in rows[1]] == rows[0]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("name", "delimiter"), [("in.csv", ","), ("in.tsv", "\t"), ("in.csv", ";")]
)
def test_lines_are_kept_byte_by_byte(label: Label, name: str, delimiter: str, end: str) -> None:
    """Each line of the output begins with the line of the input."""
    cells = [cell.replace(",", delimiter) for cell in CELLS]
    lines = [delimiter.join(["text", "cell"]), *(f"one{delimiter}{cell}" for cell in cells)]
    content = (end.join(lines) + end).encode()
    options = ["--delimiter", delimiter, "--format", name[-3:]]
    made = label(name, content, *options)
    assert_equal_elsewhere(name, content, made, delimiter)
    rest = made.decode()
    for line in lines:
        assert rest.startswith(line + delimiter)
        added, _, rest = rest.removeprefix(line).partition(end)
        assert added.count(delimiter) == 2
    assert rest == ""


def test_lines_without_quotes_are_kept_byte_by_byte(label: Label) -> None:
    content = b'text\tcell\none\t"a\ntwo "b"\t\\"\n'
    made = label("in.tsv", content, "--no-quotes", "--format", "tsv").splitlines()
    for line, before in zip(made, content.splitlines(), strict=True):
        assert line.rpartition(b"\t")[0].rpartition(b"\t")[0] == before


def test_quotes_that_are_not_needed_go(label: Label) -> None:
    """The cells are the same. A row with a carriage return in a cell gets quotes everywhere."""
    content = b'text,cell\n"one","007"\n"two",""\n"a\rb",x\n'
    made = label("in.csv", content, "--format", "csv")
    assert_equal_elsewhere("in.csv", content, made)
    assert [line.rsplit(b",", 2)[0] for line in made.split(b"\n")[:3]] == [
        b"text,cell",
        b"one,007",
        b"two,",
    ]


# ------------------------------------------------------------------------------ JSON lines

AS_IT_WAS = ["1", "1.0", "-0.0", "12345678901234567890", "0.1", "1e+16", "5e-324", "true", "null",
             '""', '"\\""', '"\\u0000"', '"é"', '"\\ud83d"', '[1, [], {}]', '{"b": 1, "a": null}',
             "NaN", "Infinity"]  # fmt: skip
# The same value in other letters.
AS_ANOTHER = [("1E5", "100000.0"), ("1.10", "1.1"), ("-0", "0"), ('"\\u00e9"', '"é"'),
              ('"\\/"', '"/"'), ("[1,2]", "[1, 2]"), ("0.1000000000000000055", "0.1"),
              ("0.12345678901234567890", "0.12345678901234568")]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after"), [*((value, value) for value in AS_IT_WAS), *AS_ANOTHER]
)
def test_values_of_json_lines(label: Label, before: str, after: str) -> None:
    """Fractions have 64 bits, as in pandas, duckdb and JavaScript; all integers are kept."""
    content = f'{{"z": {before}, "text": "one", "a": 1}}\n'.encode()
    made = label("in.jsonl", content, "--format", "jsonl").decode()
    assert made.startswith(f'{{"z": {after}, "text": "one", "a": 1, "label": "')
    assert repr(json.loads(made)["z"]) == repr(json.loads(content)["z"])


@pytest.mark.parametrize("number", ["1e400", "-1e400", "[1e999]"])
def test_numbers_that_64_bits_cannot_hold(classify: Classify, tmp_path: Path, number: str) -> None:
    """They would become Infinity, which is another value and not JSON."""
    path = tmp_path / "in.jsonl"
    path.write_text(f'{{"text": "one", "n": {number}}}\n')
    code, out, err = classify("--input", str(path))
    assert (code, out) == (1, "")
    assert err == (
        f"npbert: error: {path}, line 1: cannot be read: the number "
        f"'{number.strip('[]')}' is too large for 64 bits; store it as a string; "
        "--bad-rows skip leaves such rows out\n"
    )

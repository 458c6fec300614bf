"""The advice of messages about csv files of other dialects: whoever follows it gets the labels."""

from __future__ import annotations

import csv
import io
import re
import shlex
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.support.command_line import Classify

OPTIONS = re.compile(r"[Gg]ive (--[a-z-]+(?: '[^']+')?)")

# The file, the arguments with which it fails, and its texts.
WITH_OPTION: dict[str, tuple[str, list[str], list[str]]] = {
    "escaped quotes": ('id,text\n1,"She said \\"no\\""\n', [], ['She said "no"']),
    "a comma behind one": ('id,text\n1,"say \\"a\\", b"\n', [], ['say "a", b']),
    "a cell too many": ('id,text\n1,"a \\", b"\n', [], ['a ", b']),
    "one in the last cell": ('id,text\n1,"a \\"b"\n2,c\n', [], ['a "b', "c"]),
    "blanks before quotes": ('id,text\n1, "b, c"\n', [], ["b, c"]),
    "two blanks": ('id,text,n\n1,  "b, c",  2\n', [], ["b, c"]),
    "blanks in the header": ('id, text\n1, "b, c"\n', [], ["b, c"]),
    "quotes in the header": ('"id", "text"\n1, "b, c"\n', [], ["b, c"]),
    "semicolons": ("id;text;n\n1;a, b;3,5\n", [], ["a, b"]),
    "semicolons and a column": ("id;text;n\n1;a, b;3,5\n", ["--column", "text"], ["a, b"]),
    "semicolons and commas": ("id;text;n, in euro\n1;a, b;3,5\n", [], ["a, b"]),
    "tabs": ("id\ttext\n1\ta, b\n", [], ["a, b"]),
    "tabs and a column": ("id\ttext\n1\ta, b\n", ["--column", "text"], ["a, b"]),
    "bars": ("id|text\n1|a, b\n", [], ["a, b"]),
    "commas in tsv": ("id,text\n1,a\n", ["--input-format", "tsv"], ["a"]),
    "an open quote": ('id,text\n1,"a\n2,b\n', [], ['"a', "b"]),
}


def texts_in(output: str, delimiter: str = ",") -> list[str]:
    rows = list(csv.DictReader(io.StringIO(output, newline=""), delimiter=delimiter))
    assert all(row["label"] in ("BAD", "SO-SO", "GOOD") for row in rows)
    return [row["text"] for row in rows]


@pytest.mark.parametrize(("content", "arguments", "texts"), WITH_OPTION.values(), ids=WITH_OPTION)
def test_an_option_that_is_advised(
    classify: Classify, tmp_path: Path, content: str, arguments: list[str], texts: list[str]
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(content)
    arguments = ["--input", str(source), *arguments]
    code, _, err = classify(*arguments)
    assert code == 1
    advised = OPTIONS.search(err)
    assert advised is not None, err
    code, out, err = classify(*arguments, *shlex.split(advised[1]), "--format", "jsonl")
    assert code == 0, err
    assert pd.read_json(io.StringIO(out), lines=True)["text"].tolist() == texts


@pytest.mark.parametrize("mark", ["||", "::", "~|~", "^^", "$$", "//"])
def test_a_delimiter_of_several_characters(classify: Classify, tmp_path: Path, mark: str) -> None:
    source = tmp_path / "in.csv"
    source.write_text(f"id{mark}text\n1{mark}a, b: c\n")
    code, _, err = classify("--input", str(source), "--delimiter", mark)
    assert code == 2
    command = re.search(r"Put a tab in its place: (sed .*) FILE \| npbert classify (.*)", err)
    assert command is not None, err
    if mark != "~|~":
        code, _, err = classify("--input", str(source))
        assert code == 1
        assert command[1] in err
    replaced = tmp_path / "replaced"
    done = subprocess.run([*shlex.split(command[1]), str(source)], capture_output=True, check=True)
    replaced.write_bytes(done.stdout)
    code, out, err = classify(*shlex.split(command[2].replace(" - ", f" {replaced} ")))
    assert code == 0, err
    assert texts_in(out, "\t") == ["a, b: c"]


# The file, the message, and the first line by its advice.
FIRST_LINES = [
    ("id,text\n1,a,\n2,b,\n", "ends with ',', let the first line end with it too", "id,text,"),
    ("id,text,\n1,a\n2,b\n", "only the first line ends with ',', remove it there", "id,text"),
    ("id,text\nx,1,a\ny,2,b\n", "lacks the name of the first cell, let it begin", ",id,text"),
]


@pytest.mark.parametrize(("content", "message", "first"), FIRST_LINES)
def test_a_first_line_with_too_few_or_too_many_cells(
    classify: Classify, tmp_path: Path, content: str, message: str, first: str
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(content)
    code, _, err = classify("--input", str(source))
    assert code == 1
    assert message in err
    source.write_text(first + content[content.index("\n") :])
    code, out, err = classify("--input", str(source))
    assert code == 0, err
    assert texts_in(out) == ["a", "b"]


def test_escapes_and_nulls(classify: Classify, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text('id,text\n1,"say \\"no\\""\n2,\\N\n')
    code, out, err = classify("--input", str(source), "--escape", "\\", "--null", "\\N")
    assert code == 0
    assert "1 null" in err
    assert [line.rpartition(",")[0].rpartition(",")[0] for line in out.splitlines()] == [
        "id,text",
        '1,"say \\"no\\""',
        "2,\\N",
    ]


def test_the_end_of_a_file_with_escapes(classify: Classify, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("id,text\n1,a\\")
    code, _, err = classify("--input", str(source), "--escape", "\\")
    assert code == 1
    assert "the file ends with '\\\\', and there is nothing that it escapes" in err


def test_no_advice_on_the_first_line_behind_a_row_that_fits(
    classify: Classify, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text("id,text\n1,a\n2,b,\n")
    code, _, err = classify("--input", str(source))
    assert code == 1
    assert "line 3: 3 cells, expected 2 as in the first line; --bad-rows skip" in err

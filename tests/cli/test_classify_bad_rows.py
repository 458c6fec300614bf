"""`--bad-rows skip`: what cannot be read goes to a file beside the output, with its reason."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import (
    Classify,
    kill_after_checkpoints,
    read_json_lines,
    start_npbert,
)

SIDE = "out.csv.skipped.jsonl"
NO_TEXT = "is no text in this encoding"

# The name and the content of the input, the texts of the rows that are labelled, and for each bad
# row: the line or element, the problem, and what stands there.
INPUTS: dict[str, tuple[str, bytes, list[str], list[tuple[str, str, Any]]]] = {
    "cells": (
        "in.csv",
        b"id,text\n1,a\n2,b,c\n\n3\n4,d\n",
        ["a", "d"],
        [
            ("line 3", "3 cells, expected 2 as in the first line", "2,b,c\n"),
            ("line 5", "1 cell, expected 2 as in the first line", "3\n"),
        ],
    ),
    "a row of several lines": (
        "in.csv",
        b'id,text\r\n1,"a\r\nb",c\r\n2,"d\r\ne"\r\n3,f,g\r\n',
        ["d\r\ne"],
        [
            ("line 2", "3 cells, expected 2 as in the first line", '1,"a\r\nb",c\r\n'),
            ("line 6", "3 cells, expected 2 as in the first line", "3,f,g\r\n"),
        ],
    ),
    "bytes": (
        "in.tsv",
        b"id\ttext\n1\tcaf\xe9\n2\tcaf\xc3\xa9\n3\t\xff\xfe\n4\tx\n",
        ["café", "x"],
        [
            ("line 2", f"the byte 0xe9 {NO_TEXT}", "1\tcaf\udce9\n"),
            ("line 4", f"the byte 0xff {NO_TEXT}", "3\t\udcff\udcfe\n"),
        ],
    ),
    "lines": (
        "in.txt",
        b"\xff\na\nb\x80\nc",
        ["a", "c"],
        [
            ("line 1", f"the byte 0xff {NO_TEXT}", "\udcff"),
            ("line 3", f"the byte 0x80 {NO_TEXT}", "b\udc80"),
        ],
    ),
    "json": (
        "in.jsonl",
        b'nope\n{"text": "a"}\n{"text": 5}\n[1]\n{"text": "\xff"}\n\n{"text": "\\ud83d"}\n'
        b'{"text": "z"}',
        ["a", "z"],
        [
            ("line 1", "not JSON: Expecting value (column 1)", "nope\n"),
            ("line 3", "'text' is 5, expected a string or null", {"text": 5}),
            ("line 4", "a list, expected a JSON object", "[1]\n"),
            ("line 5", f"the byte 0xff {NO_TEXT}", '{"text": "\udcff"}\n'),
            ("line 7", "'text' has a lone surrogate", {"text": "\ud83d"}),
        ],
    ),
    "an array": (
        "in.json",
        b'[5, {"text": "a"}, {"text": [1]}, {"text": "\xff"}, {"text": "z"}]',
        ["a", "z"],
        [
            ("element 0", "a int, expected a JSON object", "5"),
            ("element 2", "'text' is [1], expected a string or null", {"text": [1]}),
            ("element 3", f"the byte 0xff {NO_TEXT}", '{"text": "\udcff"}'),
        ],
    ),
    "compressed": (
        "in.csv.gz",
        gzip.compress(b"text\na\nb,c\n", mtime=0),
        ["a"],
        [("line 3", "2 cells, expected 1 as in the first line", "b,c\n")],
    ),
    "nothing is good": (
        "in.jsonl",
        b"1\n2\n",
        [],
        [
            ("line 1", "a int, expected a JSON object", "1\n"),
            ("line 2", "a int, expected a JSON object", "2\n"),
        ],
    ),
}


@pytest.mark.parametrize("case", INPUTS)
def test_bad_rows(
    classify: Classify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    name, content, texts, bad = INPUTS[case]
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    command = ["--input", name, "--output", "out.jsonl"]
    code, _, err = classify(*command)
    assert code == 1
    assert err.startswith(f"npbert: error: {name}")
    assert not content.isascii() or f"{name}, {bad[0][0]}" in err
    assert not content.isascii() or err.endswith("; --bad-rows skip leaves such rows out\n")
    assert not Path("out.jsonl").exists()
    code, _, err = classify(*command, "--bad-rows", "skip")
    assert (code, err) == (
        0,
        f"npbert: {len(texts)} row{'s' * (len(texts) != 1)} done, 0 null, 0 truncated to 512 "
        f"tokens, {len(bad)} skipped (see out.jsonl.skipped.jsonl)\n",
    )
    assert [
        row["text"] for row in read_json_lines(Path("out.jsonl").read_text(encoding="utf-8"))
    ] == texts
    skipped = read_json_lines(Path("out.jsonl.skipped.jsonl").read_text(encoding="utf-8"))
    for found, (place, problem, source) in zip(skipped, bad, strict=True):
        assert found["where"].startswith(f"{name}, {place}")
        assert found["problem"].startswith(problem)
        assert found["content"] == source


STOPS = [
    ("in.csv", b'text\na\n"b\nc\n', "line 3: unexpected end of data; is there a quote"),
    ("in.csv", b"id,review\n1,a\n", "has no column 'text'"),
    ("in.json", b'[{"text": "a"}, {]', "element 1 (counted from 0): not JSON"),
    ("in.txt", "a\nb".encode("utf-16-le"), "NUL characters"),
    ("in.csv.gz", gzip.compress(b"text\na\n", mtime=0)[:-9], "damaged"),
]


@pytest.mark.parametrize(("name", "content", "message"), STOPS)
def test_what_is_wrong_with_the_file_and_not_with_a_row(
    classify: Classify, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    output = tmp_path / "out.csv"
    code, _, err = classify(
        "--input", str(tmp_path / name), "--output", str(output), "--bad-rows", "skip"
    )
    assert code == 1
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_encoding_errors_come_first(classify: Classify, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"a\xff\n")
    output = tmp_path / "out.jsonl"
    options = ["--bad-rows", "skip", "--encoding-errors", "replace"]
    code, _, err = classify("--input", str(tmp_path / "in.txt"), "--output", str(output), *options)
    assert (code, err) == (0, "npbert: 1 row done, 0 null, 0 truncated to 512 tokens\n")
    assert json.loads(output.read_text(encoding="utf-8"))["text"] == "a\ufffd"


def test_it_needs_an_output(classify: Classify) -> None:
    code, _, err = classify("--input", "in.csv", "--bad-rows", "skip")
    assert code == 2
    assert "--bad-rows skip needs --output FILE, beside which it writes those rows" in err


def test_several_files(classify: Classify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("text\na\nb,c\n", encoding="utf-8")
    Path("b.csv").write_text("text\na\n", encoding="utf-8")
    command = ["--input", "a.csv", "b.csv", "--output", "out", "--bad-rows", "skip"]
    code, _, err = classify(*command)
    assert code == 0
    assert err.endswith("1 skipped (see *.skipped.jsonl in out)\n")
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "a.csv",
        "a.csv.skipped.jsonl",
        "b.csv",
    ]
    Path("a.csv").write_text("text\na\nb\n", encoding="utf-8")
    assert classify(*command, "--force")[0] == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.csv", "b.csv"]


def messy_rows(n_rows: int) -> str:
    return "text\n" + "".join(f"row {n}{',' * (n % 7 == 3)}\n" for n in range(n_rows))


def test_a_run_that_is_killed(
    classify: Classify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text(messy_rows(20_000), encoding="utf-8")
    command = ["--input", "in.csv", "--output", "out.csv", "--threads", "1", "--bad-rows", "skip"]
    process = start_npbert("classify", "--model", folder, *command)
    kill_after_checkpoints(process, Path("out.csv.partial", "journal.jsonl"))
    code, _, err = classify(*command, "--resume")
    assert code == 0
    assert "17,143 rows done" in err
    assert "2,857 skipped" in err
    resumed = Path("out.csv").read_bytes(), Path(SIDE).read_bytes()
    assert classify(*command, "--force")[0] == 0
    assert resumed == (Path("out.csv").read_bytes(), Path(SIDE).read_bytes())
    assert len(read_json_lines(resumed[1].decode())) == 2857


def test_a_bad_row_that_has_changed_is_noticed(
    classify: Classify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = messy_rows(2000)
    Path("in.csv").write_text(content + '"never closed', encoding="utf-8")
    command = ["--input", "in.csv", "--output", "out.csv", "--bad-rows", "skip"]
    code, _, err = classify(*command)
    assert code == 1
    assert "878 rows are kept" in err
    Path("in.csv").write_text(content.replace("row 10,", "row ten,"), encoding="utf-8")
    code, _, err = classify(*command, "--resume")
    assert code == 1
    assert "in.csv has changed within the 1,024 rows" in err
    Path("in.csv").write_text(content, encoding="utf-8")
    assert classify(*command, "--resume")[0] == 0
    assert len(Path(SIDE).read_text(encoding="utf-8").splitlines()) == 286

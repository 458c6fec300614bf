"""The messages of errors and the exit codes of the commands."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from npbert.cli.commands import main
from tests.support.command_line import Classify


def test_version_help_and_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, code in ((["--version"], 0), (["--help"], 0), ([], 2), (["label"], 2)):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == code
    out = capsys.readouterr().out
    assert out.startswith(f"npbert {version('npbert')}\n")
    assert "classify" in out
    assert "info" in out


FAILURES: list[tuple[str, bytes, list[str], str]] = [
    ("in.txt", b"", ["--input", "missing.txt"], "No such file or directory: 'missing.txt'"),
    ("in.txt", b"\xff\n", ["--input", "in.txt"], "in.txt, line 1: not UTF-8"),
    (
        "in.csv",
        b"a,b\n1,2\n",
        ["--input", "in.csv"],
        "there is: 'a', 'b'; choose one with",
    ),
    ("in.csv", b"text,label\n1,2\n", ["--input", "in.csv"], "has a column 'label' already"),
    ("in.csv", b"id;text\n1;a\n", ["--input", "in.csv"], "divided by ';'? Give --delimiter"),
    ("in.csv", b"PAR1....", ["--input", "in.csv"], "is a parquet file, not csv"),
    (
        "in.jsonl",
        b'{"text": "a"}\n{"text": "b", "label": "mine"}\n',
        ["--input", "in.jsonl"],
        "row 1 (counted from 0) has a column 'label' already; choose a prefix",
    ),
    ("in.csv", b"text\nx\n", ["--input", "in.csv", "--output", "a.csv.bz2"], ".bz2 is not written"),
    (
        "in.txt",
        b"x " * 600,
        ["--input", "in.txt", "--long-text", "error"],
        "(--long-text window) to read it in windows",
    ),
    (
        "in.csv",
        b"text\nx\n",
        ["--input", "in.csv", "--no-quotes", "--prefix", "my,"],
        "the names of the columns: a cell that takes quotes",
    ),
    ("in.pq", b"PAR1....", ["--input", "in.pq"], "damaged or no parquet file"),
    ("in.csv", b"PK\x03\x04....", ["--input", "in.csv"], "is a zip archive"),
    ("in.csv", bytes(257) + b"ustar", ["--input", "in.csv"], "is a tar archive; extract it"),
    ("in.csv", b"version https://git-lfs.g", ["--input", "in.csv"], "run `git lfs pull`"),
    ("in.txt", "one\n".encode("utf-16-le"), ["--input", "in.txt"], "perhaps --encoding utf-16-le"),
    ("in.txt", b"one\rtwo\r", ["--input", "in.txt"], "has carriage returns and no newline"),
    (
        "in.txt",
        "é\n".encode() + b"\xe9\n",
        ["--input", "in.txt", "--output", "out.txt"],
        "or give --encoding-errors replace",
    ),
    ("in.csv", b"\x1f\x8b....", ["--input", "in.csv"], "in.csv is damaged or incomplete"),
    ("in.txt", b"x\n", ["--input", "in.txt", "--output", "a.parquet.gz"], "leave out .gz"),
    (
        "in.txt",
        b"x\n",
        ["--input", "in.txt", "--output", "/dev/null", "--force"],
        "not an ordinary file",
    ),
    ("in.txt", b"x\n", ["--input", "in.txt", "--output", "in.txt"], "there already"),
    ("in.txt", b"x\n", ["--input", "in.txt", "--output", "no/out.txt"], "no: no such folder"),
    ("in.txt", b"x\n", ["--model", "./missing", "x"], "./missing: no such folder"),
    ("in.txt", b"x\n", ["--model", ".", "x"], "has no config.json"),
    ("config.json", b'{"model_type": "bert"}', ["--model", ".", "x"], "model_type is 'bert'"),
    ("config.json", b"{", ["--model", ".", "x"], "config.json is not a JSON file"),
]


@pytest.mark.parametrize(("name", "content", "arguments", "message"), FAILURES)
def test_failures_are_one_line(
    classify: Classify,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    if name == "config.json":
        (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
    code, out, err = classify(*arguments)
    assert code == 1
    assert out == ""
    assert err.startswith("npbert: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert (tmp_path / name).read_bytes() == content
    assert [path.name for path in tmp_path.iterdir() if path.name != "vocab.txt"] == [name]


DAMAGE = [(b"", "empty"), (b"<!DOCTYPE html>", "web page"), (b"version https://git-lfs", "git lfs")]


@pytest.mark.parametrize(("content", "message"), DAMAGE)
def test_damaged_weights(
    classify: Classify, folder: str, tmp_path: Path, content: bytes, message: str
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "model.safetensors").write_bytes(content)
    code, _, err = classify("text", model=str(tmp_path))
    assert code == 1
    assert err.count("\n") == 1
    assert message in err


def test_many_problems_are_one_line(classify: Classify, folder: str, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(config | {"dim": 26}))
    code, _, err = classify("text", model=str(tmp_path))
    assert code == 1
    assert err.count("\n") == 1
    assert "more (from_pretrained names all)" in err


def test_an_unusual_error_is_one_line_and_says_its_kind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for error, line in (
        (RuntimeError("first\nsecond\x1b[2J"), "RuntimeError: first; second\\x1b[2J"),
        (TypeError("no"), "TypeError: no"),
        (MemoryError(), "there is not enough memory"),
        (OSError("full"), "full"),
    ):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr("npbert.cli.info.print_facts", fail)
        assert main(["info", "mini"]) == 1
        assert capsys.readouterr().err == f"npbert: error: {line}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_the_version_has_nowhere_to_go() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "npbert", "--version"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"npbert: error: [Errno 28] No space left on device\n"


def test_a_user_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "~nobody-of-this-name/model"]) == 1
    err = capsys.readouterr().err
    assert "~nobody-of-this-name/model" in err
    assert err.count("\n") == 1

"""The advice that a message gives is taken from the message as it stands, and works."""

from __future__ import annotations

import ast
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

import npbert
from tests.support.command_line import Classify, read_json_lines, run_in_shell

_OPTION = r"--[a-z-]+(?: (?:'.'|[\w-]+))?"


def stored(**columns: Any) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), stream)
    return stream.getvalue()


BYTES = {"text": ["one"], "bytes": [b"\xff"]}
# What a message says, the file, its content, the arguments, and the advice: a pattern for the
# options in the message, with the values that the user has to know.
Case = tuple[str, str, bytes, str, str, str]
CASES: list[Case] = [
    ("name the file's own with --encoding", "in.csv", b"text\n\xe9\n", "--encoding ascii",
     "--encoding$", "cp1252"),
    ("perhaps cp1252 or latin-1", "in.csv", b"text\n\xe9\n", "",
     "--encoding", "cp1252"),
    ("perhaps utf-16", "in.csv", "text\né\n".encode("utf-16"), "", "--encoding", "utf-16"),
    ("perhaps ", "in.txt", "é one\n".encode("utf-16-le"), "", "--encoding", "utf-16-le"),
    ("perhaps --encoding ", "in.csv", "text\none\n".encode("utf-16-be"), "", _OPTION, ""),
    ("name the order of the bytes: --encoding ", "in.csv", "text\none\n".encode("utf-16-le"),
     "--encoding utf-16", _OPTION, ""),
    ("or give --encoding-errors replace", "in.csv", b"text\n\xc3\xa9\n\xe9\n", "",
     r"--encoding-errors \w+", ""),
    ("write --format jsonl", "in.jsonl", b'{"text": "one", "a": "\\ud83d"}\n', "--format csv",
     _OPTION, ""),
    ("file has no column for it; write --format jsonl", "in.jsonl",
     b'{"text": "one"}\n{"text": "two", "n": 1}\n', "--format csv", _OPTION, ""),
    ("Give --delimiter ", "in.csv", b"id;text\n1;one\n", "", r"--delimiter '.'", ""),
    ("or choose this column with --column", "in.csv", b"one;two\na;b\n", "", r"--column$",
     "'one;two'"),
    ("if it is a text, give --no-header", "in.csv", b"A fine film to see.\nGood.\n", "",
     "--no-header", ""),
    ("if the first line is a row, give --no-header", "in.csv", b"5,one\n1,two\n", "--column 1",
     "--no-header", ""),
    ("character like any other in this file, give --no-quotes", "in.csv",
     b'text,n\n"a" b,1\n"open,2\n', "", "--no-quotes", ""),
    ("choose one with --column", "in.csv", b"id,review\n1,one\n", "", "--column", "review"),
    ("give --input-format csv, tsv or jsonl", "in.txt", b"id,review\n1,one\n", "--column review",
     r"--input-format \w+", ""),
    ("give --input-format parquet", "in.csv", stored(text=["one"]), "--format csv", _OPTION, ""),
    ("choose a prefix for the columns that are added (--prefix)", "in.csv", b"text,label\none,1\n",
     "", "--prefix", "our_"),
    ("choose another with --column", "in.parquet", stored(text=[1], review=["a"]),
     "--format csv", "--column", "review"),
    ("choose another column with --column", "in.parquet", stored(text=[b"\xff"], review=["a"]),
     "--output out.parquet", "--column", "review"),
    ("parquet does not go to standard output; give --output FILE", "in.parquet",
     stored(text=["one"]), "", "--output", "out.parquet"),
    ("write --format parquet", "in.parquet", stored(**BYTES), "--format csv", _OPTION,
     "--output out.parquet"),
    ("one type per column", "in.jsonl", b'{"text": "one", "a": 1}\n{"text": "one", "a": "x"}\n',
     "--output out.parquet", _OPTION, "--output out.jsonl"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("says", "name", "content", "arguments", "advice", "value"), CASES, ids=[c[0] for c in CASES]
)
def test_an_option(
    classify: Classify,
    says: str,
    name: str,
    content: bytes,
    arguments: str,
    advice: str,
    value: str,
) -> None:
    Path(name).write_bytes(content)
    before = ["--input", name, *shlex.split(arguments)]
    _, _, err = classify(*before)
    assert says in err
    found = re.findall(advice, err.rstrip(), re.MULTILINE)
    assert found, err
    code, out, err = classify(*before, *shlex.split(found[-1]), *shlex.split(value))
    assert (code, err.count("\n")) == (0, 1), err
    assert " done, 0 null" in err
    assert out or list(Path().glob("out.*"))


def test_texts_of_another_encoding(classify: Classify) -> None:
    """What `--encoding` gives is the text, and not only a run without an error."""
    for encoding in ("cp1252", "utf-16", "utf-16-le", "utf-16-be"):
        Path("in.txt").write_bytes("é one\n".encode(encoding))
        _, _, err = classify("--input", "in.txt")
        advised = re.search(r"perhaps (?:--encoding )?([\w-]+)", err)
        assert advised, err
        _, out, _ = classify("--input", "in.txt", "--encoding", advised[1])
        assert [row["text"] for row in read_json_lines(out)] == ["é one"]


def test_carriage_returns(classify: Classify, folder: str) -> None:
    Path("in.txt").write_bytes(b"one\rtwo\r")
    _, _, err = classify("--input", "in.txt")
    command = err.partition("make the carriage returns newlines: ")[2].rstrip()
    command = command.replace("FILE", "in.txt").replace("npbert classify", "$N")
    rows = read_json_lines(run_in_shell(command, folder).stdout)
    assert [row["text"] for row in rows] == ["one", "two"]


def test_an_output_that_is_there(classify: Classify) -> None:
    Path("in.csv").write_text("text\none\n", encoding="utf-8")
    Path("out.csv").write_text("mine\n", encoding="utf-8")
    command = ["--input", "in.csv", "--output", "out.csv"]
    code, _, err = classify(*command)
    assert (code, Path("out.csv").read_text(encoding="utf-8")) == (1, "mine\n")
    assert err == "npbert: error: out.csv is there already; choose another name or --force\n"
    assert classify(*command, "--force")[0] == 0
    assert Path("out.csv").read_text(encoding="utf-8").startswith("text,label,score\none,")


@pytest.mark.parametrize("advice", ["--resume", "--force"])
def test_a_run_that_did_not_end(classify: Classify, advice: str) -> None:
    n = 1024
    Path("in.csv").write_text("id,text\n" + "1,\n" * n + "1,one,2\n", encoding="utf-8")
    command = ["--input", "in.csv", "--output", "out.csv"]
    _, _, err = classify(*command)
    assert f"npbert: {n:,} rows are kept in " in err
    assert err.splitlines()[0].endswith("out.csv.partial; --resume goes on from there")
    Path("in.csv").write_text("id,text\n" + "1,\n" * n + "1,one\n", encoding="utf-8")
    _, _, err = classify(*command)
    assert err.endswith("1,024 rows of a run that did not end: --resume goes on with it, --force "
                        "starts over\n")  # fmt: skip
    code, _, err = classify(*command, advice)
    assert (code, err) == (0, "npbert: 1,025 rows done, 1,024 null, 0 truncated to 512 tokens\n")


@pytest.mark.parametrize("options", ["--column id", "changed"])
def test_a_run_that_was_to_do_something_else(classify: Classify, options: str) -> None:
    content = "id,text\n" + "1,\n" * 1024
    Path("in.csv").write_text(content + "1,one,2\n", encoding="utf-8")
    command = ["--input", "in.csv", "--output", "out.csv"]
    classify(*command)
    Path("in.csv").write_text(content.replace("1", "2") + "1,one\n", encoding="utf-8")
    more = [] if options == "changed" else options.split()
    code, _, err = classify(*command, "--resume", *more)
    assert code == 1
    assert "start over: --force without --resume\n" in err
    assert classify(*command, *more, "--force")[0] == 0


# ------------------------------------------------------------- messages that give an advice

# Messages that are tested elsewhere in this file or in another one, or that take no option.
ELSEWHERE = [
    "npbert classify --input - --input-format tsv",
    "Give --escape '\\'",
    "; if the blank does not belong to the name, give --skip-initial-space",
    "do blanks stand before the quotes of a cell? Give --skip-initial-space",
    "--skip-initial-space needs a --delimiter that is not a blank",
    "--escape and --delimiter need different characters",
    "quotes that are doubled need no --escape",
    "standard input is closed",
    "has appeared meanwhile",
    "with the bad rows of another run",
    "--bad-rows skip leaves such rows out",
    "--bad-rows skip needs --output FILE",
    "something follows the array",
    "; choose another --column",
    "is labelled as a text, but a file has this name",
    "zstd --long",
    "leave out --no-quotes",
    "several inputs become as many files",
    "start over: --force without --resume",
    "--force starts over",
    "without --resume starts over",
    "--resume goes on from there",
    "choose another name or --force",
    "expected a string or null; choose another --column",
    "--input-format takes them, too",
    "--column and --input-format need --input FILE",
    "--resume needs --output FILE",
    "a table is for a terminal",
    "give texts or --input FILE, not both",
    "give texts, --input FILE, or - for standard input",
    "leave out --output and use '>'",
    "standard output is closed; give --output FILE",
    "--compare needs exactly one TEXT",
    "give --html FILE or --format json, not both",
    "--column needs --texts FILE",
    "--api-key-file and ",
    "--texts needs at least one",
    "see with --texts FILE how far",
    "--texts FILE says how far",
]


def messages_with_options() -> Iterator[str]:
    """Yield the strings of the command line that name an option, without docstrings and help."""
    package = Path(npbert.__file__).parent
    for path in [*package.glob("tables/*.py"), *package.glob("cli/*.py")]:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        skipped: set[ast.AST] = set()
        for node in nodes:
            if isinstance(node, ast.Expr):
                skipped.add(node.value)
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
                skipped.update(ast.walk(node))
        for node in nodes:
            if isinstance(node, ast.Constant) and node not in skipped:
                text = node.value
                if isinstance(text, str) and re.search(r"--[a-z]", text):
                    yield text


def test_every_advice_is_followed_by_a_test() -> None:
    known = [*(case[0] for case in CASES), *ELSEWHERE]
    messages = list(messages_with_options())
    assert len(messages) > 40
    new = [text for text in messages if not any(part in text for part in known)]
    assert not new, "add a case for each of these messages, or its name to ELSEWHERE"

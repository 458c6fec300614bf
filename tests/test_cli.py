"""The command line: results, formats, messages, exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import npbert
from npbert.cli import main
from tests.oracles import make_folder

TEXTS = ["I love this film.", "I want my two hours back.", "東京 é"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    labels = {0: "BAD", 1: "SO-SO", 2: "GOOD"}
    return str(make_folder(tmp_path_factory.mktemp("model"), id2label=labels))


Classify = Callable[..., tuple[int, str, str]]


@pytest.fixture
def classify(folder: str, capsys: pytest.CaptureFixture[str]) -> Classify:
    """Run `npbert classify` here: exit code, standard output, standard error."""

    def run(*arguments: str, model: str = folder) -> tuple[int, str, str]:
        try:
            code = main(["classify", "--model", model, *arguments])
        except SystemExit as stop:  # argparse, for wrong usage
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def rows_of(jsonl: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in jsonl.splitlines()]


def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """Run the command line in a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "npbert", *arguments], **options)


def finish(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "npbert", *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, **options)


# --------------------------------------------------------------------------------- results


def test_arguments_give_json_lines(classify: Classify, folder: str) -> None:
    code, out, err = classify(*TEXTS)
    expected = npbert.classify(iter(TEXTS), folder)
    assert code == 0
    assert err == ""
    assert rows_of(out) == [
        {"text": text, **result} for text, result in zip(TEXTS, expected, strict=True)
    ]


@pytest.mark.parametrize("k", ["2", "all", "99"])
def test_top_k(classify: Classify, folder: str, k: str) -> None:
    _, out, _ = classify("--top-k", k, TEXTS[0])
    expected = npbert.classify(TEXTS[0], folder, top_k=None if k == "all" else int(k))
    (row,) = rows_of(out)
    assert row.pop("text") == TEXTS[0]
    assert (row.pop("label"), row.pop("score")) == (expected[0]["label"], expected[0]["score"])
    assert row == {f"score_{result['label']}": result["score"] for result in expected}


def test_a_csv_file_comes_out_with_label_and_score(
    classify: Classify, folder: str, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text('id,review\n7,"good, really"\n8,\n', encoding="utf-8")
    code, out, _ = classify("--input", str(source), "--column", "review", "--top-k", "all")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [(row["id"], row["review"]) for row in rows] == [("7", "good, really"), ("8", "")]
    for row in rows:
        best = npbert.classify(row["review"], folder)[0]
        assert row["label"] == best["label"]
        assert float(row["score"]) == pytest.approx(best["score"], abs=1e-5)
        assert float(row[f"score_{best['label']}"]) == float(row["score"])
    assert list(rows[0])[:4] == ["id", "review", "label", "score"]


FORMATS = [
    (["--input", "a.csv"], "csv"),
    (["--input", "a.tsv"], "tsv"),
    (["--input", "a.jsonl"], "jsonl"),
    (["--input", "a.txt"], "jsonl"),
    (["--input", "a.txt", "--format", "csv"], "csv"),
    (["--input", "a.csv", "--format", "jsonl"], "jsonl"),
    (["--input", "a.csv", "--input-format", "lines"], "jsonl"),
    (["--input", "a.jsonl", "--output", "b.tsv"], "tsv"),
    (["--input", "a.txt", "--output", "b.txt"], "jsonl"),
]


@pytest.mark.parametrize(("arguments", "format"), FORMATS, ids=str)
def test_formats(
    classify: Classify,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    format: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "a.csv", "a.tsv"):
        Path(name).write_text("text\ngood film\n", encoding="utf-8")
    Path("a.jsonl").write_text('{"text": "good film"}\n', encoding="utf-8")
    code, out, _ = classify(*arguments)
    assert code == 0
    if "--output" in arguments:
        assert out == ""
        out = Path(arguments[-1]).read_text(encoding="utf-8")
    if format == "jsonl":
        *_, row = rows_of(out)
    else:
        *_, row = csv.DictReader(io.StringIO(out), delimiter={"csv": ",", "tsv": "\t"}[format])
    assert list(row) == ["text", "label", "score"]
    assert row["text"] == "good film"


@pytest.mark.parametrize("arguments", [["-"], ["--input", "-"]])
def test_standard_input(folder: str, arguments: list[str]) -> None:
    content = "first\n\ndritte ß\n".encode()
    done = finish("classify", "--model", folder, *arguments, input=content)
    assert done.returncode == 0
    rows = rows_of(done.stdout.decode())
    assert [row["text"] for row in rows] == ["first", "", "dritte ß"]


def test_output_is_utf_8_whatever_the_locale(folder: str) -> None:
    environment = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = finish("classify", "--model", folder, "-", input="東京\n".encode(), env=environment)
    assert rows_of(done.stdout.decode())[0]["text"] == "東京"


def test_a_table_for_people(classify: Classify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    _, out, _ = classify("--format", "table", "--top-k", "all", "one\ntwo\x1b[2J " + "long " * 30)
    lines = out.splitlines()
    assert len(lines) == 3
    assert all(len(line) <= 70 for line in lines)
    assert lines[0].endswith("…")
    assert "one two [2J long" in lines[0]  # no control character reaches the terminal
    for line in lines:
        score, bar = line.split()[1:3]
        assert bar.count("█") == round(float(score) * 20)


def on_terminal(*arguments: str) -> tuple[str, str]:
    """Standard output and standard error, each a terminal of its own."""
    ends = [pty.openpty() for _ in range(2)]
    for _, theirs in ends:
        termios.tcsetwinsize(theirs, (24, 80))
    process = start(*arguments, stdout=ends[0][1], stderr=ends[1][1], stdin=subprocess.DEVNULL)
    shown = []
    for ours, theirs in ends:
        os.close(theirs)
        content = b""
        try:
            while part := os.read(ours, 4096):
                content += part
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        shown.append(content.decode())
    assert process.wait(60) == 0
    return shown[0], shown[1]


def test_on_a_terminal(folder: str, tmp_path: Path) -> None:
    out, err = on_terminal("classify", "--model", folder, TEXTS[0])
    assert "█" in out
    assert TEXTS[0] in out
    assert err == ""
    lines, labelled = tmp_path / "in.txt", tmp_path / "out.jsonl"
    lines.write_text("good\nbad\n")
    arguments = ["--input", str(lines), "--output", str(labelled)]
    out, err = on_terminal("classify", "--model", folder, *arguments)
    assert out == ""
    assert "2 texts" in err  # progress
    assert len(rows_of(labelled.read_text())) == 2


# ---------------------------------------------------------------------------------- limits


def test_long_texts(classify: Classify) -> None:
    long = "film " * 600
    code, out, err = classify("short", long)
    assert code == 0
    assert rows_of(out)[1]["text"] == long
    assert err == "npbert: 1 of 2 texts were longer than 512 tokens and were cut there\n"
    code, out, err = classify("--long-text", "error", "short", long)
    assert code == 1
    assert "text 1 (counted from 0) is 602 tokens long, expected at most 512" in err


USAGE = [
    [],
    ["text", "--input", "in.txt"],
    ["text", "--column", "review"],
    ["--input", "in.txt", "--top-k", "0"],
    ["text", "--top-k", "x"],
    ["text", "--format", "xml"],
    ["text", "--colour"],
    ["text", "--long-text", "windows"],
]


@pytest.mark.parametrize("arguments", USAGE, ids=str)
def test_wrong_usage(classify: Classify, arguments: list[str]) -> None:
    code, out, err = classify(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("usage: ")
    assert "error: " in err.splitlines()[-1]


def test_texts_that_begin_with_a_dash(classify: Classify) -> None:
    _, out, _ = classify("--", "-5 stars", "--awful")
    assert [row["text"] for row in rows_of(out)] == ["-5 stars", "--awful"]


FAILURES: list[tuple[str, bytes, list[str], str]] = [
    ("in.txt", b"", ["--input", "missing.txt"], "No such file or directory: 'missing.txt'"),
    ("in.txt", b"", ["--input", "."], "Is a directory"),
    ("in.txt", b"\xff\n", ["--input", "in.txt"], "in.txt, line 1: not UTF-8"),
    ("in.csv", b"a,b\n1,2\n", ["--input", "in.csv"], "there is: a, b; choose one with --column"),
    ("in.csv", b"text,label\n1,2\n", ["--input", "in.csv"], "has a column 'label' already"),
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
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"dim": 26}))
    code, _, err = classify("text", model=str(tmp_path))
    assert code == 1
    assert err.count("\n") == 1
    assert "more (from_pretrained names all)" in err


# --------------------------------------------------------------------- signals and pipes


@pytest.fixture
def endless(folder: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the middle of its work: it waits for more lines to label."""
    output = str(tmp_path / "out.jsonl")
    arguments = ["classify", "--model", folder, "-", "--output", output]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start(*arguments, **pipes)
    assert process.stdin is not None
    process.stdin.write(b"good\n" * 10)
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)  # for the model to be loaded
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_it_quietly(
    endless: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    assert len(list(tmp_path.iterdir())) == 1  # the temporary file
    endless.send_signal(number)
    out, err = endless.communicate(timeout=20)
    assert (endless.returncode, out, err) == (code, b"", b"")
    assert not list(tmp_path.iterdir())


def test_a_closed_pipe_ends_it_quietly(folder: str) -> None:
    command = f"{sys.executable} -m npbert classify --model {folder} - | head -n 1"
    lines = b"a line of some length, so that the pipe is soon full\n" * 3000
    done = subprocess.run(
        ["sh", "-c", command], input=lines, capture_output=True, timeout=120, check=False
    )
    assert done.stderr == b""
    assert len(rows_of(done.stdout.decode())) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line(folder: str) -> None:
    command = f"{sys.executable} -m npbert classify --model {folder} text > /dev/full"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, timeout=60, check=False, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("npbert: error: ")
    assert "No space left" in done.stderr
    assert done.stderr.count("\n") == 1


# --------------------------------------------------------------------------- other commands


def test_info(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", folder]) == 0
    out = capsys.readouterr().out
    assert "2 layers, dim 24, hidden_dim 64, 2 heads, gelu" in out
    assert "0 BAD, 1 SO-SO, 2 GOOD" in out
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    n_head = sum(
        part.weight.size + part.bias.size
        for part in (model.head.pre_classifier, model.head.classifier)
    )
    n_layer = 4 * (24 * 24 + 24) + 2 * 24 * 64 + 64 + 24 + 4 * 24
    n_parameters = (30522 + 512) * 24 + 2 * 24 + 2 * n_layer + n_head
    assert f"{n_parameters:,} (F32)" in out
    size_bytes = (Path(folder) / "model.safetensors").stat().st_size
    assert f"model.safetensors, {size_bytes:,} bytes" in out


def test_info_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "./missing"]) == 1
    assert capsys.readouterr().err.startswith("npbert: error: ./missing: no such folder")


def test_version_help_and_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, code in ((["--version"], 0), (["--help"], 0), ([], 2), (["label"], 2)):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == code
    out = capsys.readouterr().out
    assert out.startswith(f"npbert {version('npbert')}\n")
    assert "classify" in out
    assert "info" in out

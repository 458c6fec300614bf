"""The command line: results, formats, messages, exit codes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import pty
import re
import select
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

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import npbert
from npbert.cli.main import main
from tests.support.oracles import make_folder
from tests.support.tables import hide

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
    expected = npbert.classify(TEXTS, folder)
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
    others = dict.fromkeys(["score_BAD", "score_SO-SO", "score_GOOD"])
    assert row == others | {f"score_{result['label']}": result["score"] for result in expected}


def test_a_csv_file_comes_out_with_label_and_score(
    classify: Classify, folder: str, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text('id,review\n7,"good, really"\n8,"bad\nfilm"\n', encoding="utf-8")
    code, out, _ = classify("--input", str(source), "--column", "review", "--top-k", "all")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [(row["id"], row["review"]) for row in rows] == [
        ("7", "good, really"),
        ("8", "bad\nfilm"),
    ]
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
    (["--input", "a.txt", "--output", "b.gz"], "jsonl"),
    (["--input", "a.csv.gz"], "csv"),
    (["--input", "a.csv.gz", "--output", "b.tsv.gz"], "tsv"),
    (["--input", "a.csv", "--output", "b.jsonl.zst"], "jsonl"),
    (["--input", "a.parquet", "--output", "b.csv.zst"], "csv"),
    (["--input", "a.parquet", "--format", "jsonl"], "jsonl"),
    (["--input", "a.parquet", "--output", "b"], "parquet"),
    (["--input", "a.tsv", "--output", "b.parquet"], "parquet"),
    (["good film", "--output", "b.csv"], "csv"),
]


def unzstd(compressed: bytes) -> bytes:
    content: bytes = pa.CompressedInputStream(pa.BufferReader(compressed), "zstd").read()
    return content


def decompressed(path: Path) -> str:
    known = {
        ".gz": gzip.decompress,
        ".zst": unzstd,
    }
    return known.get(path.suffix, bytes)(path.read_bytes()).decode("utf-8", "replace")


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
    Path("a.csv.gz").write_bytes(gzip.compress(Path("a.csv").read_bytes()))
    pq.write_table(pa.table({"text": ["good film"]}), "a.parquet")
    code, out, _ = classify(*arguments)
    assert code == 0
    if "--output" in arguments:
        assert out == ""
        out = decompressed(Path(arguments[-1]))
    if format == "parquet":
        *_, row = pq.read_table(arguments[-1]).to_pylist()
    elif format == "jsonl":
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
    assert re.search(r"0 rows, 0 rows/s, 0 tokens/s \[00:00<", err)  # progress
    assert err.endswith("npbert: 2 rows done, 0 null, 0 truncated to 512 tokens\r\n")
    assert len(rows_of(labelled.read_text())) == 2


# ---------------------------------------------------------------------------------- limits


def test_long_texts(classify: Classify, folder: str) -> None:
    long = "film " * 600
    code, out, err = classify("short", long)
    assert code == 0
    assert rows_of(out)[1]["text"] == long
    assert err == "npbert: 2 rows done, 0 null, 1 truncated to 512 tokens\n"
    code, out, err = classify("--long-text", "window", "short", long)
    assert code == 0
    assert err == "npbert: 2 rows done, 0 null, 1 long text read in 2 windows\n"
    assert rows_of(out)[1]["score"] == pytest.approx(
        npbert.classify(long, model=folder, long_text="window")[0]["score"], abs=1e-5
    )
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
    ["text", "--resume"],
    ["text", "--progress", "--quiet"],
    ["--input", "in.csv", "--encoding", "utf-99"],
    ["--input", "in.csv", "--encoding", "base64"],
    ["--input", "in.csv", "--delimiter", "::"],
    ["text", "--format", "parquet"],
    ["text", "--format", "table", "--output", "out.txt"],
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
    ("in.csv", b"\x1f\x8b....", ["--input", "in.csv"], "in.csv is damaged or incomplete"),
    ("in.txt", b"x\n", ["--input", "in.txt", "--output", "a.parquet.gz"], "leave out .gz"),
    ("in.txt", b"x\n", ["--input", "in.txt", "--output", "/dev/null", "--force"], "no ordinary"),
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


def test_parquet_takes_pyarrow(
    classify: Classify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide("pyarrow", monkeypatch)
    code, _, err = classify("--output", str(tmp_path / "out.parquet"), "text")
    assert code == 1
    advice = "parquet is asked for, and that takes pyarrow: pip install 'npbert[files]'"
    assert err == f"npbert: error: {advice}\n"
    assert list(tmp_path.iterdir()) == []


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


# ----------------------------------------------------------------------------------- files


def test_rows_without_a_text(classify: Classify, folder: str, tmp_path: Path) -> None:
    """They have no label, are counted, and do not shift the others."""
    source = tmp_path / "in.csv"
    source.write_text("id,text\n1,good\n2,\n3,bad\n", encoding="utf-8")
    code, out, err = classify("--input", str(source))
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert (rows[1]["label"], rows[1]["score"]) == ("", "")
    good, bad = npbert.classify(["good", "bad"], folder)
    assert [rows[0]["label"], rows[2]["label"]] == [good["label"], bad["label"]]
    assert err == "npbert: 3 rows done, 1 null, 0 truncated to 512 tokens\n"
    for arguments in (["--format", "jsonl"], ["--output", str(tmp_path / "out.parquet")]):
        _, out, _ = classify("--input", str(source), *arguments)
        rows = rows_of(out) or pq.read_table(arguments[1]).to_pylist()
        assert [row["label"] for row in rows] == [good["label"], None, bad["label"]]
        assert [row["score"] for row in rows] == [
            pytest.approx(good["score"], abs=1e-5),
            None,
            pytest.approx(bad["score"], abs=1e-5),
        ]
    _, out, _ = classify("--input", str(source), "--format", "table")
    assert re.search(r"^\(no text\)", out, re.MULTILINE)


def test_a_row_that_cannot_be_labelled_is_named(classify: Classify, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    lines = [f"{number},{'' if number % 3 else 'good'}" for number in range(1500)]
    source.write_text("\n".join(["id,text", *lines, "1500," + "film " * 600]), encoding="utf-8")
    code, _, err = classify("--input", str(source), "--long-text", "error")
    assert code == 1
    assert "text 1500 (counted from 0) is 602 tokens long" in err


def test_a_prefix_for_the_columns_added(classify: Classify, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text,label\ngood,1\n", encoding="utf-8")
    _, out, _ = classify("--input", str(source), "--prefix", "our_", "--top-k", "1")
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["label"] == "1"
    scores = ["our_score_BAD", "our_score_SO-SO", "our_score_GOOD"]
    assert list(row) == ["text", "label", "our_label", "our_score", *scores]
    assert sorted(row[name] for name in scores)[:2] == ["", ""]  # the best one alone has its score


def test_encodings_and_delimiters(classify: Classify, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes("id;text\n1;déjà vu\n".encode("cp1252"))
    code, out, _ = classify("--input", str(source), "--encoding", "cp1252", "--delimiter", ";")
    assert code == 0
    assert out.startswith("id;text;label;score\n1;déjà vu;")
    code, _, err = classify("--input", str(source), "--delimiter", ";")
    assert code == 1
    assert "in.csv, line 2: not UTF-8 (byte 0xe9)" in err


def test_quiet_and_progress(classify: Classify, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("good\n" * 3)
    _, out, err = classify("--input", str(source), "--quiet")
    assert (len(rows_of(out)), err) == (3, "")
    _, out, err = classify("--input", str(source), "--progress")
    assert len(rows_of(out)) == 3
    assert re.search(r"\d+%\|.*\| 0 rows, 0 rows/s, 0 tokens/s \[00:00<", err)


def test_the_dialect_of_the_input(classify: Classify, tmp_path: Path) -> None:
    """It is that of the output only if both have one format."""
    source = tmp_path / "in.csv"
    source.write_text('id;text\n1;"good\n2;bad"; film\n'.replace("; film", " film"))
    arguments = ["--input", str(source), "--delimiter", ";", "--no-quotes"]
    _, out, _ = classify(*arguments)
    header, first, _ = out.splitlines()
    assert header == "id;text;label;score"
    assert first.startswith('1;"good;')
    _, out, _ = classify(*arguments, "--format", "tsv")
    header, first, _ = out.splitlines()
    assert header == "id\ttext\tlabel\tscore"
    assert first.startswith('1\t"""good"\t')
    _, out, _ = classify(*arguments, "--format", "jsonl")
    assert [row["text"] for row in rows_of(out)] == ['"good', 'bad" film']


def test_nulls_of_csv_are_nulls_elsewhere(classify: Classify, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("id,text\n1,\n", encoding="utf-8")
    _, out, _ = classify("--input", str(source), "--format", "jsonl")
    assert rows_of(out) == [{"id": "1", "text": None, "label": None, "score": None}]
    again = tmp_path / "again.jsonl"
    again.write_text(out, encoding="utf-8")
    _, _, err = classify("--input", str(again), "--prefix", "new_")
    assert err.startswith("npbert: 1 row done, 1 null")


def test_parquet_keeps_its_types(classify: Classify, tmp_path: Path) -> None:
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    table = pa.table(
        {"text": ["good", None], "at": pa.array([1, 2], pa.timestamp("ns", "UTC")), "n": [[1], []]}
    )
    pq.write_table(table, source)
    code, _, err = classify("--input", str(source), "--output", str(target))
    assert code == 0
    assert err == "npbert: 2 rows done, 1 null, 0 truncated to 512 tokens\n"
    labelled = pq.read_table(target)
    assert labelled.drop_columns(["label", "score"]).equals(table)
    assert labelled.column("label").null_count == 1


def test_a_program_that_waits_for_each_answer(folder: str) -> None:
    """Lines come one by one, and each is answered before the next."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start("classify", "--model", folder, "-", bufsize=0, **pipes)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for number in range(5):
            process.stdin.write(f"text {number}\n".encode())
            ready, _, _ = select.select([process.stdout], [], [], 60)
            assert ready, "no answer"
            assert json.loads(process.stdout.readline())["text"] == f"text {number}"
        process.stdin.close()
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read().startswith(b"npbert: 5 rows done")
    finally:
        process.kill()


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


def run_in_shell(command: str, folder: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Where $N is the command line; variables are those of the environment."""
    npbert = f"{sys.executable} -m npbert classify --model {folder}"
    return subprocess.run(
        ["sh", "-c", command],
        env=os.environ | {"N": npbert} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_ends_in_the_middle_is_an_error(
    folder: str, tmp_path: Path, unbuffered: str
) -> None:
    """As on a full disk: a part of a write succeeds."""
    (tmp_path / "in.txt").write_text("a text of some length\n" * 1500)
    command = f"cd {tmp_path} && ulimit -f 60 && $N --input in.txt > out.jsonl"
    done = run_in_shell(command, folder, PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    assert done.stderr == "npbert: error: [Errno 27] File too large\n"


def test_a_reader_that_is_slow_gets_everything(folder: str, tmp_path: Path) -> None:
    """Even through a pipe that was set not to wait."""
    to_read, to_write = os.pipe()
    os.set_blocking(to_write, False)
    lines = b"a line of some length, so that the pipe is soon full\n" * 3000
    source = tmp_path / "in.txt"
    source.write_bytes(lines)
    process = start("classify", "--model", folder, "--input", str(source), stdout=to_write)
    os.close(to_write)
    time.sleep(2)
    with open(to_read, encoding="utf-8") as answers:
        assert len(rows_of(answers.read())) == 3000
    assert process.wait(60) == 0


def test_standard_output_that_is_closed(folder: str, tmp_path: Path) -> None:
    done = run_in_shell("$N text >&-", folder)
    assert (done.returncode, done.stderr) == (
        1,
        "npbert: error: standard output is closed; give --output FILE\n",
    )
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        target = tmp_path / f"out{len(closed)}.jsonl"
        done = run_in_shell(f"$N text --output {target} {closed}", folder)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert len(rows_of(target.read_text())) == 1
    done = run_in_shell("$N --input missing.txt 2>&-", folder)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_terminal_of_few_characters(folder: str) -> None:
    done = run_in_shell("$N --format table good", folder, PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "?" * 5 in done.stdout


def test_rows_before_a_bad_one_are_answered(classify: Classify, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,text\n1,good\n2,bad\n3\n")
    code, out, err = classify("--input", str(tmp_path / "in.csv"))
    assert code == 1
    assert [row["id"] for row in csv.DictReader(io.StringIO(out))] == ["1", "2"]
    assert "line 4: 1 cells" in err


def test_outputs_that_are_no_files(
    classify: Classify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, out, _ = classify("--output", "-", "good")
    assert len(rows_of(out)) == 1
    _, out, err = classify("--output", "", "good")
    assert out == ""
    assert "--output: the name is empty, expected the name of a file" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line(folder: str) -> None:
    done = run_in_shell("$N text > /dev/full", folder)
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

"""`npbert classify`: labels, formats, columns, and rows that come one by one."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import select
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import npbert
from tests.support.command_line import TEXTS, Classify, read_json_lines, run_npbert, start_npbert
from tests.support.tables import hide


def test_arguments_give_json_lines(classify: Classify, folder: str) -> None:
    code, out, err = classify(*TEXTS)
    expected = npbert.classify(TEXTS, folder)
    assert code == 0
    assert err == ""
    assert read_json_lines(out) == [
        {"text": text, **result} for text, result in zip(TEXTS, expected, strict=True)
    ]


@pytest.mark.parametrize("k", ["2", "all", "99"])
def test_top_k(classify: Classify, folder: str, k: str) -> None:
    _, out, _ = classify("--top-k", k, TEXTS[0])
    expected = npbert.classify(TEXTS[0], folder, top_k=None if k == "all" else int(k))
    (row,) = read_json_lines(out)
    assert row.pop("text") == TEXTS[0]
    assert (row.pop("label"), row.pop("score")) == (expected[0]["label"], expected[0]["score"])
    others = dict.fromkeys(["score_BAD", "score_SO-SO", "score_GOOD"])
    assert row == others | {f"score_{result['label']}": result["score"] for result in expected}


def test_long_texts(classify: Classify, folder: str) -> None:
    long = "film " * 600
    code, out, err = classify("short", long)
    assert code == 0
    assert read_json_lines(out)[1]["text"] == long
    assert err == "npbert: 2 rows done, 0 null, 1 truncated to 512 tokens\n"
    code, out, err = classify("--long-text", "window", "short", long)
    assert code == 0
    assert err == "npbert: 2 rows done, 0 null, 1 long text read in 2 windows\n"
    assert read_json_lines(out)[1]["score"] == pytest.approx(
        npbert.classify(long, model=folder, long_text="window")[0]["score"], abs=1e-5
    )
    code, out, err = classify("--long-text", "error", "short", long)
    assert code == 1
    assert "text 1 (counted from 0) is 602 tokens long, expected at most 512" in err


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


# ------------------------------------------------------------------------------------- formats


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
        *_, row = read_json_lines(out)
    else:
        *_, row = csv.DictReader(io.StringIO(out), delimiter={"csv": ",", "tsv": "\t"}[format])
    assert list(row) == ["text", "label", "score"]
    assert row["text"] == "good film"


def test_the_dialect_of_the_input(classify: Classify, tmp_path: Path) -> None:
    """The output has it, too, but only if both have the same format."""
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
    assert [row["text"] for row in read_json_lines(out)] == ['"good', 'bad" film']


def test_encodings_and_delimiters(classify: Classify, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes("id;text\n1;déjà vu\n".encode("cp1252"))
    code, out, _ = classify("--input", str(source), "--encoding", "cp1252", "--delimiter", ";")
    assert code == 0
    assert out.startswith("id;text;label;score\n1;déjà vu;")
    code, _, err = classify("--input", str(source), "--delimiter", ";")
    assert code == 1
    assert "in.csv, line 2: not UTF-8 (byte 0xe9)" in err


def test_nulls_of_csv_are_nulls_elsewhere(classify: Classify, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("id,text\n1,\n", encoding="utf-8")
    _, out, _ = classify("--input", str(source), "--format", "jsonl")
    assert read_json_lines(out) == [{"id": "1", "text": None, "label": None, "score": None}]
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


def test_parquet_does_not_go_to_standard_output(classify: Classify, tmp_path: Path) -> None:
    """This is wrong usage, also where only the first bytes say that the input is parquet."""
    source = tmp_path / "in"
    pq.write_table(pa.table({"text": ["good"]}), source)
    code, out, err = classify("--input", str(source))
    assert code == 2
    assert out == ""
    assert err.endswith(
        "npbert classify: error: parquet does not go to standard output; give --output FILE\n"
    )


def test_parquet_takes_pyarrow(
    classify: Classify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide("pyarrow", monkeypatch)
    code, _, err = classify("--output", str(tmp_path / "out.parquet"), "text")
    assert code == 1
    advice = "parquet is asked for, and that takes pyarrow: pip install 'npbert[files]'"
    assert err == f"npbert: error: {advice}\n"
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------------------- rows


@pytest.mark.parametrize("arguments", [["-"], ["--input", "-"]])
def test_standard_input(folder: str, arguments: list[str]) -> None:
    content = "first\n\ndritte ß\n".encode()
    done = run_npbert("classify", "--model", folder, *arguments, input=content)
    assert done.returncode == 0
    rows = read_json_lines(done.stdout.decode())
    assert [row["text"] for row in rows] == ["first", "", "dritte ß"]


def test_rows_without_a_text(classify: Classify, folder: str, tmp_path: Path) -> None:
    """They have no label and are counted, and the other rows keep their own labels."""
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
        rows = read_json_lines(out) or pq.read_table(arguments[1]).to_pylist()
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


def test_rows_before_a_bad_one_are_answered(classify: Classify, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,text\n1,good\n2,bad\n3\n")
    code, out, err = classify("--input", str(tmp_path / "in.csv"))
    assert code == 1
    assert [row["id"] for row in csv.DictReader(io.StringIO(out))] == ["1", "2"]
    assert "line 4: 1 cell," in err


def test_a_prefix_for_the_columns_added(classify: Classify, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text,label\ngood,1\n", encoding="utf-8")
    _, out, _ = classify("--input", str(source), "--prefix", "our_", "--top-k", "1")
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["label"] == "1"
    scores = ["our_score_BAD", "our_score_SO-SO", "our_score_GOOD"]
    assert list(row) == ["text", "label", "our_label", "our_score", *scores]
    assert sorted(row[name] for name in scores)[:2] == ["", ""]  # only the best label has its score


def test_a_program_that_waits_for_each_answer(folder: str) -> None:
    """Lines come one by one, and each of them is answered before the next one comes."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start_npbert("classify", "--model", folder, "-", bufsize=0, **pipes)
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

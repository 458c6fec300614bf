"""What is refused: the exit code, and the whole of standard error."""

from __future__ import annotations

import bz2
import gzip
import io
import shlex
import tarfile
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from tests.support.command_line import Classify, run_npbert


def tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("reviews.csv"))
    return stream.getvalue()


def stored(**columns: Any) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), stream)
    return stream.getvalue()


ROW = b"text\none\n"
TYPES = b'{"text": "one", "a": 1}\n{"text": "two", "a": "x"}\n'
IS_TAR = "a tar archive; extract it with tar -xf"
DAMAGED = "is damaged or incomplete and cannot be decompressed"
ONCE_MORE = "fetch or compress it once more"
NUL = "there are NUL characters, which a text in UTF-8 does not have"
PREFIX = "choose a prefix for the columns that are added (--prefix)"

# The name of the input, its content, more arguments, and the message.
Refusal = tuple[str, bytes, str, str]
ARCHIVES: list[Refusal] = [
    ("in.tar", tar(), "", f"in.tar is {IS_TAR}"),
    ("in.tgz", gzip.compress(tar()), "", f"in.tgz is {IS_TAR}"),
    ("in.tar.bz2", bz2.compress(tar()), "", f"in.tar.bz2 is {IS_TAR}"),
    *(
        (f"in.{ending}", content + bytes(600), "", f"in.{ending} is {message}")
        for ending, content, message in [
            ("zip", b"PK\x03\x04", "a zip archive; extract it, or save it as csv if it is a "
             "spreadsheet"),
            ("xls", bytes.fromhex("d0cf11e0a1b11ae1"), "an old Office file, such as .xls; save it "
             "as csv"),
            ("pdf", b"%PDF-1.7\n", "a PDF; extract its text first, for example with pdftotext"),
            ("csv", b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer, and not "
             "the file itself; run `git lfs pull` in its folder"),
            ("7z", b"7z\xbc\xaf\x27\x1c", "a 7z archive; extract it"),
            ("rar", b"Rar!\x1a\x07", "a rar archive; extract it"),
            ("arrow", b"ARROW1\0\0", "an Arrow file (.arrow or .feather); save it as parquet"),
            ("feather", b"FEA1", "a Feather file; save it as parquet"),
            ("avro", b"Obj\x01", "an Avro file; save it as parquet or jsonl"),
            ("db", b"SQLite format 3\0", "an SQLite database; export its table as csv"),
            ("h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file; save its table as parquet"),
            ("png", b"\x89PNG\r\n\x1a\n", "an image (PNG); choose a file of texts"),
            ("jpg", b"\xff\xd8\xff", "an image (JPEG); choose a file of texts"),
            ("rtf", b"{\\rtf1", "a document (RTF); save it as plain text"),
            ("parquet", b"PARE", "an encrypted parquet file; decrypt it with the program that has "
             "its key"),
        ]
    ),
]  # fmt: skip
REFUSALS: list[Refusal] = [
    *ARCHIVES,
    ("in.csv.gz", gzip.compress(ROW)[:-5], "", f"in.csv.gz {DAMAGED} (Compressed file ended before "
     f"the end-of-stream marker was reached); {ONCE_MORE}"),
    ("in.bz2", bz2.compress(ROW)[:-9], "", f"in.bz2 {DAMAGED} (its end is missing); {ONCE_MORE}"),
    # encodings
    ("in.csv", b"text\n\xe9\n", "", "in.csv, line 2: not UTF-8 (byte 0xe9); name the file's own "
     "with --encoding, perhaps cp1252 or latin-1"),
    ("in.csv", b"text\n\xc3\xa9\n\xe9\n", "", "in.csv, line 3: not UTF-8 (byte 0xe9); other "
     "characters of the file are UTF-8, so another encoding would spoil them; mend the line, or "
     "give --encoding-errors replace or "
     "--bad-rows skip"),
    ("in.csv", "text\n".encode("utf-16"), "", "in.csv, line 1: not UTF-8 (byte 0xff); name the "
     "file's own with --encoding, perhaps utf-16"),
    ("in.csv", "text\n".encode("utf-16-le"), "", f"in.csv, line 1: {NUL}; perhaps --encoding "
     "utf-16-le"),
    ("in.csv", "text\n".encode("utf-16-be"), "", f"in.csv, line 1: {NUL}; perhaps --encoding "
     "utf-16-be"),
    ("in.csv", "text\n".encode("utf-16-le"), "--encoding utf-16", "in.csv: not UTF-16: UTF-16 "
     "stream does not start with BOM; name the order of the bytes: --encoding utf-16-le or "
     "utf-16-be"),
    ("in.csv", b"text\n\xff\n", "--encoding ascii", "in.csv, line 2: not ASCII (byte 0xff); name "
     "the file's own with --encoding"),
    ("in.txt", b"one\rtwo\r", "", "in.txt has carriage returns and no newline, so it would be one "
     "text; make the carriage returns newlines: tr '\\r' '\\n' < FILE | npbert classify -"),
    # columns
    ("in.csv", b"", "", "in.csv is empty, expected a first line with the names of the columns"),
    ("in.csv", b"id;text\n1;one\n", "", "in.csv: the only column is 'id;text'; are its cells "
     "divided by ';'? Give --delimiter ';', or choose this column with --column"),
    ("in.csv", b"id,review\n1,one\n", "", "in.csv has no column 'text'; there is: 'id', 'review'; "
     "choose one with --column; if the first line is a row, give --no-header"),
    ("in.csv", b"1,one\n", "--no-header", "in.csv has no column 'text'; there is: '0', '1'; choose "
     "one with --column"),
    ("in.csv", b"text,text\na,b\n", "", "in.csv: the column 'text' is there more than once; rename "
     "one of them"),
    ("in.csv", b"text,label\na,b\n", "", f"in.csv has a column 'label' already; {PREFIX}"),
    ("in.csv", b"text,our_score\na,b\n", "--prefix our_", "in.csv has a column 'our_score' already;"
     f" {PREFIX}"),
    ("in.csv", b"text,score_GOOD\na,b\n", "--top-k all", "in.csv has a column 'score_GOOD' "
     f"already; {PREFIX}"),
    ("in.jsonl", b'{"text": "one"}\n{"text": "two", "label": 1}\n', "", "row 1 (counted from 0) "
     f"has a column 'label' already; {PREFIX}"),
    ("in.txt", b"one\n", "--column review", "in.txt is read as plain lines, which have no column "
     "'review'; give --input-format csv, tsv or jsonl"),
    # parquet
    ("in.txt", stored(text=["one"]), "--input-format csv", "in.txt is a parquet file, not csv; "
     "give --input-format parquet"),
    ("in.pq", stored(text=[1]), "--output o.pq", "in.pq: the column 'text' holds int64, expected "
     "strings; choose another with --column"),
    ("in.pq", stored(a=["x"], n=[1]), "--output o.pq", "in.pq has no column 'text'; there is: 'a', "
     "'n'; choose one with --column"),
    ("in.jsonl", TYPES, "--output o.pq", "rows 0 to 1 (counted from 0): a parquet file has one type"
     " per column, and none fits all of these values ('a': Could not convert 'x' with type str: "
     "tried to convert to int64); write --format jsonl"),
    # outputs
    ("in.csv", ROW, "--output in.csv", "in.csv is there already; choose another name or --force"),
    ("in.csv", ROW, "--output .", ". is a folder, expected a file's name"),
    ("in.csv", ROW, "--output o.xlsx", "o.xlsx: .xlsx is not written; choose .csv, .tsv, .jsonl or "
     ".parquet"),
    ("in.csv", ROW, "--output o.csv.bz2", "o.csv.bz2: .bz2 is not written; choose .gz or .zst, or "
     "leave it out"),
    ("in.csv", ROW, "--output o.pq.gz", "o.pq.gz: parquet compresses its columns itself; leave out "
     ".gz"),
    ("in.csv", ROW, "--output /dev/null", "/dev/null is not an ordinary file; leave out --output "
     "and use '>'"),
]  # fmt: skip

SAMPLE = REFUSALS[3::6]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "arguments", "message"), REFUSALS, ids=[row[3] for row in REFUSALS]
)
def test_refusals(
    classify: Classify, name: str, content: bytes, arguments: str, message: str
) -> None:
    Path(name).write_bytes(content)
    code, _, err = classify("--input", name, *shlex.split(arguments))
    assert (code, err) == (1, f"npbert: error: {message}\n")
    assert [path.name for path in Path().iterdir()] == [name]
    assert Path(name).read_bytes() == content


@pytest.mark.parametrize(
    ("name", "content", "arguments", "message"), SAMPLE, ids=[row[3] for row in SAMPLE]
)
def test_refusals_of_the_program(
    folder: str, tmp_path: Path, name: str, content: bytes, arguments: str, message: str
) -> None:
    """A process of its own says the same, and nothing else."""
    Path(name).write_bytes(content)
    command = ["classify", "--model", folder, "--input", name, *shlex.split(arguments)]
    done = run_npbert(*command, cwd=tmp_path)
    assert (done.returncode, done.stderr.decode()) == (1, f"npbert: error: {message}\n")


def test_a_folder_that_is_missing(classify: Classify, tmp_path: Path) -> None:
    Path("in.csv").write_bytes(ROW)
    code, _, err = classify("--input", "in.csv", "--output", "no/out.csv")
    assert code == 1
    assert err == f"npbert: error: {tmp_path / 'no'}: no such folder; make it first\n"


def test_an_input_that_is_missing(classify: Classify) -> None:
    code, _, err = classify("--input", "no.csv")
    assert code == 1
    assert err.startswith("npbert: error: ")
    assert "no.csv" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "give texts, --input FILE, or - for standard input"),
        ("text --input in.csv", "give texts or --input FILE, not both"),
        ("text --resume", "--resume needs --output FILE"),
        ("text --format parquet", "parquet does not go to standard output; give --output FILE"),
        ("text --top-k 0", "argument --top-k: '0' is neither a positive integer nor 'all'"),
        ("text --threads x", "argument --threads: 'x' is not a positive integer"),
        ("- --delimiter ab", "argument --delimiter: 'ab' cannot stand between cells, expected one "
         "character that is neither a quote nor a line break"),
        ("text --format table --output a", "a table is for a terminal; choose another --format for "
         "--output"),
    ],
)  # fmt: skip
def test_wrong_usage(folder: str, arguments: str, message: str) -> None:
    done = run_npbert("classify", "--model", folder, *shlex.split(arguments))
    usage, error, end = done.stderr.decode().rpartition("npbert classify: error: ")
    assert (done.returncode, done.stdout, end) == (2, b"", message + "\n")
    assert usage.startswith("usage: npbert classify [-h]")
    assert error

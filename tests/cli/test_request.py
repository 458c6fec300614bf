"""From arguments to a request, and arguments that do not go together."""

from __future__ import annotations

import argparse
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from npbert.arguments import NOT_GIVEN
from npbert.cli.request import ClassifyRequest, add_arguments, read_request
from npbert.tables.decoding import Encoding
from npbert.tables.dialect import Dialect
from tests.support.command_line import Classify, read_json_lines

DEFAULT = ClassifyRequest(
    texts=("good",),
    input_paths=(),
    input_format=None,
    column=None,
    encoding=Encoding(),
    dialect=Dialect(),
    skips_bad_rows=False,
    null_words=(),
    model=None,
    revision=None,
    subfolder=None,
    variant=None,
    top_k=NOT_GIVEN,
    long_text="truncate",
    n_threads=None,
    output_path=None,
    output_format=None,
    prefix="",
    force=False,
    resume=False,
    progress=False,
    quiet=False,
)
STANDARD_INPUT = replace(DEFAULT, texts=(), input_paths=("-",))
CSV_FILE = replace(DEFAULT, texts=(), input_paths=("in.csv",))


def read(arguments: list[str]) -> ClassifyRequest:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return read_request(parser.parse_args(arguments))


REQUESTS = [
    (["good"], DEFAULT),
    (["good", "-"], replace(DEFAULT, texts=("good", "-"))),
    (["-"], STANDARD_INPUT),
    (["--input", "-"], STANDARD_INPUT),
    (["-", "--column", "review"], replace(STANDARD_INPUT, column="review")),
    (["--input", "in.csv"], CSV_FILE),
    (["--input", "in.csv", "--input-format", "tsv"], replace(CSV_FILE, input_format="tsv")),
    (["--input", "in.csv", "--delimiter", ";"], replace(CSV_FILE, dialect=Dialect(";"))),
    (["--input", "in.csv", "--delimiter", "\\t"], replace(CSV_FILE, dialect=Dialect("\t"))),
    (
        ["--input", "in.csv", "--escape", "\\", "--skip-initial-space"],
        replace(CSV_FILE, dialect=Dialect(escape="\\", skips_initial_space=True)),
    ),
    (["--input", "in.csv", "--no-quotes"], replace(CSV_FILE, dialect=Dialect(None, False))),
    (
        ["good", "--revision", "v1", "--subfolder", "last", "--variant", "fp16"],
        replace(DEFAULT, revision="v1", subfolder="last", variant="fp16"),
    ),
    (["good", "--top-k", "3"], replace(DEFAULT, top_k=3)),
    (["good", "--top-k", "all"], replace(DEFAULT, top_k=None)),
    (["good", "--threads", "2"], replace(DEFAULT, n_threads=2)),
    (["good", "--output", "-"], DEFAULT),
    (["good", "--output", "out"], replace(DEFAULT, output_path="out")),
    (
        ["good", "--output", "a.tsv.gz"],
        replace(DEFAULT, output_path="a.tsv.gz", output_format="tsv"),
    ),
    (
        ["good", "--output", "a.tsv", "--format", "csv"],
        replace(DEFAULT, output_path="a.tsv", output_format="csv"),
    ),
]


@pytest.mark.parametrize(
    ("arguments", "expected"), REQUESTS, ids=[" ".join(arguments) for arguments, _ in REQUESTS]
)
def test_arguments_become_a_request(arguments: list[str], expected: ClassifyRequest) -> None:
    assert read(arguments) == expected


def test_a_request_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        read(["good"]).prefix = "our_"  # type: ignore[misc]


USAGE = [
    ([], "give texts, --input FILE, or - for standard input"),
    (["text", "--input", "in.txt"], "give texts or --input FILE, not both"),
    (["text", "--column", "review"], "--column and --input-format need --input FILE"),
    (["text", "--input-format", "csv"], "--column and --input-format need --input FILE"),
    (["--input", "in.txt", "--top-k", "0"], "'0' is neither a positive integer nor 'all'"),
    (["text", "--top-k", "x"], "'x' is neither a positive integer nor 'all'"),
    (["text", "--threads", "-1"], "'-1' is not a positive integer"),
    (["text", "--format", "xml"], "invalid choice: 'xml'"),
    (["text", "--colour"], "unrecognized arguments: --colour"),
    (["text", "--long-text", "windows"], "invalid choice: 'windows'"),
    (["text", "--resume"], "--resume needs --output FILE"),
    (["text", "--resume", "--output", "-"], "--resume needs --output FILE"),
    (["text", "--progress", "--quiet"], "not allowed with argument --progress"),
    (["--input", "in.csv", "--encoding", "utf-99"], "'utf-99' is not an encoding of text"),
    (["--input", "in.csv", "--encoding", "base64"], "'base64' is not an encoding of text"),
    (["--input", "in.csv", "--delimiter", "::"], "'::' cannot stand between cells"),
    (["--input", "in.csv", "--escape", '"'], "'\"' cannot stand before a quote"),
    (["--input", "in.csv", "--escape", "\\\\"], "cannot stand before a quote"),
    (
        ["--input", "in.csv", "--escape", "|", "--delimiter", "|"],
        "--escape and --delimiter need different characters",
    ),
    (
        ["--input", "in.csv", "--skip-initial-space", "--delimiter", " "],
        "--skip-initial-space needs a --delimiter that is not a blank",
    ),
    (["text", "--format", "parquet"], "parquet does not go to standard output; give --output"),
    (["text", "--format", "table", "--output", "out.txt"], "a table is for a terminal"),
]


@pytest.mark.parametrize(
    ("arguments", "message"), USAGE, ids=[" ".join(arguments) for arguments, _ in USAGE]
)
def test_wrong_usage(classify: Classify, arguments: list[str], message: str) -> None:
    code, out, err = classify(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("usage: ")
    last = err.splitlines()[-1]
    assert "error: " in last
    assert message in last


def test_texts_that_begin_with_a_dash(classify: Classify) -> None:
    _, out, _ = classify("--", "-5 stars", "--awful")
    assert [row["text"] for row in read_json_lines(out)] == ["-5 stars", "--awful"]


def test_outputs_that_are_no_files(
    classify: Classify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, out, _ = classify("--output", "-", "good")
    assert len(read_json_lines(out)) == 1
    _, out, err = classify("--output", "", "good")
    assert out == ""
    assert "--output: the name is empty, expected the name of a file" in err
    assert list(tmp_path.iterdir()) == []

"""Several inputs: each has a file of the same name in one folder of outputs."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from tests.support.command_line import (
    Classify,
    kill_after_checkpoints,
    read_json_lines,
    start_npbert,
)


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files of several formats in the current folder."""
    monkeypatch.chdir(tmp_path)
    parts = tmp_path / "parts"
    (parts / "day=1").mkdir(parents=True)
    (parts / "a.csv").write_text("id,text\n1,a good film\n2,\n")
    (parts / "b.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a bad film"}\n'))
    (parts / "day=1" / "c.txt").write_text("one\ntwo\n")
    table = pyarrow.table({"n": pyarrow.array([1, 2], "int8"), "text": ["x", "y"]})
    pyarrow.parquet.write_table(table, parts / "day=1" / "d.parquet")
    (parts / "_SUCCESS").touch()
    return parts


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_folder(classify: Classify, parts: Path) -> None:
    code, out, err = classify("--input", "parts", "--output", "labelled")
    assert (code, out) == (0, "")
    assert err == "npbert: 4 files, 7 rows done, 1 null, 0 truncated to 512 tokens\n"
    made = contents(parts.with_name("labelled"))
    assert [*made] == ["a.csv", "b.jsonl.gz", "day=1/c.jsonl", "day=1/d.parquet"]
    assert sorted(path.name for path in parts.parent.iterdir()) == ["labelled", "parts"]
    for name, content in made.items():
        path = name.replace("c.jsonl", "c.txt")
        target = f"alone-{name.replace('/', '-')}"
        assert classify("--input", f"parts/{path}", "--output", target)[0] == 0
        assert Path(target).read_bytes() == content


def test_files_with_a_common_format(classify: Classify, parts: Path) -> None:
    inputs = ["parts/a.csv", "parts/day=1/*"]
    code, _, err = classify("--input", *inputs, "--output", "labelled/", "--format", "jsonl")
    assert (code, err[:30]) == (0, "npbert: 3 files, 6 rows done, ")
    made = contents(parts.with_name("labelled"))
    assert [*made] == ["a.jsonl", "c.jsonl", "d.jsonl"]
    rows = read_json_lines(made["d.jsonl"].decode())
    assert [(row["n"], row["text"]) for row in rows] == [(1, "x"), (2, "y")]


def test_one_file_in_a_folder(classify: Classify, parts: Path) -> None:
    """A slash at the end says that it is a folder, however many files a shell has found."""
    code, _, err = classify("--input", "parts/a.csv", "--output", "labelled/")
    assert (code, err) == (0, "npbert: 2 rows done, 1 null, 0 truncated to 512 tokens\n")
    assert [*contents(parts.with_name("labelled"))] == ["a.csv"]


def test_every_file_is_looked_at_before_the_first_is_labelled(
    classify: Classify, parts: Path
) -> None:
    (parts / "e.csv").write_text("id,review\n1,x\n")
    code, _, err = classify("--input", "parts", "--output", "labelled", model="no/such/model")
    assert code == 1
    assert err == (
        "npbert: error: parts/e.csv has no column 'text'; there is: 'id', 'review'; choose one "
        "with --column; if the first line is a row, give --no-header\n"
    )
    (parts / "e.csv").write_text("text,score\nx,1\n")
    code, _, err = classify("--input", "parts", "--output", "labelled")
    assert code == 1
    assert err.startswith("npbert: error: parts/e.csv has a column 'score' already; choose")
    assert not parts.with_name("labelled").exists()
    assert not parts.with_name("labelled.partial").exists()


def test_a_bad_row_stops_the_run_and_the_rest_is_gone_on_with(
    classify: Classify, parts: Path
) -> None:
    (parts / "c.csv").write_text("id,text\n" + "1,x\n" * 2000 + "1,2,3\n")
    command = ["--input", "parts", "--output", "labelled"]
    code, _, err = classify(*command)
    assert code == 1
    assert err.splitlines() == [
        "npbert: 1,024 rows are kept in labelled.partial/files/c.csv.partial; --resume goes on "
        "from there".replace("labelled", str(parts.with_name("labelled"))),
        f"npbert: {parts.with_name('labelled')}.partial has 2 of 5 files; --resume "
        "goes on from there",
        "npbert: error: parts/c.csv, line 2002: 3 cells, expected 2 as in the first line; "
        "--bad-rows skip leaves such rows out",
    ]
    code, _, err = classify(*command)
    assert code == 1
    assert "did not end, of which 2 files are complete: --resume goes on with it" in err
    code, _, err = classify(*command, "--resume", "--prefix", "our_")
    assert code == 1
    assert "columns_added is ['our_label', 'our_score'], was ['label', 'score']" in err
    (parts / "c.csv").write_text("id,text\n" + "1,x\n" * 2000)
    code, _, err = classify(*command, "--resume")
    assert (code, err[:33]) == (0, "npbert: 5 files, 2,007 rows done,")
    made = contents(parts.with_name("labelled"))
    assert classify("--input", "parts", "--output", "again")[0] == 0
    assert made == contents(parts.with_name("again"))


def test_progress_says_which_file_it_is(classify: Classify, parts: Path) -> None:
    paths = [str(path) for path in parts.glob("?.*")]
    code, _, err = classify("--input", *paths, "--output", "x", "--progress")
    assert code == 0
    assert "1 of 2: 0 rows, " in err
    assert "2 of 2: 0 rows, " in err


def test_an_input_that_has_changed(classify: Classify, parts: Path) -> None:
    (parts / "c.csv").write_text("id,text\n1,2,3\n")
    command = ["--input", "parts", "--output", "labelled"]
    assert classify(*command)[0] == 1
    (parts / "a.csv").write_text("id,text\n1,another film\n")
    code, _, err = classify(*command, "--resume")
    assert code == 1
    assert "parts/a.csv has changed since it was labelled into" in err
    assert err.endswith("bring it back, or start over: --force without --resume\n")


def test_a_run_that_is_killed(classify: Classify, parts: Path, folder: str) -> None:
    (parts / "e.csv").write_text("text\n" + "a long text of many words\n" * 20_000)
    command = ["--input", "parts", "--output", "labelled", "--threads", "1"]
    process = start_npbert("classify", "--model", folder, *command)
    journal = parts.parent / "labelled.partial" / "files" / "e.csv.partial" / "journal.jsonl"
    kill_after_checkpoints(process, journal)
    code, _, err = classify(*command, "--resume")
    assert (code, err[:35]) == (0, "npbert: 5 files, 20,007 rows done, ")
    command[3] = "whole"
    assert classify(*command)[0] == 0
    assert contents(parts.with_name("labelled")) == contents(parts.with_name("whole"))


USAGE = [
    (["--input", "a.csv", "b.csv"], "several inputs become as many files; give --output FOLDER"),
    (["--input", "parts"], "several inputs become as many files; give --output FOLDER"),
    (["--input", "a.csv", "-", "--output", "x"], "standard input cannot be one of several inputs"),
    (["--input", "parts", "--output", "all.csv"], "folder; all.csv has the ending of a file"),
]


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize(("arguments", "message"), USAGE)
def test_wrong_usage(classify: Classify, arguments: list[str], message: str) -> None:
    code, out, err = classify(*arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_inputs_that_would_have_one_output(classify: Classify, parts: Path) -> None:
    (parts / "day=1" / "a.csv").write_text("text\nx\n")
    code, _, err = classify("--input", "parts/a.csv", "parts/day=1/a.csv", "--output", "x")
    assert code == 1
    assert err == (
        "npbert: error: parts/a.csv and parts/day=1/a.csv would both become a.csv; give the folder "
        "that both are in, or label them one after the other\n"
    )


@pytest.mark.usefixtures("parts")
def test_a_text_that_is_the_name_of_a_file(classify: Classify) -> None:
    code, out, err = classify("parts/a.csv", "x" * 5000, "a\0b")
    assert (code, len(out.splitlines())) == (0, 3)
    assert err == (
        "npbert: 'parts/a.csv' is labelled as a text, but a file has this name; label the texts in "
        "it with --input parts/a.csv\n"
    )

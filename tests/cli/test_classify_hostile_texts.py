"""Texts that try to act on a terminal, through every door of `npbert classify`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command_line import Classify, read_json_lines, run_npbert
from tests.support.hostile_texts import CONTROLS, FAKE_LINE, LONG, NUL
from tests.support.oracles import make_folder
from tests.support.terminals import obeyed, run_on_terminals

IN_FILES = {**CONTROLS, "NUL": NUL, "a line of ours": FAKE_LINE}
FORMATS = ("table", "jsonl", "csv", "tsv")


@pytest.mark.parametrize("format", FORMATS)
def test_arguments_on_a_terminal(folder: str, format: str) -> None:
    texts = [*CONTROLS.values(), FAKE_LINE]
    out, err = run_on_terminals("classify", "--model", folder, "--format", format, *texts)
    assert obeyed(out) == set()
    assert err == ""
    # In csv there is a header, and a cell may have a line break.
    assert out.count("\n") == len(texts) + 2 * (format in ("csv", "tsv"))
    if format == "jsonl":
        assert [row["text"] for row in read_json_lines(out)] == texts


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_file_on_a_terminal(folder: str, tmp_path: Path, kind: str) -> None:
    """The cells of all columns, and their names."""
    path = tmp_path / f"in.{kind}"
    evil = "a\x1b[2J\x9b"
    rows = [{"text": "good", evil: text} for text in IN_FILES.values()]
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        cells = [",".join(f'"{name}"' for name in rows[0])]
        cells += [f'good,"{row[evil]}"' for row in rows]
        path.write_text("\n".join(cells) + "\n", encoding="utf-8", newline="")
    out, err = run_on_terminals("classify", "--model", folder, "--input", str(path), "--progress")
    assert obeyed(out) == set()
    assert obeyed(err) <= {"\r"}  # the line of progress is drawn anew
    assert "\\u001b[2J" in out
    if kind == "jsonl":
        found = read_json_lines(out)
        assert [[*row.values()][:2] for row in found] == [[*row.values()] for row in rows]


@pytest.mark.parametrize("input_format", ["lines", "jsonl"])
def test_standard_input_on_a_terminal(folder: str, input_format: str) -> None:
    texts = [text for text in CONTROLS.values() if "\r" not in text]
    lines = texts if input_format == "lines" else [json.dumps({"text": text}) for text in texts]
    arguments = ("classify", "--model", folder, "-", "--input-format", input_format)
    out, err = run_on_terminals(*arguments, stdin="".join(f"{line}\n" for line in lines).encode())
    assert obeyed(out + err) == set()
    assert out.count("\n") == len(texts)


def test_a_pipe_gets_the_exact_data(folder: str) -> None:
    texts = [*CONTROLS.values(), FAKE_LINE]
    done = run_npbert("classify", "--model", folder, "--format", "jsonl", *texts)
    lines = done.stdout.decode().split("\n")[:-1]
    assert [json.loads(line)["text"] for line in lines] == texts
    raw = [text for text in texts if text.encode() in done.stdout]
    assert CONTROLS["C1"] in raw  # such a character stands in JSON as it is
    done = run_npbert("classify", "--model", folder, "--format", "csv", *texts)
    assert all(text.encode() in done.stdout for text in texts)


@pytest.mark.parametrize("columns", ["80", "20"])
def test_a_text_draws_over_no_other_line(
    classify: Classify, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    texts = [LONG[name] for name in ("marks", "marks that stay", "joined emoji")]
    code, out, _ = classify("--format", "table", *texts)
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == len(texts)
    assert max(map(len, lines)) < 80 * 35


@pytest.mark.parametrize("name", LONG)
def test_a_long_text_from_a_file(classify: Classify, tmp_path: Path, name: str) -> None:
    path = tmp_path / "in.csv"
    path.write_text(f"text\n{LONG[name]}\n", encoding="utf-8")
    target = tmp_path / "out.csv"
    code, _, err = classify("--input", str(path), "--output", str(target))
    assert code == 0
    assert err.startswith("npbert: 1 row done, 0 null, ")
    assert target.read_text(encoding="utf-8").split("\n")[1].startswith(LONG[name] + ",")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Make models whose labels are hostile."""

    def make(label: str) -> str:
        labels = {0: label, 1: label + "1", 2: label + "2"}
        return str(make_folder(tmp_path_factory.mktemp("model"), id2label=labels))

    return make


@pytest.mark.parametrize("name", IN_FILES)
def test_labels_on_a_terminal(strangers: Callable[[str], str], name: str) -> None:
    folder = strangers(IN_FILES[name])
    for arguments in (
        ("classify", "--model", folder, "good", "bad", "--top-k", "all"),
        ("classify", "--model", folder, "good", "--format", "csv", "--top-k", "all"),
        ("info", folder),
        ("explain", "--model", folder, "good film", "--steps"),
        ("explain", "--model", folder, "good film", "--compare", "bad film"),
        ("explain", "--model", folder, "good film", "--format", "json"),
    ):
        out, err = run_on_terminals(*arguments)
        assert obeyed(out + err) == set(), arguments
    out, err = run_on_terminals("explain", "--model", folder, "good", "--label", "\x1b[2J", code=1)
    assert obeyed(out + err) == set()
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("label", "is_formula"),
    [
        ("=HYPERLINK(0)", True),
        ("@SUM(1)", True),
        ("+A1", True),
        ("-A1", True),
        ("\t=1", True),
        ("-1", False),
        ("+1.5", False),
        ("a=b", False),
        ("", False),
    ],
)
def test_labels_that_are_formulas(
    classify: Classify,
    strangers: Callable[[str], str],
    tmp_path: Path,
    label: str,
    is_formula: bool,
) -> None:
    """They are written as they are, and said."""
    (tmp_path / "parts").mkdir()
    for number in range(2):
        (tmp_path / "parts" / f"{number}.csv").write_text("text\n=1+1\n")
    folder, target = strangers(label), str(tmp_path / "out")
    code, _, err = classify("--input", str(tmp_path / "parts"), "--output", target, model=folder)
    assert code == 0
    assert err.count("take for formulas") == is_formula
    labelled = (tmp_path / "out" / "0.csv").read_text(encoding="utf-8").split("\n")[1]
    assert labelled.startswith(f"=1+1,{label}")
    code, _, err = classify("good", "--format", "jsonl", model=folder)
    assert (code, err) == (0, "")

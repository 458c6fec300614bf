"""`npbert explain`: for people, for programs and as a page."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import npbert
from npbert.cli.commands import main
from npbert.explanations.drawing import draw
from tests.support.command_line import read_json_lines, run_npbert
from tests.support.terminals import run_on_terminals

TEXT = "The plot is thin, but the cast is not bad at all."
Explain = Callable[..., tuple[int, str, str]]


@pytest.fixture
def explain(capsys: pytest.CaptureFixture[str]) -> Explain:
    """Run `npbert explain` in this process: exit code, standard output, standard error."""

    def run(*arguments: str, model: str = "mini") -> tuple[int, str, str]:
        try:
            code = main(["explain", "--model", model, *arguments])
        except SystemExit as stop:  # argparse, for wrong usage
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_a_pipe_gets_plain_text(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    found = npbert.explain(TEXT, "mini")
    assert explain(TEXT) == (0, draw(found, 70) + "\n", "")
    assert explain(TEXT, "--all") == (0, draw(found, 70, all_rows=True) + "\n", "")


@pytest.mark.parametrize("is_coloured", [True, False])
def test_a_terminal_gets_colours_unless_it_wants_none(
    is_coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "" if is_coloured else "1")
    monkeypatch.delenv("COLUMNS", raising=False)
    out, err = run_on_terminals("explain", "--model", "mini", "Not bad.")
    expected = draw(npbert.explain("Not bad.", "mini"), 80, colours=is_coloured)
    assert out.replace("\r\n", "\n") == expected + "\n"
    assert ("\x1b[" in out) == is_coloured
    assert err == ""


def test_json_is_what_to_dict_returns(explain: Explain) -> None:
    options = ["--method", "mask", "--label", "NEGATIVE", "--steps", "--attention"]
    code, out, _ = explain("Not bad.", "Dull.", "--format", "json", *options)
    expected = npbert.explain(
        ["Not bad.", "Dull."], "mini", method="mask", label="NEGATIVE", steps=True, attention=True
    )
    assert code == 0
    assert read_json_lines(out) == [found.to_dict() for found in expected]


def test_json_holds_no_control_characters(explain: Explain) -> None:
    text = 'bad\x1b[2J "\x9b31m\u202e 東京'
    _, out, _ = explain(text, "--format", "json")
    assert out.rstrip("\n").isprintable()
    assert "東京" in out
    assert json.loads(out)["text"] == text


def test_standard_input() -> None:
    done = run_npbert(
        "explain", "--model", "mini", "-", "--format", "json", input=b"Good.\n\nBad.\n"
    )
    assert done.returncode == 0
    assert [row["text"] for row in read_json_lines(done.stdout.decode())] == ["Good.", "Bad."]
    assert done.stderr == b"npbert: 1 line without a text\n"


def test_a_comparison(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    code, out, _ = explain("Not bad.", "--compare", "Bad.")
    assert code == 0
    assert out.count("POSITIVE") == 3  # both texts are explained for the label of the first one
    assert [line.split()[:3:2] for line in out.splitlines() if line.startswith("Not")] == [
        ["Not", "--"]
    ]
    _, out, _ = explain("Not bad.", "--compare", "Bad.", "--format", "json")
    assert [row["label"] for row in read_json_lines(out)] == ["POSITIVE", "POSITIVE"]


def test_a_page(explain: Explain, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert explain("Not bad.", "--html", str(page)) == (0, "", "")
    first = page.read_text(encoding="utf-8")
    assert npbert.explain("Not bad.", "mini")._repr_html_() in first
    code, _, err = explain("Dull.", "--html", str(page))
    assert code == 1
    assert "page.html exists and holds something else" in err
    assert page.read_text(encoding="utf-8") == first
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_long_text_is_cut_as_in_classify(explain: Explain, folder: str) -> None:
    code, out, err = explain("good film " * 300 + ". end", "--unit", "sentence", model=folder)
    assert code == 0
    assert "only its beginning was read" in out
    assert err.startswith("npbert: 1 of 1 text had more tokens than were read")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([""], "text 0 (counted from 0) has no word that could be left out"),
        (["x", "--label", "FINE"], "label is 'FINE', expected one of: 'NEGATIVE', 'POSITIVE'"),
        (
            ["a " * 201],
            "has 201 words, expected at most 200; pass unit='sentence' (--unit sentence)",
        ),
        (["x", "--model", "./missing"], "./missing: no such folder"),
    ],
)
def test_failures_are_one_line(explain: Explain, arguments: list[str], message: str) -> None:
    code, out, err = explain(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("npbert: error: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: TEXT"),
        (["x", "--method", "gradients"], "invalid choice: 'gradients'"),
        (["x", "y", "--compare", "z"], "--compare needs exactly one TEXT to compare with"),
        (["-", "--compare", "z"], "--compare needs exactly one TEXT to compare with"),
        (["x", "--html", "a.html", "--format", "json"], "--html FILE or --format json, not both"),
    ],
)
def test_wrong_usage(explain: Explain, arguments: list[str], message: str) -> None:
    code, out, err = explain(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: npbert explain")
    assert message in err


def test_explaining_imports_no_more_than_classifying() -> None:
    """The command starts as fast: it needs no module of others that classify does not need."""
    code = (
        "import sys; from npbert.cli.commands import main; main(sys.argv[1:]); "
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    packages = [
        {
            *subprocess.run(
                [sys.executable, "-c", code, command, "--model", "mini", "Not bad."],
                capture_output=True,
                encoding="utf-8",
                check=True,
            ).stderr.split()
        }
        for command in ("classify", "explain")
    ]
    assert packages[1] - packages[0] <= {"__hello__"}

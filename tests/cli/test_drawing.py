"""Results drawn for people."""

from __future__ import annotations

from typing import Any

import pytest

from npbert.cli.drawing import draw_labels
from tests.support.command_line import Classify


def test_labels_are_drawn_one_per_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "48")
    drawn = draw_labels(
        "a long\ttext", [{"label": "GOOD", "score": 0.75}, {"label": "SO-SO", "score": 0.0}]
    )
    assert drawn.splitlines() == [
        "GOOD   0.7500  ███████████████░░░░░  a long text",
        "SO-SO  0.0000  ░░░░░░░░░░░░░░░░░░░░",
    ]


def test_labels_that_are_numbers_are_drawn_too() -> None:
    labels: Any = [{"label": 12, "score": 0.0}, {"label": 3, "score": 0.0}]
    first, second = draw_labels("", labels).splitlines()
    assert first.startswith("12  0.0000")
    assert second.startswith("3   0.0000")


@pytest.mark.parametrize(("score", "n_filled"), [(-3.2, 0), (0.49, 10), (1.0, 20), (7.5, 20)])
def test_a_bar_ends_at_0_and_1(score: float, n_filled: int) -> None:
    """The scores of a regression model can be any numbers."""
    drawn = draw_labels("text", [{"label": "STARS", "score": score}])
    assert drawn.count("█") == n_filled
    assert drawn.count("░") == 20 - n_filled
    assert f"{score:.4f}" in drawn


def test_a_row_without_a_text_is_drawn_too() -> None:
    assert draw_labels("", []) == "(no text)  "


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


def test_columns_align_where_characters_are_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "51")
    labels: Any = [
        {"label": "良い", "score": 0.5},
        {"label": "👍🏽", "score": 0.5},
        {"label": "naïve\x1b[2J", "score": 0.0},
    ]
    bar = "██████████░░░░░░░░░░"
    assert draw_labels("東京タワーと空", labels).splitlines() == [
        f"良い       0.5000  {bar}  東京タワ…",
        f"👍🏽         0.5000  {bar}",
        "naïve [2J  0.0000  ░░░░░░░░░░░░░░░░░░░░",
    ]

"""Explanations drawn for people: everything fits, and no text controls the terminal."""

from __future__ import annotations

import dataclasses

import pytest

import npbert
from npbert.explanations.drawing import draw
from npbert.terminal.screen_width import width_of

Classifier = npbert.TextClassificationPipeline
EXAMPLE = "The plot is thin, but the cast is not bad at all."


def word(
    text: str, start: int, effect: float, positive: float, other: float | None = None
) -> npbert.Word:
    without = {"NEGATIVE": 1 - positive, "POSITIVE": positive}
    return npbert.Word(text, start, start + len(text), effect, without, other)


NOT_BAD = npbert.Explanation(
    text="Not bad.",
    label="POSITIVE",
    scores={"NEGATIVE": 0.25, "POSITIVE": 0.75},
    lead=1.5,
    words=(
        word("Not", 0, 4.0, 0.125, other=3.0),
        word("bad", 4, -2.0, 0.875, other=0.5),
        word(".", 7, 0.001, 0.75, other=-0.001),
    ),
    pairs=(npbert.Pair(0, 1, 1.0, -1.0, {"NEGATIVE": 0.5, "POSITIVE": 0.5}),),
    method="leave-one-out",
    unit="word",
    n_texts=10,
)


def test_a_drawing_line_by_line() -> None:
    assert draw(NOT_BAD, 80).splitlines() == [
        "POSITIVE  0.7500  ███████████████░░░░░",
        "",
        "  [Not++] [bad-].",
        "",
        "without  effect                    label then",
        "Not      +4.00   ++++++++++++++++  NEGATIVE 0.875",
        "bad      -2.00   --------          POSITIVE 0.875",
        ".        0.00                      POSITIVE 0.750",
        "",
        "together  Not + bad: +1.00 together, +4.00 and -2.00 alone: one works through",
        "          the other",
        "doubtful  bad: -2.00 left out, but +0.50 masked; do not rely on this word",
        "",
        "Effect: how far the lead of POSITIVE (+1.50) falls, in logits. The model read 10",
        "texts.",
        "Each row is an experiment, the text without that word: a large effect is a fact",
        "about this model, and a small one does not prove that the word is unimportant,",
        "since another may say the same.",
    ]


def test_the_ways_of_a_masked_text_are_told_apart() -> None:
    drawn = draw(dataclasses.replace(NOT_BAD, method="mask"), 100)
    assert "bad: +0.50 left out, but -2.00 masked" in drawn
    assert "masked  effect" in drawn


@pytest.mark.parametrize(
    ("together", "expected"), [(3.0, "they work as one"), (9.0, "each stands in for the other")]
)
def test_what_pairs_do(together: float, expected: str) -> None:
    words = (word("a", 0, 4.0, 0.5), word("b", 2, 2.0, 0.5))
    pair = npbert.Pair(0, 1, together, together - 6, {"NEGATIVE": 1.0, "POSITIVE": 0.0})
    drawn = draw(dataclasses.replace(NOT_BAD, text="a b", words=words, pairs=(pair,)), 80)
    assert expected in " ".join(drawn.split())
    weak = dataclasses.replace(pair, interaction=0.9)
    assert "together" not in draw(dataclasses.replace(NOT_BAD, words=words, pairs=(weak,)), 80)


def test_another_label_is_told_from_that_of_the_model() -> None:
    lines = draw(dataclasses.replace(NOT_BAD, label="NEGATIVE"), 80).splitlines()
    assert lines[:2] == ["NEGATIVE  0.2500  █████░░░░░░░░░░░░░░░", "the model says POSITIVE 0.7500"]


def test_small_effects_are_counted_or_shown(mini: Classifier) -> None:
    found = npbert.explain(EXAMPLE, mini)
    assert "\n8 more, 0.46 at most (--all)\n" in draw(found, 80)
    everything = draw(found, 80, all_rows=True)
    assert "more," not in everything
    assert all(f"\n{one.text} " in everything for one in found.words)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("method", ["leave-one-out", "mask", "shapley"])
def test_no_line_is_wider_than_the_terminal(mini: Classifier, width: int, method: str) -> None:
    texts = [EXAMPLE, "東京は good ではない \U0001f600 مرحبا", "unbelievably " * 3 + "x" * 30]
    for text in texts:
        found = npbert.explain(text, mini, method=method, steps=True, attention=True)  # type: ignore[call-overload]
        lines = draw(found, width).splitlines()
        assert max(map(width_of, lines)) <= width
        assert all(line == line.rstrip() for line in lines)


def test_colours_change_nothing_but_colour(mini: Classifier) -> None:
    found = npbert.explain(EXAMPLE, mini)
    coloured = draw(found, 60, colours=True)
    assert "\x1b[94m[not++]\x1b[0m" in coloured
    assert "\x1b[33m[thin-]\x1b[0m" in coloured
    for code in ("\x1b[94m", "\x1b[33m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == draw(found, 60)


def test_nothing_of_a_text_controls_the_terminal(mini: Classifier) -> None:
    text = "good\x1b[2J \x9b31m bad\x07 \u202eevil\u2066 \r\nfilm"
    drawn = draw(npbert.explain(text, mini, steps=True, attention=True), 80)
    assert all(character.isprintable() or character == "\n" for character in drawn)
    assert "evil" in drawn


def test_str_has_the_width_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    assert str(NOT_BAD) == draw(NOT_BAD, 50)
    assert repr(NOT_BAD) == (
        "<Explanation of 'POSITIVE' (0.7500) by leave-one-out, 3 words; print() shows it>"
    )

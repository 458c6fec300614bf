"""Two texts side by side."""

from __future__ import annotations

import pytest

import npbert
from npbert.explanations.comparison import align, draw_comparison
from npbert.terminal.screen_width import width_of

FIRST, SECOND = "The cast is not bad.", "the cast is good, not bad."


@pytest.fixture(scope="module")
def both(mini: npbert.TextClassificationPipeline) -> list[npbert.Explanation]:
    return [npbert.explain(text, mini, label="POSITIVE") for text in (FIRST, SECOND)]


def test_words_are_aligned(both: list[npbert.Explanation]) -> None:
    aligned = align(*both)
    assert [one.text for one in aligned] == ["The", "cast", "is", "good", ",", "not", "bad", "."]
    assert [one.text for one in aligned if one.is_new] == ["good", ","]
    not_, good = aligned[5], aligned[3]
    assert not_.change == both[1].words[5].effect - both[0].words[3].effect
    assert good.change == both[1].words[3].effect


@pytest.mark.parametrize("width", [40, 100])
def test_the_drawing(both: list[npbert.Explanation], width: int) -> None:
    first, second = both
    lines = draw_comparison(first, second, width).splitlines()
    assert max(map(width_of, lines)) <= width
    assert next(line for line in lines if line.startswith("good ")).split()[1] == "--"
    assert f"lead of POSITIVE: {first.lead:+.2f}, then {second.lead:+.2f}" in lines
